#include "common/netlink/nft_action_encode.hpp"

#include <fmt/format.h>

#include "common/base/overloaded.hpp"
#include "common/netlink/nft_layout.hpp"

namespace ambient::netlink::nft {
namespace {

constexpr std::uint32_t kAddressRegister = NFT_REG_1;
constexpr std::uint32_t kPortRegister = NFT_REG_2;

// mark = (mark & ~mask) ^ value, with the value inside the mask; a full mask needs no reading.
Result<void> add_set_mark(Expression load, Expression store, const Mark& mark, EncodedRule& rule) {
    if ((mark.value & ~mark.mask) != 0)
        return std::unexpected(invalid_input("a mark has bits outside its mask"));
    if (mark.mask == 0xffffffff) {
        rule.add(Immediate{.to_register = NFT_REG_1, .value = Value::host32(mark.value)});
    } else {
        rule.add(std::move(load));
        rule.add(Bitwise{.mask = Value::host32(~mark.mask), .flip = Value::host32(mark.value)});
    }
    rule.add(std::move(store));
    return {};
}

void add_copy(Expression load, Expression store, EncodedRule& rule) {
    rule.add(std::move(load));
    rule.add(std::move(store));
}

void add_port(std::uint16_t port, std::uint32_t to_register, EncodedRule& rule) {
    rule.add(Immediate{.to_register = to_register, .value = Value::big16(port)});
}

template <class Translation>
void add_nat(std::uint32_t type, const Translation& to, EncodedRule& rule) {
    rule.add(Immediate{.to_register = kAddressRegister, .value = Value::of(to.address.bytes())});
    if (to.port) add_port(*to.port, kPortRegister, rule);
    rule.add(Nat{.type = type,
                 .nfproto = nfproto_of(to.address.family()),
                 .with_port = to.port.has_value()});
}

// An address of the packet is read into the register of the translation's.
void add_keep(std::uint32_t type, model::Direction direction, Family family, EncodedRule& rule) {
    rule.check_family(family);
    rule.add(load_of_address(family, direction, address_bytes(family)));
    rule.add(Nat{.type = type, .nfproto = nfproto_of(family), .with_port = false});
}

void add_tproxy(const model::Tproxy& to, EncodedRule& rule) {
    rule.add(Immediate{.to_register = kAddressRegister, .value = Value::of(to.address.bytes())});
    add_port(to.port, kPortRegister, rule);
    rule.add(TproxyTo{.nfproto = nfproto_of(to.address.family())});
}

// Kept in a register as a number of the host (net/netfilter/nft_ct.c, nft_reg_load16).
void add_set_zone(std::uint16_t zone, EncodedRule& rule) {
    rule.add(Immediate{.to_register = NFT_REG_1, .value = Value::host16(zone)});
    rule.add(CtStore{.key = NFT_CT_ZONE});
}

void add_redirect(const model::Redirect& to, EncodedRule& rule) {
    add_port(to.port, NFT_REG_1, rule);
    rule.add(RedirectTo{});
}

Result<void> add_jump(const model::Jump& jump, EncodedRule& rule) {
    if (jump.chain.empty() || jump.chain.size() >= NFT_CHAIN_MAXNAMELEN) {
        return std::unexpected(invalid_input(fmt::format("'{}' is no chain name", jump.chain)));
    }
    rule.add(Verdict{.code = NFT_JUMP, .chain = jump.chain});
    return {};
}

Result<void> add_log(const model::Log& log, EncodedRule& rule) {
    if (log.prefix.size() >= NF_LOG_PREFIXLEN || log.prefix.contains('\0')) {
        return std::unexpected(invalid_input(fmt::format("'{}' is no log prefix", log.prefix)));
    }
    rule.add(LogLine{.prefix = log.prefix});
    return {};
}

Result<void> add_reset(EncodedRule& rule) {
    if (!rule.has_tcp)
        return std::unexpected(invalid_input("a TCP reset needs TCP matched before it"));
    rule.add(Reject{.type = NFT_REJECT_TCP_RST});
    return {};
}

void add_verdict(int code, EncodedRule& rule) { rule.add(Verdict{.code = code, .chain = {}}); }

constexpr MetaLoad kMarkLoad{.key = NFT_META_MARK};
constexpr MetaStore kMarkStore{.key = NFT_META_MARK};
constexpr CtLoad kCtMarkLoad{.key = NFT_CT_MARK};
constexpr CtStore kCtMarkStore{.key = NFT_CT_MARK};

}  // namespace

Result<void> encode_action(const model::Action& action, EncodedRule& rule) {
    using Direction = model::Direction;
    const Result<void> done{};
    return std::visit(
        Overloaded{
            [&](const model::Counter&) { return rule.add(Count{}), done; },
            [&](const model::Log& a) { return add_log(a, rule); },
            [&](const model::SetMark& a) {
                return add_set_mark(kMarkLoad, kMarkStore, a.mark, rule);
            },
            [&](const model::SetCtMark& a) {
                return add_set_mark(kCtMarkLoad, kCtMarkStore, a.mark, rule);
            },
            [&](const model::SaveMark&) { return add_copy(kMarkLoad, kCtMarkStore, rule), done; },
            [&](const model::RestoreMark&) {
                return add_copy(kCtMarkLoad, kMarkStore, rule), done;
            },
            [&](const model::SetCtZone& a) { return add_set_zone(a.zone, rule), done; },
            [&](const model::Tproxy& a) { return add_tproxy(a, rule), done; },
            [&](const model::Redirect& a) { return add_redirect(a, rule), done; },
            [&](const model::Dnat& a) { return add_nat(NFT_NAT_DNAT, a, rule), done; },
            [&](const model::Snat& a) { return add_nat(NFT_NAT_SNAT, a, rule), done; },
            [&](const model::KeepDestination& a) {
                return add_keep(NFT_NAT_DNAT, Direction::destination, a.family, rule), done;
            },
            [&](const model::KeepSource& a) {
                return add_keep(NFT_NAT_SNAT, Direction::source, a.family, rule), done;
            },
            [&](const model::SourceFromDestination& a) {
                return add_keep(NFT_NAT_SNAT, Direction::destination, a.family, rule), done;
            },
            [&](const model::Accept&) { return add_verdict(NF_ACCEPT, rule), done; },
            [&](const model::Drop&) { return add_verdict(NF_DROP, rule), done; },
            [&](const model::Reset&) { return add_reset(rule); },
            [&](const model::Return&) { return add_verdict(NFT_RETURN, rule), done; },
            [&](const model::Jump& a) { return add_jump(a, rule); },
        },
        action);
}

}  // namespace ambient::netlink::nft
