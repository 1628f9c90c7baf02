#include "common/desired/sidecar_filter.hpp"

#include <utility>

#include "common/desired/parts.hpp"

namespace ambient::desired {
namespace {

using namespace model;

constexpr const char* kFromProxy = "from_proxy";
constexpr const char* kInbound = "inbound";
constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};

const InInterface kFromLoopback{"lo"};
const OutInterface kToLoopback{"lo"};
constexpr Protocol kIsTcp{kTcp};
constexpr Protocol kIsUdp{kUdp};

Port to_ports(const PortRange& range) { return {.first = range.first, .last = range.last}; }
Port from_port(std::uint16_t port) {
    return {.direction = Direction::source, .first = port, .last = port};
}
Address to(const Prefix& prefix) { return {.direction = Direction::destination, .prefix = prefix}; }

template <class T>
T no(T match) {
    match.negate = true;
    return match;
}

template <class... Matches>
std::vector<Match> all(const Matches&... matches) {
    return {Match(matches)...};
}

class Chains {
  public:
    Chains(const SidecarNumbers& numbers, const SidecarParameters& parameters)
        : numbers_(numbers), with_(parameters) {}

    std::vector<FilterChain> build() && {
        if (with_.dns) add(raw_output()), add(raw_prerouting());
        add(mangle_prerouting());
        if (is_tproxy()) {
            if (takes_inbound()) add(inbound_by_tproxy()), add(mangle_output());
        } else if (takes_inbound()) {
            add(inbound_by_redirect());
        }
        add(nat_prerouting());
        add(from_proxy());
        add(nat_output());
        return std::move(chains_);
    }

  private:
    void add(FilterChain chain) {
        if (!chain.rules.empty()) chains_.push_back(std::move(chain));
    }
    static FilterChain base(const char* name, ChainType type, Hook hook, int priority) {
        return {.name = name, .hook = ChainHook{type, hook, priority}, .rules = {}};
    }
    [[nodiscard]] bool is_tproxy() const { return with_.mode == Interception::tproxy; }
    [[nodiscard]] bool takes_inbound() const {
        return with_.inbound.all || !with_.inbound.ranges.empty();
    }
    // What is never led to the proxy: IPv4's configured network, or ::1.
    [[nodiscard]] Prefix loopback(Family family) const {
        return family == Family::ipv4 ? with_.loopback : Prefix::host(IpAddress::loopback(family));
    }
    // The address that Envoy's inbound pass-through binds: from it to the application.
    static Address from_passthrough(Family family) {
        return {.direction = Direction::source,
                .prefix = *Prefix::parse(family == Family::ipv4 ? "127.0.0.6" : "::6")};
    }
    // One list of matches for each of the proxy's users and groups.
    [[nodiscard]] std::vector<Match> owners() const {
        std::vector<Match> owners;
        owners.reserve(with_.users.size() + with_.groups.size());
        for (const auto user : with_.users)
            owners.emplace_back(SocketUser{.first = user, .last = user});
        for (const auto group : with_.groups)
            owners.emplace_back(SocketGroup{.first = group, .last = group});
        return owners;
    }

    // The proxy's questions and the application's can have one and the same port: they are kept
    // apart, so that an answer goes to who asked.
    [[nodiscard]] FilterChain raw_output() const {
        auto chain = base("raw_output", ChainType::filter, Hook::output, kRaw);
        for (const auto& owner : owners()) {
            add_rule(chain, all(owner, kIsUdp, to_port(kDnsPort)),
                     {Counter{}, SetCtZone{numbers_.dns_zone_proxy}, Accept{}});
            add_rule(chain, all(owner, kIsUdp, from_port(numbers_.dns_port)),
                     {Counter{}, SetCtZone{numbers_.dns_zone_application}, Accept{}});
        }
        add_rule(chain, all(kIsUdp, to_port(kDnsPort)),
                 {Counter{}, SetCtZone{numbers_.dns_zone_application}});
        return chain;
    }

    [[nodiscard]] FilterChain raw_prerouting() const {
        auto chain = base("raw_prerouting", ChainType::filter, Hook::prerouting, kRaw);
        add_rule(chain, all(kIsUdp, from_port(kDnsPort)),
                 {Counter{}, SetCtZone{numbers_.dns_zone_proxy}});
        return chain;
    }

    [[nodiscard]] FilterChain mangle_prerouting() const {
        auto chain = base("mangle_prerouting", ChainType::filter, Hook::prerouting, kMangle);
        if (is_tproxy()) {
            for (const auto& name : with_.excluded_interfaces)
                add_rule(chain, {InInterface{name}}, {Return{}});
        }
        // A segment that fits no connection would not be translated back, and be reset.
        if (with_.drop_invalid)
            add_rule(chain, all(kIsTcp, CtStateIn{kCtInvalid}), {Counter{}, Drop{}});
        if (is_tproxy() && takes_inbound()) {
            add_rule(chain, all(kIsTcp), {Jump{kInbound}});
            // Envoy to the application, in the client's name.
            add_rule(chain, all(kIsTcp, MarkIs{numbers_.proxy}),
                     {Counter{}, SetCtMark{numbers_.proxy}});
        }
        return chain;
    }

    // Marks what the route lookup then delivers to Envoy.
    [[nodiscard]] FilterChain mangle_output() const {
        auto chain = base("mangle_output", ChainType::route, Hook::output, kMangle);
        for (const auto& name : with_.excluded_interfaces)
            add_rule(chain, {OutInterface{name}}, {Return{}});
        add_rule(chain, all(kIsTcp, kToLoopback, MarkIs{numbers_.proxy}), {Return{}});
        for (const auto& owner : owners()) {
            for (const Family family : kFamilies) {
                add_rule(chain, all(kIsTcp, kToLoopback, owner, no(to(loopback(family)))),
                         {Counter{}, SetMark{numbers_.to_itself}});
            }
        }
        // The application's answers to Envoy, which speaks in the client's name.
        add_rule(chain, all(kIsTcp, CtMarkIs{numbers_.proxy}),
                 {Counter{}, SetMark{numbers_.proxy}});
        return chain;
    }

    // The inbound ports: `capture` for each match that takes part.
    template <class Capture>
    void add_inbound_ports(FilterChain& chain, Capture capture) const {
        if (!with_.inbound.all) {
            for (const auto& range : with_.inbound.ranges)
                capture(all(kIsTcp, to_ports(range)));
            return;
        }
        for (const auto& range : with_.inbound_not)
            add_rule(chain, all(kIsTcp, to_ports(range)), {Return{}});
        capture(all(kIsTcp));
    }

    // Envoy serves HBONE on a port of its own.
    void leave_hbone(FilterChain& chain) const {
        add_rule(chain, all(kIsTcp, to_port(numbers_.hbone_port)), {Return{}});
    }

    [[nodiscard]] FilterChain inbound_by_redirect() const {
        FilterChain chain{.name = kInbound, .rules = {}};
        leave_hbone(chain);
        add_inbound_ports(chain, [&](const std::vector<Match>& matches) {
            add_rule(chain, matches, {Counter{}, Redirect{numbers_.inbound_port}});
        });
        return chain;
    }

    [[nodiscard]] FilterChain inbound_by_tproxy() const {
        FilterChain chain{.name = kInbound, .rules = {}};
        leave_hbone(chain);
        add_rule(chain, all(kIsTcp, MarkIs{numbers_.proxy}), {Return{}});
        for (const Family family : kFamilies)
            add_rule(chain, all(kIsTcp, kFromLoopback, from_passthrough(family)), {Return{}});
        add_rule(chain,
                 all(kIsTcp, kFromLoopback, MarkIs{.mark = numbers_.to_itself, .negate = true}),
                 {Return{}});
        add_inbound_ports(chain, [&](const std::vector<Match>& matches) {
            // Not every established connection, as Istio does: what passes the pod from an excluded
            // interface, and was never taken, must go on in both directions.
            auto held = matches;
            held.emplace_back(CtMarkIs{numbers_.taken});
            add_rule(chain, held, {Counter{}, SetMark{numbers_.proxy}, Accept{}});
            for (const Family family : kFamilies) {
                auto opened = matches;
                opened.emplace_back(CtStateIn{kCtNew});
                opened.emplace_back(no(to(loopback(family))));
                add_rule(
                    chain, opened,
                    {Counter{}, SetCtMark{numbers_.taken},
                     Tproxy{.address = IpAddress::loopback(family), .port = numbers_.inbound_port},
                     SetMark{numbers_.proxy}, Accept{}});
            }
        });
        return chain;
    }

    [[nodiscard]] FilterChain nat_prerouting() const {
        auto chain = base("nat_prerouting", ChainType::nat, Hook::prerouting, kDstnat);
        for (const auto& name : with_.virtual_interfaces) {
            const std::vector<Action> capture = {Counter{}, Redirect{numbers_.outbound_port}};
            if (with_.outbound.all) add_rule(chain, all(InInterface{name}, kIsTcp), capture);
            for (const auto& prefix : with_.outbound.prefixes)
                add_rule(chain, all(InInterface{name}, kIsTcp, to(prefix)), capture);
            add_rule(chain, {InInterface{name}}, {Return{}});
        }
        if (is_tproxy() || !takes_inbound()) return chain;
        for (const auto& name : with_.excluded_interfaces)
            add_rule(chain, {InInterface{name}}, {Return{}});
        add_rule(chain, all(kIsTcp), {Jump{kInbound}});
        return chain;
    }

    // What the proxy sends goes on as it is, except to its own pod's address: there the other half
    // of it takes it in, as from any other client.
    [[nodiscard]] FilterChain from_proxy() const {
        FilterChain chain{.name = kFromProxy, .rules = {}};
        for (const Family family : kFamilies) {
            auto matches = all(kToLoopback, kIsTcp, no(to(loopback(family))),
                               no(to_port(numbers_.hbone_port)));
            if (with_.dns) matches.emplace_back(no(to_port(kDnsPort)));
            add_rule(chain, std::move(matches), {Counter{}, Redirect{numbers_.inbound_port}});
        }
        add_rule(chain, {}, {Counter{}, Accept{}});
        return chain;
    }

    [[nodiscard]] FilterChain nat_output() const {
        auto chain = base("nat_output", ChainType::nat, Hook::output, kDstnat);
        for (const auto& name : with_.excluded_interfaces)
            add_rule(chain, {OutInterface{name}}, {Return{}});
        for (const auto& range : with_.outbound_never) {
            for (const auto& protocol : {kIsTcp, kIsUdp})
                add_rule(chain, all(protocol, to_ports(range)), {Return{}});
        }
        for (const Family family : kFamilies)
            add_rule(chain, all(kToLoopback, from_passthrough(family)), {Return{}});
        // Envoy to the application, in the client's name: from_proxy would lead it back to Envoy.
        if (is_tproxy()) add_rule(chain, all(kToLoopback, MarkIs{numbers_.proxy}), {Return{}});
        for (const auto& owner : owners())
            add_rule(chain, {owner}, {Jump{kFromProxy}});
        leave_loopback(chain);
        leave_groups(chain);
        if (with_.dns) {
            for (const auto& protocol : {kIsTcp, kIsUdp}) {
                add_rule(chain, all(protocol, to_port(kDnsPort)),
                         {Counter{}, Redirect{numbers_.dns_port}});
            }
        }
        for (const Family family : kFamilies)
            add_rule(chain, {to(loopback(family))}, {Return{}});
        for (const auto& prefix : with_.outbound_not)
            add_rule(chain, {to(prefix)}, {Return{}});
        const std::vector<Action> capture = {Counter{}, Redirect{numbers_.outbound_port}};
        if (with_.outbound_always.all) add_rule(chain, all(kIsTcp), capture);
        for (const auto& range : with_.outbound_always.ranges)
            add_rule(chain, all(kIsTcp, to_ports(range)), capture);
        if (with_.outbound.all) add_rule(chain, all(kIsTcp), capture);
        for (const auto& prefix : with_.outbound.prefixes)
            add_rule(chain, all(kIsTcp, to(prefix)), capture);
        return chain;
    }

    // The application to itself; with DNS capture its questions to a local resolver are taken, and
    // with a loopback network included, all of it.
    void leave_loopback(FilterChain& chain) const {
        for (const auto& prefix : with_.outbound.prefixes) {
            const bool ipv4 = prefix.family() == Family::ipv4;
            const auto own = ipv4 ? *Prefix::parse("127.0.0.0/8")
                                  : Prefix::host(IpAddress::loopback(Family::ipv6));
            if (own.contains(prefix.address())) return;
        }
        if (!with_.dns) {
            add_rule(chain, {kToLoopback}, {Return{}});
            return;
        }
        add_rule(chain, all(kToLoopback, kIsTcp, no(to_port(kDnsPort))), {Return{}});
    }

    void leave_groups(FilterChain& chain) const {
        std::vector<Match> none_of_them;
        for (const auto group : with_.owners.groups) {
            const SocketGroup is{.first = group, .last = group};
            if (with_.owners.all) {
                add_rule(chain, {is}, {Return{}});
            } else {
                none_of_them.emplace_back(no(is));
            }
        }
        if (!with_.owners.all) add_rule(chain, std::move(none_of_them), {Return{}});
    }

    const SidecarNumbers& numbers_;
    const SidecarParameters& with_;
    std::vector<FilterChain> chains_;
};

}  // namespace

std::vector<FilterChain> sidecar_chains(const SidecarNumbers& numbers,
                                        const SidecarParameters& parameters) {
    return Chains(numbers, parameters).build();
}

}  // namespace ambient::desired
