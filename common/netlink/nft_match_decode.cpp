#include "common/netlink/nft_match_decode.hpp"

#include <bit>
#include <string_view>

#include "common/netlink/nft_layout.hpp"

namespace ambient::netlink::nft {
namespace {

using Found = std::optional<Recognised<model::Match>>;

bool negated(const Compare& compare) { return compare.op == NFT_CMP_NEQ; }

bool is_range(const Compare& first, const Compare& last) {
    return first.op == NFT_CMP_GTE && last.op == NFT_CMP_LTE;
}

// ---- one register compared with a value: interface, family, protocol, mark, owner ----

template <class Interface>
model::Match interface_of(const Compare& compare) {
    const std::string_view name(reinterpret_cast<const char*>(compare.with.bytes.data()),
                                compare.with.size);
    return Interface{.name = std::string(name.substr(0, name.find('\0'))),
                     .negate = negated(compare)};
}

template <class Owner>
model::Match owner_of(const Compare& compare) {
    const auto id = compare.with.as_host32();
    return Owner{.first = id, .last = id, .negate = negated(compare)};
}

std::optional<model::Match> meta_of(std::uint32_t key, const Compare& compare) {
    switch (key) {
        case NFT_META_IIFNAME: return interface_of<model::InInterface>(compare);
        case NFT_META_OIFNAME: return interface_of<model::OutInterface>(compare);
        case NFT_META_L4PROTO:
            return model::Protocol{.number = compare.with.bytes[0], .negate = negated(compare)};
        case NFT_META_MARK:
            return model::MarkIs{.mark = {.value = compare.with.as_host32()},
                                 .negate = negated(compare)};
        case NFT_META_SKUID: return owner_of<model::SocketUser>(compare);
        case NFT_META_SKGID: return owner_of<model::SocketGroup>(compare);
        case NFT_META_NFPROTO:
            if (const auto family = family_of(compare.with.bytes[0]))
                return model::IsFamily{.family = *family};
            return std::nullopt;
        case NFT_META_PROTOCOL:
            if (const auto family = family_of_ethertype(compare.with.as_big16()))
                return model::IsFamily{.family = *family};
            return std::nullopt;
        default: return std::nullopt;
    }
}

Found decode_interface_set(std::span<const Expression> rest) {
    const auto member = begins_with<MetaLoad, Lookup>(rest);
    if (!member) return std::nullopt;
    const auto& [load, lookup] = *member;
    const bool in = load.key == NFT_META_IIFNAME;
    if (!in && load.key != NFT_META_OIFNAME) return std::nullopt;
    return {{.what = model::InterfaceInSet{.direction = in ? model::Direction::source
                                                           : model::Direction::destination,
                                           .set = lookup.set,
                                           .negate = lookup.inverted},
             .taken = 2}};
}

Found decode_compared(std::span<const Expression> rest) {
    if (const auto meta = begins_with<MetaLoad, Compare>(rest)) {
        const auto& [load, compare] = *meta;
        if (auto match = meta_of(load.key, compare))
            return {{.what = std::move(*match), .taken = 2}};
    }
    if (const auto ct = begins_with<CtLoad, Compare>(rest);
        ct && std::get<0>(*ct).key == NFT_CT_MARK) {
        const auto& compare = std::get<1>(*ct);
        return {{.what = model::CtMarkIs{.mark = {.value = compare.with.as_host32()},
                                         .negate = negated(compare)},
                 .taken = 2}};
    }
    return std::nullopt;
}

Found decode_socket(std::span<const Expression> rest) {
    const auto socket = begins_with<SocketLoad, Compare>(rest);
    if (!socket || std::get<0>(*socket).key != NFT_SOCKET_TRANSPARENT) return std::nullopt;
    return {{.what = model::HasSocket{.transparent = std::get<1>(*socket).with.bytes[0] == 1},
             .taken = 2}};
}

// ---- some bits of a register: marks and states ----

Found decode_masked(std::span<const Expression> rest) {
    const auto mark_of = [](const Bitwise& bitwise, const Compare& compare) {
        return Mark{.value = compare.with.as_host32(), .mask = bitwise.mask.as_host32()};
    };
    if (const auto meta = begins_with<MetaLoad, Bitwise, Compare>(rest)) {
        const auto& [load, bitwise, compare] = *meta;
        if (load.key != NFT_META_MARK) return std::nullopt;
        return {
            {.what = model::MarkIs{.mark = mark_of(bitwise, compare), .negate = negated(compare)},
             .taken = 3}};
    }
    const auto ct = begins_with<CtLoad, Bitwise, Compare>(rest);
    if (!ct) return std::nullopt;
    const auto& [load, bitwise, compare] = *ct;
    if (load.key == NFT_CT_STATE)
        return {{.what = model::CtStateIn{.states = bitwise.mask.as_host32()}, .taken = 3}};
    if (load.key != NFT_CT_MARK) return std::nullopt;
    return {{.what = model::CtMarkIs{.mark = mark_of(bitwise, compare), .negate = negated(compare)},
             .taken = 3}};
}

// ---- ranges of owners ----

std::optional<model::Match> owners_of(std::uint32_t key, const Value& first, const Value& last,
                                      bool negate) {
    const auto low = first.as_big32();
    const auto high = last.as_big32();
    if (key == NFT_META_SKUID)
        return model::SocketUser{.first = low, .last = high, .negate = negate};
    if (key == NFT_META_SKGID)
        return model::SocketGroup{.first = low, .last = high, .negate = negate};
    return std::nullopt;
}

Found decode_owners(std::span<const Expression> rest) {
    std::optional<model::Match> match;
    std::size_t taken = 0;
    if (const auto in = begins_with<MetaLoad, HostToNetwork, Compare, Compare>(rest)) {
        const auto& [load, order, first, last] = *in;
        if (is_range(first, last)) match = owners_of(load.key, first.with, last.with, false);
        taken = 4;
    } else if (const auto out = begins_with<MetaLoad, HostToNetwork, NotInRange>(rest)) {
        const auto& [load, order, range] = *out;
        match = owners_of(load.key, range.first, range.last, true);
        taken = 3;
    }
    if (!match) return std::nullopt;
    return {{.what = std::move(*match), .taken = taken}};
}

// ---- the packet's own bytes ----

bool is_port_load(const PayloadLoad& load) { return load.base == NFT_PAYLOAD_TRANSPORT_HEADER; }

model::Direction port_direction(const PayloadLoad& load) {
    return load.offset == 0 ? model::Direction::source : model::Direction::destination;
}

Found decode_port(std::span<const Expression> rest) {
    const auto head = begins_with<PayloadLoad>(rest);
    if (!head || !is_port_load(std::get<0>(*head))) return std::nullopt;
    const auto direction = port_direction(std::get<0>(*head));
    const auto port = [&](const Value& first, const Value& last, bool negate,
                          std::size_t taken) -> Found {
        return {{.what = model::Port{.direction = direction,
                                     .first = first.as_big16(),
                                     .last = last.as_big16(),
                                     .negate = negate},
                 .taken = taken}};
    };
    const auto after = rest.subspan(1);
    if (const auto in = begins_with<Compare, Compare>(after);
        in && is_range(std::get<0>(*in), std::get<1>(*in))) {
        return port(std::get<0>(*in).with, std::get<1>(*in).with, false, 3);
    }
    if (const auto one = begins_with<Compare>(after)) {
        const auto& compare = std::get<0>(*one);
        return port(compare.with, compare.with, negated(compare), 2);
    }
    if (const auto member = begins_with<Lookup>(after)) {
        const auto& lookup = std::get<0>(*member);
        return {{.what =
                     model::PortInSet{
                         .direction = direction, .set = lookup.set, .negate = lookup.inverted},
                 .taken = 2}};
    }
    if (const auto out = begins_with<NotInRange>(after)) {
        return port(std::get<0>(*out).first, std::get<0>(*out).last, true, 2);
    }
    return std::nullopt;
}

int ones_of(const Value& mask) {
    int ones = 0;
    for (const auto byte : mask.span())
        ones += std::popcount(byte);
    return ones;
}

// `compare` holds the first bytes of an address.
Found address_match(AddressPlace place, const Compare& compare, int length, std::size_t taken) {
    const auto address =
        IpAddress::from_bytes(std::span(compare.with.bytes).first(address_bytes(place.family)));
    const auto prefix = address ? Prefix::make(*address, length) : std::nullopt;
    if (!prefix) return std::nullopt;
    return {{.what =
                 model::Address{
                     .direction = place.direction, .prefix = *prefix, .negate = negated(compare)},
             .taken = taken}};
}

// An address, read behind `checks` expressions that check its family.
Found decode_address(std::span<const Expression> rest, std::size_t checks) {
    const auto head = begins_with<PayloadLoad>(rest.subspan(checks));
    if (!head) return std::nullopt;
    const auto& load = std::get<0>(*head);
    const auto place = address_at(load);
    if (!place) return std::nullopt;
    const auto after = rest.subspan(checks + 1);
    if (const auto plain = begins_with<Compare>(after)) {
        return address_match(*place, std::get<0>(*plain), static_cast<int>(load.size) * 8,
                             checks + 2);
    }
    if (const auto masked = begins_with<Bitwise, Compare>(after)) {
        const auto& [bitwise, compare] = *masked;
        return address_match(*place, compare, ones_of(bitwise.mask), checks + 3);
    }
    if (const auto member = begins_with<Lookup>(after)) {
        const auto& lookup = std::get<0>(*member);
        return {{.what = model::InSet{.direction = place->direction,
                                      .family = place->family,
                                      .set = lookup.set,
                                      .negate = lookup.inverted},
                 .taken = checks + 2}};
    }
    if (const auto endpoint = begins_with<PayloadLoad, Lookup>(after)) {
        const auto& [port, lookup] = *endpoint;
        if (!is_port_load(port)) return std::nullopt;
        return {{.what = model::EndpointInSet{.direction = place->direction,
                                              .family = place->family,
                                              .set = lookup.set,
                                              .negate = lookup.inverted},
                 .taken = checks + 3}};
    }
    return std::nullopt;
}

Found decode_checked_address(std::span<const Expression> rest) {
    const auto check = begins_with<MetaLoad, Compare>(rest);
    if (check && is_family_check(std::get<0>(*check))) return decode_address(rest, 2);
    return decode_address(rest, 0);
}

}  // namespace

Found decode_match(std::span<const Expression> rest) {
    // An address with the check before it comes first: the check alone would read as IsFamily.
    for (const auto decode : {decode_checked_address, decode_port, decode_owners, decode_masked,
                              decode_interface_set, decode_socket, decode_compared}) {
        if (auto found = decode(rest)) return found;
    }
    return std::nullopt;
}

}  // namespace ambient::netlink::nft
