// Two vectors sorted by key(), walked side by side: what a diff of one object kind is made of.
#pragma once

#include <vector>

namespace ambient::plan {

template <class T, class OnlyWanted, class OnlyFound, class Both>
void merge_walk(const std::vector<T>& wanted, const std::vector<T>& found, OnlyWanted only_wanted,
                OnlyFound only_found, Both both) {
    auto w = wanted.begin();
    auto f = found.begin();
    while (w != wanted.end() && f != found.end()) {
        if (key(*w) < key(*f)) {
            only_wanted(*w++);
        } else if (key(*f) < key(*w)) {
            only_found(*f++);
        } else {
            both(*w++, *f++);
        }
    }
    for (; w != wanted.end(); ++w)
        only_wanted(*w);
    for (; f != found.end(); ++f)
        only_found(*f);
}

}  // namespace ambient::plan
