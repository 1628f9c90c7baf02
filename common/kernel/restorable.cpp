#include "common/kernel/restorable.hpp"

#include <algorithm>
#include <variant>
#include <vector>

namespace ambient {
namespace {

using namespace model;

// On a device that is not ours.
bool is_lent(const InterfaceAddress& address, const NetnsState& now) {
    return address.address.family() == Family::ipv4 &&
           std::ranges::none_of(now.links, [&](const Link& l) { return l.name == address.link; });
}

bool beyond_model(const Link& link) { return !is_ours(link); }
bool beyond_model(const Route& route) { return !route.beyond_model.empty(); }
bool beyond_model(const PolicyRule& rule) { return !rule.beyond_model.empty(); }
template <class T>
const T* find(const std::vector<T>& objects, const T& like) {
    const auto found =
        std::ranges::find_if(objects, [&](const T& object) { return key(object) == key(like); });
    return found == objects.end() ? nullptr : &*found;
}

template <class T>
std::vector<T> restorable(const std::vector<T>& before, const std::vector<T>& now) {
    std::vector<T> target;
    for (const auto& object : before) {
        if (!beyond_model(object)) {
            target.push_back(object);
        } else if (const auto* current = find(now, object)) {
            target.push_back(*current);
        }
    }
    return target;
}

// A table that cannot be made again in full stays as it is now; when it is gone, the rest of it
// comes back.
FilterTable restorable(const FilterTable& before, const std::vector<FilterTable>& now) {
    auto target = before;
    target.beyond_model = false;
    for (auto& chain : target.chains) {
        std::erase_if(chain.rules, [](const FilterRule& rule) { return rule.beyond_model; });
    }
    const auto* current = find(now, before);
    return target != before && current ? *current : target;
}

}  // namespace

NetnsState restorable(const NetnsState& before, const NetnsState& now) {
    NetnsState target = before;
    target.links = restorable(before.links, now.links);
    target.routes = restorable(before.routes, now.routes);
    target.rules = restorable(before.rules, now.rules);
    for (const auto& address : now.addresses) {
        if (is_lent(address, now) && !find(before.addresses, address))
            target.addresses.push_back(address);
    }
    std::erase_if(target.sysctls, [&](const Sysctl& sysctl) { return !find(now.sysctls, sysctl); });
    for (auto& table : target.tables)
        table = restorable(table, now.tables);
    return target;
}

}  // namespace ambient
