// Where the parts of a JSON text stand, for edits that keep every other byte. Internal to
// common/cni. The text must have passed parse_json: only then are the answers right.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ambient::cni {

// Bytes [begin, end) of the text that was scanned.
struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;

    [[nodiscard]] std::string_view in(std::string_view text) const {
        return text.substr(begin, end - begin);
    }
};

struct Member {
    std::string key;
    Span value;
};

// Without the white space around it.
Span scan_document(std::string_view text);
// Members of the object at `object`, in order, a key that stands twice twice.
std::vector<Member> scan_object(std::string_view text, Span object);
std::vector<Span> scan_list(std::string_view text, Span list);

}  // namespace ambient::cni
