// JSON in the layout of the text around it: what we add to somebody's file looks like the rest of
// it. Internal to common/cni.
#pragma once

#include <string>
#include <string_view>

#include "common/cni/json.hpp"

namespace ambient::cni {

struct JsonStyle {
    std::string newline;      // empty: all on one line
    std::string indent;       // of the line on which the value ends
    std::string unit = "  ";  // more of it for each level
    std::string_view colon = ":";
    std::string_view comma = ",";  // between values on one line

    bool operator==(const JsonStyle&) const = default;
};

// How `value`, the text of an object somewhere in `file`, is laid out.
JsonStyle style_of(std::string_view file, std::string_view value);

// Objects over several lines where the style has lines; lists always on one, as people write them.
std::string print_in_style(const Json& value, const JsonStyle& style);

}  // namespace ambient::cni
