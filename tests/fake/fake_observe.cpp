#include <algorithm>

#include "tests/fake/fake_kernel.hpp"

namespace ambient::fake {
namespace {

using namespace model;

template <class T>
bool holds(const std::vector<T>& list, const T& value) {
    return std::ranges::find(list, value) != list.end();
}

// What `covers` is true for.
template <class T, class Covers>
std::vector<T> part(const std::vector<T>& objects, Covers covers) {
    std::vector<T> covered;
    std::ranges::copy_if(objects, std::back_inserter(covered), covers);
    return covered;
}

NetnsState whole_scope(const NetnsState& state, const Scope& scope) {
    return {
        .links = part(state.links, [&](const Link& l) { return holds(scope.links, l.name); }),
        .addresses = part(state.addresses,
                          [&](const InterfaceAddress& a) { return holds(scope.links, a.link); }),
        .routes = part(state.routes,
                       [&](const Route& r) {
                           return holds(scope.route_tables, r.table) ||
                                  r.protocol == scope.protocol;
                       }),
        .rules = part(state.rules,
                      [&](const PolicyRule& r) {
                          return holds(scope.rule_priorities, r.priority) ||
                                 r.protocol == scope.protocol;
                      }),
        .sysctls =
            part(state.sysctls, [&](const Sysctl& s) { return holds(scope.sysctls, s.path); }),
        .tables = part(state.tables,
                       [&](const FilterTable& t) { return holds(scope.filter_tables, t.id); })};
}

NetnsState pods_only(const NetnsState& state, const Scope& scope) {
    const auto of_pod = [&](const IpAddress& address) { return holds(*scope.pods, address); };
    NetnsState found;
    found.routes = part(state.routes, [&](const Route& r) {
        return r.destination.is_host() && of_pod(r.destination.address()) &&
               holds(scope.route_tables, r.table);
    });
    found.sysctls =
        part(state.sysctls, [&](const Sysctl& s) { return holds(scope.sysctls, s.path); });
    found.tables =
        part(state.tables, [&](const FilterTable& t) { return holds(scope.filter_tables, t.id); });
    for (auto& table : found.tables) {
        table.chains.clear();
        for (auto& set : table.sets) {
            set.elements =
                part(set.elements, [&](const SetElement& e) { return of_pod(e.address); });
        }
    }
    return found;
}

}  // namespace

Result<NetnsState> FakeKernel::observe(const Scope& scope) {
    return scope.pods ? pods_only(state_, scope) : whole_scope(state_, scope);
}

}  // namespace ambient::fake
