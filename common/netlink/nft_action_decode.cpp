#include "common/netlink/nft_action_decode.hpp"

#include "common/netlink/nft_layout.hpp"

namespace ambient::netlink::nft {
namespace {

using Found = std::optional<Recognised<model::Action>>;

Found found(model::Action action, std::size_t taken) {
    return {{.what = std::move(action), .taken = taken}};
}

Found decode_single(std::span<const Expression> rest) {
    if (begins_with<Count>(rest)) return found(model::Counter{}, 1);
    if (const auto log = begins_with<LogLine>(rest))
        return found(model::Log{.prefix = std::get<0>(*log).prefix}, 1);
    if (begins_with<Reject>(rest)) return found(model::Reset{}, 1);
    const auto verdict = begins_with<Verdict>(rest);
    if (!verdict) return std::nullopt;
    switch (std::get<0>(*verdict).code) {
        case NF_ACCEPT: return found(model::Accept{}, 1);
        case NF_DROP: return found(model::Drop{}, 1);
        case NFT_RETURN: return found(model::Return{}, 1);
        case NFT_JUMP: return found(model::Jump{.chain = std::get<0>(*verdict).chain}, 1);
        default: return std::nullopt;
    }
}

// ---- marks ----

model::Action set_packet_mark(const Mark& mark) { return model::SetMark{.mark = mark}; }
model::Action set_ct_mark(const Mark& mark) { return model::SetCtMark{.mark = mark}; }

// Load, keep what the mask leaves, store in the same place.
template <class Load, class Store>
Found decode_masked_write(std::span<const Expression> rest, std::uint32_t key,
                          model::Action (*make)(const Mark&)) {
    const auto write = begins_with<Load, Bitwise, Store>(rest);
    if (!write) return std::nullopt;
    const auto& [load, bitwise, store] = *write;
    if (load.key != key || store.key != key) return std::nullopt;
    return found(make({.value = bitwise.flip.as_host32(), .mask = ~bitwise.mask.as_host32()}), 3);
}

template <class Store>
Found decode_whole_write(std::span<const Expression> rest, std::uint32_t key,
                         model::Action (*make)(const Mark&)) {
    const auto write = begins_with<Immediate, Store>(rest);
    if (!write || std::get<1>(*write).key != key) return std::nullopt;
    return found(make({.value = std::get<0>(*write).value.as_host32()}), 2);
}

template <class Load, class Store>
Found decode_copy(std::span<const Expression> rest, std::uint32_t from, std::uint32_t to,
                  model::Action action) {
    const auto copy = begins_with<Load, Store>(rest);
    if (!copy || std::get<0>(*copy).key != from || std::get<1>(*copy).key != to)
        return std::nullopt;
    return found(std::move(action), 2);
}

Found decode_mark(std::span<const Expression> rest) {
    if (auto a = decode_masked_write<MetaLoad, MetaStore>(rest, NFT_META_MARK, set_packet_mark))
        return a;
    if (auto a = decode_masked_write<CtLoad, CtStore>(rest, NFT_CT_MARK, set_ct_mark)) return a;
    if (auto a = decode_whole_write<MetaStore>(rest, NFT_META_MARK, set_packet_mark)) return a;
    if (auto a = decode_whole_write<CtStore>(rest, NFT_CT_MARK, set_ct_mark)) return a;
    if (auto a =
            decode_copy<MetaLoad, CtStore>(rest, NFT_META_MARK, NFT_CT_MARK, model::SaveMark{}))
        return a;
    return decode_copy<CtLoad, MetaStore>(rest, NFT_CT_MARK, NFT_META_MARK, model::RestoreMark{});
}

// ---- translations and proxies ----

Found translation(const Nat& nat, const Immediate& address, std::optional<std::uint16_t> port,
                  std::size_t taken) {
    const auto to = IpAddress::from_bytes(address.value.span());
    if (!to) return std::nullopt;
    if (nat.type == NFT_NAT_DNAT) return found(model::Dnat{.address = *to, .port = port}, taken);
    return found(model::Snat{.address = *to, .port = port}, taken);
}

Found decode_constant(std::span<const Expression> rest) {
    if (const auto nat = begins_with<Immediate, Nat>(rest)) {
        return translation(std::get<1>(*nat), std::get<0>(*nat), std::nullopt, 2);
    }
    if (const auto nat = begins_with<Immediate, Immediate, Nat>(rest)) {
        const auto& [address, port, what] = *nat;
        return translation(what, address, port.value.as_big16(), 3);
    }
    if (const auto tproxy = begins_with<Immediate, Immediate, TproxyTo>(rest)) {
        const auto& [address, port, what] = *tproxy;
        const auto to = IpAddress::from_bytes(address.value.span());
        if (!to) return std::nullopt;
        return found(model::Tproxy{.address = *to, .port = port.value.as_big16()}, 3);
    }
    if (const auto zone = begins_with<Immediate, CtStore>(rest)) {
        if (std::get<1>(*zone).key != NFT_CT_ZONE) return std::nullopt;
        return found(model::SetCtZone{.zone = std::get<0>(*zone).value.as_host16()}, 2);
    }
    if (const auto redirect = begins_with<Immediate, RedirectTo>(rest)) {
        return found(model::Redirect{.port = std::get<0>(*redirect).value.as_big16()}, 2);
    }
    return std::nullopt;
}

// A translation to an address of the packet, behind `checks` expressions that check its family.
Found decode_keep(std::span<const Expression> rest, std::size_t checks) {
    const auto keep = begins_with<PayloadLoad, Nat>(rest.subspan(checks));
    const auto place = keep ? address_at(std::get<0>(*keep)) : std::nullopt;
    if (!place) return std::nullopt;
    if (std::get<1>(*keep).type == NFT_NAT_DNAT) {
        return found(model::KeepDestination{.family = place->family}, checks + 2);
    }
    if (place->direction == model::Direction::destination)
        return found(model::SourceFromDestination{.family = place->family}, checks + 2);
    return found(model::KeepSource{.family = place->family}, checks + 2);
}

Found decode_checked_keep(std::span<const Expression> rest) {
    const auto check = begins_with<MetaLoad, Compare>(rest);
    if (check && is_family_check(std::get<0>(*check))) return decode_keep(rest, 2);
    return decode_keep(rest, 0);
}

}  // namespace

Found decode_action(std::span<const Expression> rest) {
    for (const auto decode : {decode_single, decode_mark, decode_constant, decode_checked_keep}) {
        if (auto action = decode(rest)) return action;
    }
    return std::nullopt;
}

}  // namespace ambient::netlink::nft
