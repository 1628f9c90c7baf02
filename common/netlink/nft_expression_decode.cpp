#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "common/netlink/nft_expression_codec.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

// libnftnl's getters, with "absent" as a value of its own.
class Reader {
  public:
    explicit Reader(const nftnl_expr& expression) : expression_(&expression) {}

    [[nodiscard]] bool has(std::uint16_t attribute) const {
        return nftnl_expr_is_set(expression_, attribute);
    }
    [[nodiscard]] std::uint32_t number(std::uint16_t attribute, std::uint32_t absent = 0) const {
        return has(attribute) ? nftnl_expr_get_u32(expression_, attribute) : absent;
    }
    [[nodiscard]] std::string text(std::uint16_t attribute) const {
        return has(attribute) ? nftnl_expr_get_str(expression_, attribute) : "";
    }
    // Nothing when it is longer than a value of ours.
    [[nodiscard]] std::optional<Value> value(std::uint16_t attribute) const {
        std::uint32_t size = 0;
        const auto* data =
            static_cast<const std::uint8_t*>(nftnl_expr_get(expression_, attribute, &size));
        if (data == nullptr || size > Value{}.bytes.size()) return std::nullopt;
        return Value::of({data, size});
    }

  private:
    const nftnl_expr* expression_;
};

Expression meta(const Reader& e) {
    const auto key = e.number(NFTNL_EXPR_META_KEY);
    if (e.number(NFTNL_EXPR_META_DREG) == NFT_REG_1) return MetaLoad{.key = key};
    if (e.number(NFTNL_EXPR_META_SREG) == NFT_REG_1) return MetaStore{.key = key};
    return Unknown{};
}

Expression ct(const Reader& e) {
    if (e.has(NFTNL_EXPR_CT_DIR)) return Unknown{};
    const auto key = e.number(NFTNL_EXPR_CT_KEY);
    if (e.number(NFTNL_EXPR_CT_DREG) == NFT_REG_1) return CtLoad{.key = key};
    if (e.number(NFTNL_EXPR_CT_SREG) == NFT_REG_1) return CtStore{.key = key};
    return Unknown{};
}

Expression payload(const Reader& e) {
    return PayloadLoad{.base = e.number(NFTNL_EXPR_PAYLOAD_BASE),
                       .offset = e.number(NFTNL_EXPR_PAYLOAD_OFFSET),
                       .size = e.number(NFTNL_EXPR_PAYLOAD_LEN),
                       .to_register = e.number(NFTNL_EXPR_PAYLOAD_DREG)};
}

Expression bitwise(const Reader& e) {
    const auto mask = e.value(NFTNL_EXPR_BITWISE_MASK);
    const auto flip = e.value(NFTNL_EXPR_BITWISE_XOR);
    if (!mask || !flip || e.number(NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL) != NFT_BITWISE_BOOL ||
        e.number(NFTNL_EXPR_BITWISE_SREG) != NFT_REG_1 ||
        e.number(NFTNL_EXPR_BITWISE_DREG) != NFT_REG_1) {
        return Unknown{};
    }
    return Bitwise{.mask = *mask, .flip = *flip};
}

Expression byteorder(const Reader& e) {
    const bool plain = e.number(NFTNL_EXPR_BYTEORDER_SREG) == NFT_REG_1 &&
                       e.number(NFTNL_EXPR_BYTEORDER_DREG) == NFT_REG_1 &&
                       e.number(NFTNL_EXPR_BYTEORDER_OP) == NFT_BYTEORDER_HTON &&
                       e.number(NFTNL_EXPR_BYTEORDER_LEN) == 4 &&
                       e.number(NFTNL_EXPR_BYTEORDER_SIZE) == 4;
    if (!plain) return Unknown{};
    return HostToNetwork{};
}

Expression cmp(const Reader& e) {
    const auto with = e.value(NFTNL_EXPR_CMP_DATA);
    if (!with || e.number(NFTNL_EXPR_CMP_SREG) != NFT_REG_1) return Unknown{};
    return Compare{.op = e.number(NFTNL_EXPR_CMP_OP), .with = *with};
}

Expression range(const Reader& e) {
    const auto first = e.value(NFTNL_EXPR_RANGE_FROM_DATA);
    const auto last = e.value(NFTNL_EXPR_RANGE_TO_DATA);
    if (!first || !last || e.number(NFTNL_EXPR_RANGE_SREG) != NFT_REG_1 ||
        e.number(NFTNL_EXPR_RANGE_OP) != NFT_RANGE_NEQ) {
        return Unknown{};
    }
    return NotInRange{.first = *first, .last = *last};
}

// nft(8)'s names of what belongs to one rule only: "__set0", "__map1", "__chain2". The model has no
// such thing.
bool is_anonymous(std::string_view name) { return name.starts_with("__"); }

Expression lookup(const Reader& e) {
    auto set = e.text(NFTNL_EXPR_LOOKUP_SET);
    const auto flags = e.number(NFTNL_EXPR_LOOKUP_FLAGS);
    if (e.has(NFTNL_EXPR_LOOKUP_DREG) || e.number(NFTNL_EXPR_LOOKUP_SREG) != NFT_REG_1 ||
        is_anonymous(set) || (flags & ~static_cast<std::uint32_t>(NFT_LOOKUP_F_INV)) != 0) {
        return Unknown{};
    }
    return Lookup{.set = std::move(set), .inverted = flags == NFT_LOOKUP_F_INV};
}

Expression immediate(const Reader& e) {
    const auto to_register = e.number(NFTNL_EXPR_IMM_DREG);
    if (to_register == NFT_REG_VERDICT) {
        auto chain = e.text(NFTNL_EXPR_IMM_CHAIN);
        if (is_anonymous(chain)) return Unknown{};
        return Verdict{.code = static_cast<int>(e.number(NFTNL_EXPR_IMM_VERDICT)),
                       .chain = std::move(chain)};
    }
    const auto value = e.value(NFTNL_EXPR_IMM_DATA);
    if (!value) return Unknown{};
    return Immediate{.to_register = to_register, .value = *value};
}

// The kernel fills in the end of the range and the flags that registers imply
// (net/netfilter/nft_nat.c, nft_nat_init).
Expression nat(const Reader& e) {
    constexpr std::uint32_t kImplied = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED;
    const auto port = e.number(NFTNL_EXPR_NAT_REG_PROTO_MIN);
    if (e.number(NFTNL_EXPR_NAT_REG_ADDR_MIN) != NFT_REG_1 ||
        e.number(NFTNL_EXPR_NAT_REG_ADDR_MAX, NFT_REG_1) != NFT_REG_1 ||
        (port != 0 && port != NFT_REG_2) || e.number(NFTNL_EXPR_NAT_REG_PROTO_MAX, port) != port ||
        (e.number(NFTNL_EXPR_NAT_FLAGS) & ~kImplied) != 0) {
        return Unknown{};
    }
    return Nat{.type = e.number(NFTNL_EXPR_NAT_TYPE),
               .nfproto = e.number(NFTNL_EXPR_NAT_FAMILY),
               .with_port = port != 0};
}

Expression tproxy(const Reader& e) {
    if (e.number(NFTNL_EXPR_TPROXY_REG_ADDR) != NFT_REG_1 ||
        e.number(NFTNL_EXPR_TPROXY_REG_PORT) != NFT_REG_2) {
        return Unknown{};
    }
    return TproxyTo{.nfproto = e.number(NFTNL_EXPR_TPROXY_FAMILY)};
}

Expression redir(const Reader& e) {
    if (e.number(NFTNL_EXPR_REDIR_REG_PROTO_MIN) != NFT_REG_1 ||
        e.number(NFTNL_EXPR_REDIR_REG_PROTO_MAX, NFT_REG_1) != NFT_REG_1 ||
        (e.number(NFTNL_EXPR_REDIR_FLAGS) &
         ~static_cast<std::uint32_t>(NF_NAT_RANGE_PROTO_SPECIFIED)) != 0) {
        return Unknown{};
    }
    return RedirectTo{};
}

// What was counted is no part of the rule.
Expression counter(const Reader&) { return Count{}; }

// The kernel adds its default level (net/netfilter/nft_log.c, nft_log_init).
Expression log(const Reader& e) {
    for (const auto more :
         {NFTNL_EXPR_LOG_GROUP, NFTNL_EXPR_LOG_SNAPLEN, NFTNL_EXPR_LOG_QTHRESHOLD}) {
        if (e.has(more)) return Unknown{};
    }
    if (e.number(NFTNL_EXPR_LOG_LEVEL, NFT_LOGLEVEL_WARNING) != NFT_LOGLEVEL_WARNING ||
        e.number(NFTNL_EXPR_LOG_FLAGS) != 0) {
        return Unknown{};
    }
    return LogLine{.prefix = e.text(NFTNL_EXPR_LOG_PREFIX)};
}

Expression socket(const Reader& e) {
    if (e.number(NFTNL_EXPR_SOCKET_DREG) != NFT_REG_1) return Unknown{};
    return SocketLoad{.key = e.number(NFTNL_EXPR_SOCKET_KEY)};
}

// The code is one of the other types (net/netfilter/nft_reject.c, nft_reject_dump).
Expression reject(const Reader& e) {
    const auto type = e.number(NFTNL_EXPR_REJECT_TYPE);
    if (type != NFT_REJECT_TCP_RST) return Unknown{};
    return Reject{.type = type};
}

struct Kind {
    std::string_view name;
    Expression (*decode)(const Reader&);
};
constexpr Kind kKinds[] = {
    {"meta", meta},
    {"cmp", cmp},
    {"payload", payload},
    {"bitwise", bitwise},
    {"lookup", lookup},
    {"ct", ct},
    {"counter", counter},
    {"immediate", immediate},
    {"nat", nat},
    {"tproxy", tproxy},
    {"redir", redir},
    {"range", range},
    {"byteorder", byteorder},
    {"log", log},
    {"socket", socket},
    {"reject", reject},
};

}  // namespace

Expression from_nftnl(const nftnl_expr& expression) {
    const Reader reader(expression);
    const auto name = reader.text(NFTNL_EXPR_NAME);
    const auto* kind = std::ranges::find(kKinds, name, &Kind::name);
    return kind == std::end(kKinds) ? Expression{Unknown{}} : kind->decode(reader);
}

}  // namespace ambient::netlink::nft
