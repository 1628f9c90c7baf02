#include <algorithm>
#include <array>

#include "tests/unit/netlink/nft_rule_samples.hpp"

namespace ambient::test {
namespace {

using namespace model;

class Dice {
  public:
    explicit Dice(std::mt19937& random) : random_(random) {}

    std::uint32_t number(std::uint32_t first, std::uint32_t last) {
        return std::uniform_int_distribution<std::uint32_t>(first, last)(random_);
    }
    bool flip() { return number(0, 1) != 0; }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(0, 0xffff)); }
    Family family() { return flip() ? Family::ipv4 : Family::ipv6; }
    Direction direction() { return flip() ? Direction::source : Direction::destination; }
    // Full masks come often: they are written in another way.
    Mark mark() {
        const auto mask = flip() ? 0xffffffffU : number(0, 0xffffffff);
        return {.value = number(0, 0xffffffff) & mask, .mask = mask};
    }
    IpAddress address(Family family) {
        std::array<std::uint8_t, 16> bytes{};
        for (auto& byte : bytes)
            byte = static_cast<std::uint8_t>(number(0, 255));
        return IpAddress::from_bytes(std::span(bytes).first(address_bytes(family))).value();
    }
    Prefix prefix() {
        const auto chosen = family();
        const auto length = number(0, static_cast<std::uint32_t>(address_bits(chosen)));
        return Prefix::make(address(chosen), static_cast<int>(length)).value();
    }
    std::string name(std::size_t longest) {
        std::string name(number(1, static_cast<std::uint32_t>(longest)), ' ');
        for (auto& letter : name)
            letter = static_cast<char>('a' + number(0, 25));
        return name;
    }
    std::optional<std::uint16_t> maybe_port() {
        return flip() ? std::optional(u16()) : std::nullopt;
    }

  private:
    std::mt19937& random_;
};

template <class Range, class Number>
Range range(Dice& dice, Number first, Number last) {
    Range made;
    made.first = std::min(first, last);
    made.last = dice.flip() ? made.first : std::max(first, last);
    made.negate = dice.flip();
    return made;
}

Port random_port(Dice& dice) {
    auto port = range<Port>(dice, dice.u16(), dice.u16());
    port.direction = dice.direction();
    return port;
}

void add_match(Dice& dice, std::vector<Match>& to) {
    switch (dice.number(0, 14)) {
        case 11: to.push_back(InterfaceInSet{dice.direction(), "links", dice.flip()}); break;
        case 12:
            to.push_back(Protocol{dice.flip() ? kTcp : kUdp});
            to.push_back(PortInSet{dice.direction(), "ports", dice.flip()});
            break;
        case 13: {
            const auto family = dice.family();
            to.push_back(Protocol{dice.flip() ? kTcp : kUdp});
            to.push_back(EndpointInSet{dice.direction(), family,
                                       family == Family::ipv4 ? "endpoints4" : "endpoints6",
                                       dice.flip()});
            break;
        }
        case 0: to.push_back(InInterface{dice.name(15), dice.flip()}); break;
        case 1: to.push_back(OutInterface{dice.name(15), dice.flip()}); break;
        case 2: to.push_back(IsFamily{dice.family()}); break;
        case 3:
            to.push_back(Protocol{static_cast<std::uint8_t>(dice.number(0, 255)), dice.flip()});
            break;
        case 4:
            to.push_back(Protocol{dice.flip() ? kTcp : kUdp});
            to.push_back(random_port(dice));
            break;
        case 5: to.push_back(Address{dice.direction(), dice.prefix(), dice.flip()}); break;
        case 6: {
            const auto family = dice.family();
            to.push_back(InSet{dice.direction(), family, family == Family::ipv4 ? "pods4" : "pods6",
                               dice.flip()});
            break;
        }
        case 7: to.push_back(MarkIs{dice.mark(), dice.flip()}); break;
        case 8: to.push_back(CtMarkIs{dice.mark(), dice.flip()}); break;
        case 14: to.push_back(HasSocket{dice.flip()}); break;
        case 9: to.push_back(CtStateIn{dice.number(1, 15)}); break;
        default: {
            const auto first = dice.number(0, 70000);
            const auto last = dice.number(0, 70000);
            if (dice.flip()) {
                to.push_back(range<SocketUser>(dice, first, last));
            } else {
                to.push_back(range<SocketGroup>(dice, first, last));
            }
        }
    }
}

Action random_action(Dice& dice) {
    switch (dice.number(0, 18)) {
        case 0: return Counter{};
        case 1: return Log{dice.flip() ? "" : dice.name(127)};
        case 2: return SetMark{dice.mark()};
        case 3: return SetCtMark{dice.mark()};
        case 4: return SaveMark{};
        case 5: return RestoreMark{};
        case 6: return Tproxy{dice.address(dice.family()), dice.u16()};
        case 7: return Redirect{dice.u16()};
        case 8: return Dnat{dice.address(dice.family()), dice.maybe_port()};
        case 9: return Snat{dice.address(dice.family()), dice.maybe_port()};
        case 10: return KeepDestination{dice.family()};
        case 11: return KeepSource{dice.family()};
        case 12: return Accept{};
        case 13: return Drop{};
        case 14: return Return{};
        case 15: return SetCtZone{dice.u16()};
        case 16: return Reset{};
        case 17: return SourceFromDestination{dice.family()};
        default: return Jump{"other"};
    }
}

}  // namespace

FilterRule random_rule(std::mt19937& random) {
    Dice dice(random);
    FilterRule rule;
    for (auto left = dice.number(0, 4); left > 0; --left)
        add_match(dice, rule.matches);
    for (auto left = dice.number(0, 4); left > 0; --left)
        rule.actions.push_back(random_action(dice));
    if (std::ranges::count(rule.actions, Action{Reset{}}) > 0)
        rule.matches.push_back(Protocol{kTcp});
    return rule;
}

}  // namespace ambient::test
