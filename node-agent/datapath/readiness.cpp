#include "node-agent/datapath/readiness.hpp"

#include <algorithm>
#include <utility>

namespace ambient::agent {

Ready Readiness::state() const {
    const auto all = conditions();
    return std::ranges::max(all, {}, &Condition::state).state;
}

std::vector<Condition> Readiness::conditions() const {
    std::vector<Condition> all = {source, datapath};
    all.insert(all.end(), node.begin(), node.end());
    return all;
}

Condition holds(std::string name) { return {.name = std::move(name)}; }

Condition waits(std::string name, Error trouble) {
    return {.name = std::move(name), .state = Ready::waiting, .trouble = std::move(trouble)};
}

Condition broken(std::string name, Error trouble) {
    return {.name = std::move(name), .state = Ready::broken, .trouble = std::move(trouble)};
}

}  // namespace ambient::agent
