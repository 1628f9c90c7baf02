#include "common/cni/json_style.hpp"

namespace ambient::cni {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view leading_blanks(std::string_view text) {
    return text.substr(0, std::min(text.find_first_not_of(kBlanks), text.size()));
}

std::string print_object(const Json& object, const JsonStyle& style) {
    const bool lines = !style.newline.empty();
    JsonStyle inner = style;
    inner.indent += style.unit;
    std::string text;
    for (const auto& [key, value] : object.items()) {
        if (!text.empty()) text += lines ? "," : style.comma;
        if (lines) text += style.newline + inner.indent;
        text += print_json(key);
        text += style.colon;
        text += print_in_style(value, inner);
    }
    if (lines && !text.empty()) text += style.newline + style.indent;
    return "{" + text + "}";
}

std::string print_list(const Json& list, const JsonStyle& style) {
    JsonStyle one_line = style;
    one_line.newline.clear();
    std::string text;
    for (const auto& value : list) {
        if (!text.empty()) text += style.comma;
        text += print_in_style(value, one_line);
    }
    return "[" + text + "]";
}

}  // namespace

JsonStyle style_of(std::string_view file, std::string_view value) {
    JsonStyle style;
    if (file.contains("\": ")) {
        style.colon = ": ";
        style.comma = ", ";
    }
    const auto first = value.find('\n');
    if (first == std::string_view::npos) return style;
    style.newline = first > 0 && value[first - 1] == '\r' ? "\r\n" : "\n";
    style.indent = leading_blanks(value.substr(value.rfind('\n') + 1));
    const auto inner = leading_blanks(value.substr(first + 1));
    if (inner.size() > style.indent.size() && inner.starts_with(style.indent)) {
        style.unit = inner.substr(style.indent.size());
    }
    return style;
}

std::string print_in_style(const Json& value, const JsonStyle& style) {
    if (value.is_object()) return print_object(value, style);
    if (value.is_array()) return print_list(value, style);
    return print_json(value);
}

}  // namespace ambient::cni
