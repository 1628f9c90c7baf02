#include "tests/fake/surroundings.hpp"

#include <algorithm>

namespace ambient::fake {
namespace {

// "veth1" of "net/ipv4/conf/veth1/rp_filter"
std::string link_of_sysctl(const std::string& path) {
    const auto begin = path.find("/conf/") + 6;
    return path.substr(begin, path.find('/', begin) - begin);
}

}  // namespace

void Surroundings::add(const model::NetnsState& state, const model::Scope& scope) {
    const auto in_scope = [&](const std::string& link) {
        return std::ranges::find(scope.links, link) != scope.links.end();
    };
    for (const auto& route : state.routes) {
        if (!route.link.empty() && !in_scope(route.link)) links.insert(route.link);
        if (route.source) addresses.insert(*route.source);
    }
    for (const auto& address : scope.addresses)
        links.insert(address.link);
    for (const auto& sysctl : state.sysctls) {
        const auto link = link_of_sysctl(sysctl.path);
        if (in_scope(link)) continue;
        links.insert(link);
        sysctls.insert(sysctl.path);
    }
}

}  // namespace ambient::fake
