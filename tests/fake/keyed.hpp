// Vectors kept sorted by key(), as model::NetnsState has them. Internal to tests/fake.
#pragma once

#include <algorithm>
#include <vector>

namespace ambient::fake {

template <class Objects, class Key>
auto lower_bound(Objects& objects, const Key& wanted) {
    return std::ranges::lower_bound(objects, wanted, {},
                                    [](const auto& object) { return key(object); });
}

// Null when there is none.
template <class Objects, class Key>
auto* find(Objects& objects, const Key& wanted) {
    const auto place = lower_bound(objects, wanted);
    return place != objects.end() && key(*place) == wanted ? &*place : nullptr;
}

// Adds the object, or replaces the one of the same key.
template <class T>
void put(std::vector<T>& objects, const T& object) {
    if (auto* same = find(objects, key(object))) {
        *same = object;
    } else {
        objects.insert(lower_bound(objects, key(object)), object);
    }
}

// Whether there was one.
template <class T, class Key>
bool remove(std::vector<T>& objects, const Key& wanted) {
    const auto place = lower_bound(objects, wanted);
    if (place == objects.end() || key(*place) != wanted) return false;
    objects.erase(place);
    return true;
}

}  // namespace ambient::fake
