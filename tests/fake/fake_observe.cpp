#include <algorithm>

#include "tests/fake/fake_kernel.hpp"

namespace ambient::fake {
namespace {

using namespace model;

template <class T>
bool holds(const std::vector<T>& list, const T& value) {
    return std::ranges::find(list, value) != list.end();
}

bool holds_key(const std::vector<InterfaceAddress>& list, const InterfaceAddress& address) {
    return std::ranges::any_of(list, [&](const auto& other) { return key(other) == key(address); });
}

// What `covers` is true for.
template <class T, class Covers>
std::vector<T> part(const std::vector<T>& objects, Covers covers) {
    std::vector<T> covered;
    std::ranges::copy_if(objects, std::back_inserter(covered), covers);
    return covered;
}

bool selects(const Scope& scope, const Route& route) {
    return std::ranges::any_of(scope.routes, [&](const RouteSelector& selector) {
        return selector.table == route.table &&
               (!selector.destinations || holds(*selector.destinations, route.destination));
    });
}

// What a selector leaves of a table.
FilterTable selected(FilterTable table, const FilterSelector& selector) {
    if (selector.chains) return table;
    table.chains.clear();
    for (auto& set : table.sets) {
        if (!selector.keys) continue;
        set.elements =
            part(set.elements, [&](const SetElement& e) { return holds(*selector.keys, e.key); });
    }
    return table;
}

}  // namespace

Result<NetnsState> FakeKernel::observe(const Scope& scope) {
    const auto stray = [&](const auto& object) {
        return scope.strays && object.protocol == scope.protocol;
    };
    NetnsState found = {
        .links = part(state_.links, [&](const Link& l) { return holds(scope.links, l.name); }),
        .addresses = part(state_.addresses,
                          [&](const InterfaceAddress& a) {
                              return holds(scope.links, a.link) || holds_key(scope.addresses, a);
                          }),
        .routes =
            part(state_.routes, [&](const Route& r) { return selects(scope, r) || stray(r); }),
        .rules = part(state_.rules,
                      [&](const PolicyRule& r) {
                          return holds(scope.rule_priorities, r.priority) || stray(r);
                      }),
        .sysctls =
            part(state_.sysctls, [&](const Sysctl& s) { return holds(scope.sysctls, s.path); })};
    for (const auto& table : state_.tables) {
        const auto selector = std::ranges::find(scope.filter, table.id, &FilterSelector::table);
        if (selector != scope.filter.end()) found.tables.push_back(selected(table, *selector));
    }
    return found;
}

}  // namespace ambient::fake
