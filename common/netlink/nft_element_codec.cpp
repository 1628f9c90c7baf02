#include "common/netlink/nft_element_codec.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <variant>

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>

#include "common/netlink/message.hpp"
#include "common/netlink/nft_layout.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

// A message's elements fill one attribute, whose length has 16 bits; an element with the longest
// comment and its headers stays below the difference.
constexpr std::uint32_t kFullList = 64000;

// User data is a run of {type, length, bytes}; a comment's bytes end in NUL.
void put_comment(nlmsghdr* message, const std::string& comment) {
    std::array<std::uint8_t, model::kMaxComment + 3> data{};
    data[0] = NFTNL_UDATA_SET_ELEM_COMMENT;
    data[1] = static_cast<std::uint8_t>(comment.size() + 1);
    std::memcpy(&data[2], comment.data(), comment.size());
    mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, comment.size() + 3, data.data());
}

std::string comment_in(std::span<const std::uint8_t> data) {
    while (data.size() >= 2 && data.size() - 2 >= data[1]) {
        const auto bytes = data.subspan(2, data[1]);
        if (data[0] == NFTNL_UDATA_SET_ELEM_COMMENT) {
            const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return std::string(text.substr(0, text.find('\0')));
        }
        data = data.subspan(2 + bytes.size());
    }
    return {};
}

Result<void> check(const model::SetElement& element) {
    const auto* link = std::get_if<model::InterfaceName>(&element.key);
    if (link && (link->name.empty() || link->name.size() >= kInterfaceNameSize ||
                 link->name.contains('\0'))) {
        return std::unexpected(invalid_input(fmt::format("'{}' is no interface name", link->name)));
    }
    if (element.comment.size() <= model::kMaxComment && !element.comment.contains('\0')) return {};
    return std::unexpected(
        invalid_input(fmt::format("the comment of element {} is longer than {} bytes",
                                  model::to_string(element.key), model::kMaxComment)));
}

void put_element(nlmsghdr* message, const WireElement& element, bool with_comment) {
    auto* item = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
    if (element.ends)
        mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
    auto* key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
    mnl_attr_put(message, NFTA_DATA_VALUE, element.key.size, element.key.bytes.data());
    mnl_attr_nest_end(message, key);
    if (with_comment && !element.comment.empty()) put_comment(message, element.comment);
    mnl_attr_nest_end(message, item);
}

std::optional<WireElement> decode_element(const nlattr* item) {
    const auto attributes = Attributes::inside(item);
    const bool known = attributes.all([](int type) {
        // An expiry of 0 and other padding never come: the kernel leaves out what is not there.
        return type == NFTA_SET_ELEM_KEY || type == NFTA_SET_ELEM_USERDATA ||
               type == NFTA_SET_ELEM_FLAGS;
    });
    const auto key = KeyBytes::of(attributes.nested(NFTA_SET_ELEM_KEY).bytes(NFTA_DATA_VALUE));
    const auto flags = ntohl(attributes.u32(NFTA_SET_ELEM_FLAGS).value_or(0));
    if (!known || !key || key->size == 0 ||
        (flags & ~std::uint32_t{NFT_SET_ELEM_INTERVAL_END}) != 0)
        return std::nullopt;
    return WireElement{.key = *key,
                       .ends = flags != 0,
                       .comment = comment_in(attributes.bytes(NFTA_SET_ELEM_USERDATA))};
}

}  // namespace

Result<std::size_t> put_elements(std::uint16_t type, std::uint16_t flags,
                                 const model::TableId& table, const std::string& set,
                                 std::span<const model::SetElement* const> elements,
                                 MessageBuffer& to) {
    auto* message = to.start(type, flags, table.family);
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table.name.c_str());
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set.c_str());
    auto* list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    std::size_t put = 0;
    for (const auto* element : elements) {
        if (message->nlmsg_len > kFullList) break;
        TRY(check(*element));
        for (const auto& wire : encode_element(*element))
            put_element(message, wire, type == NFT_MSG_NEWSETELEM);
        ++put;
    }
    mnl_attr_nest_end(message, list);
    to.finish(message);
    return put;
}

DecodedElements decode_elements(const nlmsghdr& message) {
    const auto attributes = Attributes::after<nfgenmsg>(message);
    DecodedElements decoded{.table = attributes.text(NFTA_SET_ELEM_LIST_TABLE),
                            .set = attributes.text(NFTA_SET_ELEM_LIST_SET),
                            .elements = {}};
    const auto* list = attributes.find(NFTA_SET_ELEM_LIST_ELEMENTS);
    if (list == nullptr) return decoded;
    const nlattr* item = nullptr;
    int left = 0;
    nla_for_each_nested(item, list, left) {
        if (auto element = decode_element(item)) {
            decoded.elements.push_back(std::move(*element));
        } else {
            decoded.beyond_model = true;
        }
    }
    return decoded;
}

}  // namespace ambient::netlink::nft
