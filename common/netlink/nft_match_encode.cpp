#include "common/netlink/nft_match_encode.hpp"

#include <fmt/format.h>

#include "common/base/overloaded.hpp"
#include "common/netlink/nft_layout.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

std::uint32_t equality(bool negate) { return negate ? NFT_CMP_NEQ : NFT_CMP_EQ; }

Result<void> add_interface(std::uint32_t key, const std::string& name, bool negate,
                           EncodedRule& rule) {
    if (name.empty() || name.size() >= kInterfaceNameSize || name.contains('\0')) {
        return std::unexpected(invalid_input(fmt::format("'{}' is no interface name", name)));
    }
    Value value = Value::of({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
    value.size = kInterfaceNameSize;
    rule.add(MetaLoad{.key = key});
    rule.add(Compare{.op = equality(negate), .with = value});
    return {};
}

// A register that holds one of [first, last], in network order.
void add_range(const Value& first, const Value& last, bool negate, EncodedRule& rule) {
    if (negate) {
        rule.add(NotInRange{.first = first, .last = last});
    } else {
        rule.add(Compare{.op = NFT_CMP_GTE, .with = first});
        rule.add(Compare{.op = NFT_CMP_LTE, .with = last});
    }
}

Result<void> require_ports(const EncodedRule& rule) {
    if (rule.has_ports) return {};
    return std::unexpected(invalid_input("a port match needs TCP or UDP matched before it"));
}

Result<void> add_port(const model::Port& match, EncodedRule& rule) {
    TRY(require_ports(rule));
    if (match.first > match.last)
        return std::unexpected(invalid_input("a port range ends before it begins"));
    rule.add(load_of_port(match.direction));
    if (match.first == match.last) {
        rule.add(Compare{.op = equality(match.negate), .with = Value::big16(match.first)});
    } else {
        add_range(Value::big16(match.first), Value::big16(match.last), match.negate, rule);
    }
    return {};
}

// nft reads only the bytes of the prefix when it ends between bytes, and masks all of the address
// otherwise.
void add_address(const model::Address& match, EncodedRule& rule) {
    const auto family = match.prefix.family();
    const auto length = static_cast<std::size_t>(match.prefix.length());
    const auto bytes = match.prefix.address().bytes();
    rule.check_family(family);
    if (length % 8 == 0 && length != 0) {
        rule.add(load_of_address(family, match.direction, length / 8));
        rule.add(Compare{.op = equality(match.negate), .with = Value::of(bytes.first(length / 8))});
        return;
    }
    Value mask;
    mask.size = bytes.size();
    for (std::size_t bit = 0; bit < length; ++bit)
        mask.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
    rule.add(load_of_address(family, match.direction, bytes.size()));
    rule.add(Bitwise{.mask = mask, .flip = Value{.bytes = {}, .size = mask.size}});
    rule.add(Compare{.op = equality(match.negate), .with = Value::of(bytes)});
}

// What was read is in the set.
template <class InSomeSet>
Result<void> add_lookup(const InSomeSet& match, EncodedRule& rule) {
    if (match.set.empty() || match.set.size() >= NFT_SET_MAXNAMELEN) {
        return std::unexpected(invalid_input(fmt::format("'{}' is no set name", match.set)));
    }
    rule.add(Lookup{.set = match.set, .inverted = match.negate});
    return {};
}

void add_address_load(Family family, model::Direction direction, EncodedRule& rule) {
    rule.check_family(family);
    rule.add(load_of_address(family, direction, address_bytes(family)));
}

Result<void> add_set(const model::InSet& match, EncodedRule& rule) {
    add_address_load(match.family, match.direction, rule);
    return add_lookup(match, rule);
}

Result<void> add_interface_set(const model::InterfaceInSet& match, EncodedRule& rule) {
    const bool in = match.direction == model::Direction::source;
    rule.add(MetaLoad{.key = in ? NFT_META_IIFNAME : NFT_META_OIFNAME});
    return add_lookup(match, rule);
}

Result<void> add_port_set(const model::PortInSet& match, EncodedRule& rule) {
    TRY(require_ports(rule));
    rule.add(load_of_port(match.direction));
    return add_lookup(match, rule);
}

Result<void> add_endpoint_set(const model::EndpointInSet& match, EncodedRule& rule) {
    TRY(require_ports(rule));
    add_address_load(match.family, match.direction, rule);
    auto port = load_of_port(match.direction);
    port.to_register = register_behind_address(match.family);
    rule.add(port);
    return add_lookup(match, rule);
}

// `load` brought a mark into the register.
Result<void> add_mark(Expression load, const Mark& mark, bool negate, EncodedRule& rule) {
    if ((mark.value & ~mark.mask) != 0)
        return std::unexpected(invalid_input("a mark has bits outside its mask"));
    rule.add(std::move(load));
    if (mark.mask != 0xffffffff)
        rule.add(Bitwise{.mask = Value::host32(mark.mask), .flip = Value::host32(0)});
    rule.add(Compare{.op = equality(negate), .with = Value::host32(mark.value)});
    return {};
}

// User and group ids are numbers of the host, which compare as bytes only in network order.
template <class Owner>
Result<void> add_owner(std::uint32_t key, const Owner& match, EncodedRule& rule) {
    if (match.first > match.last)
        return std::unexpected(invalid_input("an owner range ends before it begins"));
    rule.add(MetaLoad{.key = key});
    if (match.first == match.last) {
        rule.add(Compare{.op = equality(match.negate), .with = Value::host32(match.first)});
    } else {
        rule.add(HostToNetwork{});
        add_range(Value::big32(match.first), Value::big32(match.last), match.negate, rule);
    }
    return {};
}

void add_protocol(const model::Protocol& match, EncodedRule& rule) {
    rule.add(MetaLoad{.key = NFT_META_L4PROTO});
    rule.add(Compare{.op = equality(match.negate), .with = Value::u8(match.number)});
    if (match.negate) return;
    if (match.number == IPPROTO_TCP) rule.has_tcp = true;
    if (match.number == IPPROTO_TCP || match.number == IPPROTO_UDP) rule.has_ports = true;
}

void add_socket(const model::HasSocket& match, EncodedRule& rule) {
    rule.add(SocketLoad{.key = NFT_SOCKET_TRANSPARENT});
    rule.add(Compare{.op = NFT_CMP_EQ, .with = Value::u8(match.transparent ? 1 : 0)});
}

// "Any of these states": some bit of the mask is set. An empty mask would never match.
Result<void> add_states(const model::CtStateIn& match, EncodedRule& rule) {
    if (match.states == 0)
        return std::unexpected(invalid_input("a conntrack state match names no state"));
    rule.add(CtLoad{.key = NFT_CT_STATE});
    rule.add(Bitwise{.mask = Value::host32(match.states), .flip = Value::host32(0)});
    rule.add(Compare{.op = NFT_CMP_NEQ, .with = Value::host32(0)});
    return {};
}

}  // namespace

void EncodedRule::add_family(Family family) {
    const bool frames = table == model::TableFamily::bridge;
    add(MetaLoad{.key = frames ? NFT_META_PROTOCOL : NFT_META_NFPROTO});
    add(Compare{
        .op = NFT_CMP_EQ,
        .with = frames ? Value::big16(ethertype_of(family)) : Value::u8(nfproto_of(family))});
    checked_family = std::nullopt;
}

void EncodedRule::check_family(Family family) {
    if (checked_family == family) return;
    add_family(family);
    checked_family = family;
}

Result<void> encode_match(const model::Match& match, EncodedRule& rule) {
    return std::visit(
        Overloaded{
            [&](const model::InInterface& m) {
                return add_interface(NFT_META_IIFNAME, m.name, m.negate, rule);
            },
            [&](const model::OutInterface& m) {
                return add_interface(NFT_META_OIFNAME, m.name, m.negate, rule);
            },
            [&](const model::IsFamily& m) { return rule.add_family(m.family), Result<void>{}; },
            [&](const model::Protocol& m) { return add_protocol(m, rule), Result<void>{}; },
            [&](const model::Port& m) { return add_port(m, rule); },
            [&](const model::Address& m) { return add_address(m, rule), Result<void>{}; },
            [&](const model::InSet& m) { return add_set(m, rule); },
            [&](const model::InterfaceInSet& m) { return add_interface_set(m, rule); },
            [&](const model::PortInSet& m) { return add_port_set(m, rule); },
            [&](const model::EndpointInSet& m) { return add_endpoint_set(m, rule); },
            [&](const model::MarkIs& m) {
                return add_mark(MetaLoad{.key = NFT_META_MARK}, m.mark, m.negate, rule);
            },
            [&](const model::CtMarkIs& m) {
                return add_mark(CtLoad{.key = NFT_CT_MARK}, m.mark, m.negate, rule);
            },
            [&](const model::CtStateIn& m) { return add_states(m, rule); },
            [&](const model::SocketUser& m) { return add_owner(NFT_META_SKUID, m, rule); },
            [&](const model::SocketGroup& m) { return add_owner(NFT_META_SKGID, m, rule); },
            [&](const model::HasSocket& m) { return add_socket(m, rule), Result<void>{}; },
        },
        match);
}

}  // namespace ambient::netlink::nft
