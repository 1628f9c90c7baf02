// What a pod's author wrote, for one sentence: an Event, the runtime's log and JSON take it as it
// is. Internal to common/desired.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace ambient::desired {

// Its beginning, with '?' for what is not printable ASCII.
inline std::string shown(std::string_view text) {
    constexpr std::size_t kMost = 64;
    std::string shown(text.substr(0, kMost));
    std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.size() > kMost ? shown + "..." : shown;
}

}  // namespace ambient::desired
