#include "common/netlink/message.hpp"
#include "common/netlink/nft_object_codec.hpp"
#include "common/netlink/nft_object_names.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

// nf_tables numbers are in network order.
std::optional<std::uint32_t> number(const Attributes& attributes, int attribute) {
    const auto found = attributes.u32(attribute);
    return found ? std::optional(ntohl(*found)) : std::nullopt;
}

// No more than elements of a type: no timeouts, data, limit of size, or expressions for each.
std::optional<model::SetType> decode_set_type(const Attributes& attributes) {
    for (const int more : {NFTA_SET_DATA_TYPE, NFTA_SET_TIMEOUT, NFTA_SET_EXPR,
                           NFTA_SET_EXPRESSIONS, NFTA_SET_OBJ_TYPE}) {
        if (attributes.has(more)) return std::nullopt;
    }
    if (attributes.nested(NFTA_SET_DESC).has(NFTA_SET_DESC_SIZE)) return std::nullopt;
    return set_type_of({.key_type = number(attributes, NFTA_SET_KEY_TYPE).value_or(0),
                        .key_size = number(attributes, NFTA_SET_KEY_LEN).value_or(0),
                        .flags = number(attributes, NFTA_SET_FLAGS).value_or(0)});
}

std::optional<model::ChainHook> decode_hook(const Attributes& attributes) {
    const auto hook = attributes.nested(NFTA_CHAIN_HOOK);
    const auto type = chain_type_of(attributes.text(NFTA_CHAIN_TYPE));
    const auto place = hook_of(number(hook, NFTA_HOOK_HOOKNUM).value_or(NF_INET_NUMHOOKS));
    const auto priority = number(hook, NFTA_HOOK_PRIORITY);
    const bool plain = !hook.has(NFTA_HOOK_DEV) && !hook.has(NFTA_HOOK_DEVS);
    if (!type || !place || !priority || !plain) return std::nullopt;
    return model::ChainHook{.type = *type, .hook = *place, .priority = static_cast<int>(*priority)};
}

}  // namespace

bool is_plain_table(const nlmsghdr& message) {
    return number(Attributes::after<nfgenmsg>(message), NFTA_TABLE_FLAGS).value_or(0) == 0;
}

Decoded<model::FilterSet> decode_set(const nlmsghdr& message) {
    const auto attributes = Attributes::after<nfgenmsg>(message);
    Decoded<model::FilterSet> decoded{.table = attributes.text(NFTA_SET_TABLE),
                                      .name = attributes.text(NFTA_SET_NAME)};
    decoded.anonymous = (number(attributes, NFTA_SET_FLAGS).value_or(0) & NFT_SET_ANONYMOUS) != 0;
    if (const auto type = decode_set_type(attributes)) {
        decoded.value = model::FilterSet{.name = decoded.name, .type = *type, .elements = {}};
    }
    return decoded;
}

Decoded<model::FilterChain> decode_chain(const nlmsghdr& message) {
    // A base chain's flag says only that it is one; the others change what it does.
    constexpr std::uint32_t kBase = NFT_CHAIN_BASE;
    const auto attributes = Attributes::after<nfgenmsg>(message);
    const auto flags = number(attributes, NFTA_CHAIN_FLAGS).value_or(0);
    Decoded<model::FilterChain> decoded{.table = attributes.text(NFTA_CHAIN_TABLE),
                                        .name = attributes.text(NFTA_CHAIN_NAME)};
    decoded.anonymous = (flags & NFT_CHAIN_BINDING) != 0;
    if ((flags & ~kBase) != 0) return decoded;
    if (!attributes.has(NFTA_CHAIN_HOOK)) {
        decoded.value = model::FilterChain{.name = decoded.name, .hook = std::nullopt, .rules = {}};
        return decoded;
    }
    const auto hook = decode_hook(attributes);
    if (hook && number(attributes, NFTA_CHAIN_POLICY) == NF_ACCEPT) {
        decoded.value = model::FilterChain{.name = decoded.name, .hook = hook, .rules = {}};
    }
    return decoded;
}

}  // namespace ambient::netlink::nft
