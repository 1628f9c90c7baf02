#include "common/model/netns_state.hpp"

#include <algorithm>

namespace ambient::model {
namespace {

template <class T>
void sort_by_key(std::vector<T>& objects) {
    const auto before = [](const T& a, const T& b) { return key(a) < key(b); };
    // Most come sorted, from the kernel and from `desired`, but for a few at their end.
    const auto rest = std::ranges::is_sorted_until(objects, before);
    std::ranges::sort(rest, objects.end(), before);
    std::ranges::inplace_merge(objects, rest, before);
}

}  // namespace

void sort(NetnsState& state) {
    sort_by_key(state.links);
    sort_by_key(state.addresses);
    sort_by_key(state.routes);
    sort_by_key(state.rules);
    sort_by_key(state.sysctls);
    sort_by_key(state.tables);
    for (auto& table : state.tables) {
        sort_by_key(table.sets);
        sort_by_key(table.chains);
        for (auto& set : table.sets)
            sort_by_key(set.elements);
    }
}

}  // namespace ambient::model
