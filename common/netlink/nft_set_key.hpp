// Keys of set elements as the bytes that the kernel keeps. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/model/filter_table.hpp"

namespace ambient::netlink::nft {

// At most an IPv6 address and a port; not on the heap, since a node has thousands.
struct KeyBytes {
    std::array<std::uint8_t, 20> bytes{};
    std::size_t size = 0;

    auto operator<=>(const KeyBytes&) const = default;

    // Nothing when there are more.
    static std::optional<KeyBytes> of(std::span<const std::uint8_t> from);
    [[nodiscard]] std::span<const std::uint8_t> span() const { return {bytes.data(), size}; }
};

// An element on the wire. A prefix is two of them: where it begins, and where the first address
// behind it `ends` it (net/netfilter/nft_set_rbtree.c).
struct WireElement {
    KeyBytes key;
    bool ends = false;
    std::string comment = {};

    bool operator==(const WireElement&) const = default;
};

std::vector<WireElement> encode_element(const model::SetElement& element);

// All elements of a set of this type, in any order; nothing when they are more than the type can
// say: a range that is no prefix, a name without end.
std::optional<std::vector<model::SetElement>> decode_elements_of(model::SetType type,
                                                                 std::vector<WireElement> elements);

}  // namespace ambient::netlink::nft
