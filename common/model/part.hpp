// One network namespace's share of what must be: ADD of one pod may need several.
#pragma once

#include <optional>

#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"
#include "common/net/netns_id.hpp"

namespace ambient::model {

// The node's namespace, or a pod's.
struct Where {
    std::optional<NetnsId> pod = std::nullopt;

    auto operator<=>(const Where&) const = default;
};

// `wanted` is everything that `scope` of the namespace may hold of ours.
struct Part {
    Where where = {};
    NetnsState wanted = {};
    Scope scope = {};

    bool operator==(const Part&) const = default;
};

}  // namespace ambient::model
