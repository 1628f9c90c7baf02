// Recognising runs of expressions. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <variant>

#include "common/netlink/nft_expression.hpp"

namespace ambient::netlink::nft {

// The first expressions of `rest` when they are of these kinds, in this order.
template <class... Kinds>
std::optional<std::tuple<const Kinds&...>> begins_with(std::span<const Expression> rest) {
    if (rest.size() < sizeof...(Kinds)) return std::nullopt;
    return [&]<std::size_t... I>(
               std::index_sequence<I...>) -> std::optional<std::tuple<const Kinds&...>> {
        if (!(std::holds_alternative<Kinds>(rest[I]) && ...)) return std::nullopt;
        return std::tuple<const Kinds&...>(std::get<Kinds>(rest[I])...);
    }(std::index_sequence_for<Kinds...>{});
}

// What was recognised, and how many expressions it took.
template <class T>
struct Recognised {
    T what;
    std::size_t taken = 0;
};

}  // namespace ambient::netlink::nft
