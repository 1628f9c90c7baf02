// What this node's agent is good for at this moment, as one value (Agent::readiness makes it):
// /readyz, CNI STATUS, the node's taint and the pods' annotations all go by it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.hpp"

namespace ambient::agent {

// In the order of how bad it is.
enum class Ready : std::uint8_t {
    ok,
    waiting,  // for somebody else's part: whatever replaces this agent would wait for it, too
    broken,
};

struct Condition {
    std::string name;
    Ready state = Ready::ok;
    std::optional<Error> trouble = std::nullopt;  // why it is not ok, or what to look at

    bool operator==(const Condition&) const = default;
};

struct Readiness {
    Condition source;
    Condition datapath;
    std::vector<Condition> node;  // what others on this node reach us by
    // Which ztunnel has which, while there is more than one.
    std::vector<std::string> lanes = {};

    // The worst of all.
    [[nodiscard]] Ready state() const;
    [[nodiscard]] std::vector<Condition> conditions() const;
};

Condition holds(std::string name);
Condition waits(std::string name, Error trouble);
Condition broken(std::string name, Error trouble);

}  // namespace ambient::agent
