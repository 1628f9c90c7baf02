#include "common/config/mapping.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/parse.hpp"

namespace ambient::config {
namespace {

// A value in a message, short.
std::string shown(const Value& value) {
    switch (value.kind) {
        case Value::Kind::null: return "nothing";
        case Value::Kind::mapping: return "a mapping";
        case Value::Kind::sequence: return "a list";
        case Value::Kind::scalar: break;
    }
    constexpr std::size_t kShown = 60;
    return fmt::format(
        "'{}'", value.text.size() > kShown ? value.text.substr(0, kShown) + "..." : value.text);
}

}  // namespace

void Report::refuse(const Place& place, const std::string& sentence) {
    if (problem_ && problem_place_ <= place) return;
    problem_ = problem_at(file_, place, sentence);
    problem_place_ = place;
}

void Report::refuse_field(const std::string& path, const std::string& sentence) {
    std::string_view around = path;
    while (!places_.contains(std::string(around)) && !around.empty()) {
        const auto dot = around.rfind('.');
        around = dot == std::string_view::npos ? "" : around.substr(0, dot);
    }
    const auto found = places_.find(std::string(around));
    refuse(found == places_.end() ? Place{} : found->second, sentence);
}

Mapping::Mapping(Report& report, const Value& value, std::string path)
    : report_(report), value_(value), path_(std::move(path)) {
    if (value.kind == Value::Kind::mapping || (value.kind == Value::Kind::null && path_.empty()))
        return;
    report_.refuse(value.place,
                   fmt::format("{} must be a mapping, not {}",
                               path_.empty() ? "a configuration" : path_, shown(value)));
}

std::string Mapping::path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

const Value* Mapping::take(const char* name) {
    known_.emplace_back(name);
    const auto named = [&](const auto& field) { return field.first.text == name; };
    const auto field = std::ranges::find_if(value_.fields, named);
    if (field == value_.fields.end()) return nullptr;
    report_.note(path_of(name), field->second.place);
    return &field->second;
}

void Mapping::must_be(const Value& value, const char* name, const std::string& expected) {
    report_.refuse(value.place,
                   fmt::format("{} must be {}, not {}", path_of(name), expected, shown(value)));
}

const Value* Mapping::take_scalar(const char* name, const char* expected) {
    const Value* value = take(name);
    if (!value || value->kind == Value::Kind::scalar) return value;
    must_be(*value, name, expected);
    return nullptr;
}

std::optional<std::vector<const Value*>> Mapping::take_list(const char* name,
                                                            const char* expected) {
    const Value* list = take(name);
    if (!list) return std::nullopt;
    const auto refuse = [&](const Value& value) {
        must_be(value, name, fmt::format("a list of {}", expected));
        return std::nullopt;
    };
    if (list->kind != Value::Kind::sequence) return refuse(*list);
    std::vector<const Value*> items;
    for (const Value& item : list->items) {
        if (item.kind != Value::Kind::scalar || item.text.empty()) return refuse(item);
        items.push_back(&item);
    }
    return items;
}

void Mapping::text(const char* name, std::string& out) {
    const Value* value = take_scalar(name, "text");
    if (!value) return;
    if (value->text.empty()) {
        must_be(*value, name, "text; remove the field for its default");
        return;
    }
    out = value->text;
}

void Mapping::texts(const char* name, std::vector<std::string>& out) {
    const auto items = take_list(name, "words");
    if (!items) return;
    out.clear();
    for (const Value* item : *items)
        out.push_back(item->text);
}

void Mapping::address(const char* name, IpAddress& out, Family family) {
    const std::string expected =
        fmt::format("an {} address", family == Family::ipv4 ? "IPv4" : "IPv6");
    const Value* value = take_scalar(name, expected.c_str());
    if (!value) return;
    const auto address = IpAddress::parse(value->text);
    if (!address || address->family() != family) {
        must_be(*value, name, expected);
        return;
    }
    out = *address;
}

void Mapping::address(const char* name, IpAddress& out) {
    const Value* value = take_scalar(name, "an IP address");
    if (!value) return;
    if (const auto address = IpAddress::parse(value->text)) {
        out = *address;
    } else {
        must_be(*value, name, "an IP address");
    }
}

void Mapping::addresses(const char* name, std::vector<IpAddress>& out) {
    const auto items = take_list(name, "IP addresses");
    if (!items) return;
    out.clear();
    for (const Value* item : *items) {
        const auto address = IpAddress::parse(item->text);
        if (!address) {
            must_be(*item, name, "a list of IP addresses");
            return;
        }
        out.push_back(*address);
    }
}

void Mapping::mark(const char* name, Mark& out) {
    constexpr const char* kExpected =
        "a mark as value/mask, 0x200/0x200 for example, whose value has no bit outside its mask";
    const Value* value = take_scalar(name, kExpected);
    if (!value) return;
    const auto mark = Mark::parse(value->text);
    if (!mark) {
        must_be(*value, name, kExpected);
        return;
    }
    out = *mark;
}

void Mapping::flag(const char* name, bool& out) {
    const Value* value = take_scalar(name, "true or false");
    if (!value) return;
    if (value->quoted || (value->text != "true" && value->text != "false")) {
        must_be(*value, name, "true or false");
        return;
    }
    out = value->text == "true";
}

std::optional<std::uint64_t> Mapping::integer(const char* name, std::uint64_t min,
                                              std::uint64_t max) {
    const std::string expected = fmt::format("a number from {} to {}", min, max);
    const Value* value = take_scalar(name, expected.c_str());
    if (!value) return std::nullopt;
    const auto number =
        value->quoted ? std::nullopt : parse_integer<std::uint64_t>(value->text, min, max, 0);
    if (!number) must_be(*value, name, expected + (value->quoted ? " without quotes" : ""));
    return number;
}

std::optional<std::size_t> Mapping::choice(const char* name,
                                           std::span<const std::string_view> words) {
    const std::string expected = fmt::format("one of {}", fmt::join(words, ", "));
    const Value* value = take_scalar(name, expected.c_str());
    if (!value) return std::nullopt;
    const auto found = std::ranges::find(words, value->text);
    if (found == words.end()) {
        must_be(*value, name, expected);
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - words.begin());
}

void Mapping::finish() {
    for (const auto& [key, value] : value_.fields) {
        if (std::ranges::find(known_, key.text) != known_.end()) continue;
        const std::string in = path_.empty() ? "" : fmt::format(" in {}", path_);
        report_.refuse(key.place, fmt::format("there is no field '{}'{}; the fields here are {}",
                                              key.text, in, fmt::join(known_, ", ")));
        return;
    }
}

}  // namespace ambient::config
