#include <initializer_list>
#include <new>
#include <utility>

#include "common/base/overloaded.hpp"
#include "common/netlink/nft_expression_codec.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

using Number = std::pair<std::uint16_t, std::uint32_t>;

NftnlExpression build(const char* name, std::initializer_list<Number> numbers = {}) {
    NftnlExpression made(nftnl_expr_alloc(name));
    if (!made) throw std::bad_alloc();
    for (const auto& [attribute, value] : numbers)
        nftnl_expr_set_u32(made.get(), attribute, value);
    return made;
}

NftnlExpression with(NftnlExpression made, std::uint16_t attribute, const Value& value) {
    nftnl_expr_set(made.get(), attribute, value.bytes.data(),
                   static_cast<std::uint32_t>(value.size));
    return made;
}

NftnlExpression with(NftnlExpression made, std::uint16_t attribute, const std::string& text) {
    if (!text.empty()) nftnl_expr_set_str(made.get(), attribute, text.c_str());
    return made;
}

NftnlExpression lookup(const Lookup& e) {
    auto made =
        with(build("lookup", {{NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1}}), NFTNL_EXPR_LOOKUP_SET, e.set);
    if (e.inverted) nftnl_expr_set_u32(made.get(), NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    return made;
}

NftnlExpression nat(const Nat& e) {
    auto made = build("nat", {{NFTNL_EXPR_NAT_TYPE, e.type},
                              {NFTNL_EXPR_NAT_FAMILY, e.nfproto},
                              {NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1}});
    if (e.with_port) {
        nftnl_expr_set_u32(made.get(), NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2);
        nftnl_expr_set_u32(made.get(), NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
    }
    return made;
}

NftnlExpression bitwise(const Bitwise& e) {
    auto made =
        build("bitwise", {{NFTNL_EXPR_BITWISE_SREG, NFT_REG_1},
                          {NFTNL_EXPR_BITWISE_DREG, NFT_REG_1},
                          {NFTNL_EXPR_BITWISE_LEN, static_cast<std::uint32_t>(e.mask.size)}});
    made = with(std::move(made), NFTNL_EXPR_BITWISE_MASK, e.mask);
    return with(std::move(made), NFTNL_EXPR_BITWISE_XOR, e.flip);
}

NftnlExpression not_in_range(const NotInRange& e) {
    auto made =
        build("range", {{NFTNL_EXPR_RANGE_SREG, NFT_REG_1}, {NFTNL_EXPR_RANGE_OP, NFT_RANGE_NEQ}});
    made = with(std::move(made), NFTNL_EXPR_RANGE_FROM_DATA, e.first);
    return with(std::move(made), NFTNL_EXPR_RANGE_TO_DATA, e.last);
}

}  // namespace

NftnlExpression to_nftnl(const Expression& expression) {
    return std::visit(
        Overloaded{
            [](const MetaLoad& e) {
                return build("meta",
                             {{NFTNL_EXPR_META_KEY, e.key}, {NFTNL_EXPR_META_DREG, NFT_REG_1}});
            },
            [](const MetaStore& e) {
                return build("meta",
                             {{NFTNL_EXPR_META_KEY, e.key}, {NFTNL_EXPR_META_SREG, NFT_REG_1}});
            },
            [](const CtLoad& e) {
                return build("ct", {{NFTNL_EXPR_CT_KEY, e.key}, {NFTNL_EXPR_CT_DREG, NFT_REG_1}});
            },
            [](const CtStore& e) {
                return build("ct", {{NFTNL_EXPR_CT_KEY, e.key}, {NFTNL_EXPR_CT_SREG, NFT_REG_1}});
            },
            [](const PayloadLoad& e) {
                return build("payload", {{NFTNL_EXPR_PAYLOAD_DREG, e.to_register},
                                         {NFTNL_EXPR_PAYLOAD_BASE, e.base},
                                         {NFTNL_EXPR_PAYLOAD_OFFSET, e.offset},
                                         {NFTNL_EXPR_PAYLOAD_LEN, e.size}});
            },
            [](const Bitwise& e) { return bitwise(e); },
            [](const HostToNetwork&) {
                return build("byteorder", {{NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1},
                                           {NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1},
                                           {NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON},
                                           {NFTNL_EXPR_BYTEORDER_LEN, 4},
                                           {NFTNL_EXPR_BYTEORDER_SIZE, 4}});
            },
            [](const Compare& e) {
                return with(
                    build("cmp", {{NFTNL_EXPR_CMP_SREG, NFT_REG_1}, {NFTNL_EXPR_CMP_OP, e.op}}),
                    NFTNL_EXPR_CMP_DATA, e.with);
            },
            [](const NotInRange& e) { return not_in_range(e); },
            [](const Lookup& e) { return lookup(e); },
            [](const Immediate& e) {
                return with(build("immediate", {{NFTNL_EXPR_IMM_DREG, e.to_register}}),
                            NFTNL_EXPR_IMM_DATA, e.value);
            },
            [](const Verdict& e) {
                return with(build("immediate",
                                  {{NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT},
                                   {NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(e.code)}}),
                            NFTNL_EXPR_IMM_CHAIN, e.chain);
            },
            [](const Nat& e) { return nat(e); },
            [](const TproxyTo& e) {
                return build("tproxy", {{NFTNL_EXPR_TPROXY_FAMILY, e.nfproto},
                                        {NFTNL_EXPR_TPROXY_REG_ADDR, NFT_REG_1},
                                        {NFTNL_EXPR_TPROXY_REG_PORT, NFT_REG_2}});
            },
            [](const RedirectTo&) {
                return build("redir", {{NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFT_REG_1},
                                       {NFTNL_EXPR_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED}});
            },
            [](const Count&) { return build("counter"); },
            [](const LogLine& e) { return with(build("log"), NFTNL_EXPR_LOG_PREFIX, e.prefix); },
            [](const SocketLoad& e) {
                return build("socket",
                             {{NFTNL_EXPR_SOCKET_KEY, e.key}, {NFTNL_EXPR_SOCKET_DREG, NFT_REG_1}});
            },
            [](const Reject& e) { return build("reject", {{NFTNL_EXPR_REJECT_TYPE, e.type}}); },
            [](const Unknown&) -> NftnlExpression { std::unreachable(); },
        },
        expression);
}

}  // namespace ambient::netlink::nft
