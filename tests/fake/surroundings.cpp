#include "tests/fake/surroundings.hpp"

#include <algorithm>

namespace ambient::fake {

void Surroundings::add(const model::NetnsState& state, const model::Scope& scope) {
    const auto in_scope = [&](const std::string& link) {
        return std::ranges::find(scope.links, link) != scope.links.end();
    };
    for (const auto& route : state.routes) {
        if (!in_scope(route.link)) links.insert(route.link);
        if (route.source) addresses.insert(*route.source);
    }
    for (const auto& sysctl : state.sysctls) {
        const bool of_link = std::ranges::any_of(scope.links, [&](const std::string& link) {
            return sysctl.path.find("/" + link + "/") != std::string::npos;
        });
        if (!of_link) sysctls.insert(sysctl.path);
    }
}

}  // namespace ambient::fake
