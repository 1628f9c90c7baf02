// Reading of JSON objects, field by field, that remembers the first thing that is wrong and where
// it stands, so that decoders need no branch for each field. No exception leaves or enters here:
// every access asks for the type first. Internal to common/json.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/base/error.hpp"

namespace ambient::json {

using Value = nlohmann::json;

// The first complaint of a whole document.
class Problem {
  public:
    void report(const std::string& path, const std::string& complaint);
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  private:
    std::optional<Error> error_;
};

// A value, where it stands in the document ("links[0].vni"), and where complaints go.
struct Node {
    const Value& value;
    std::string path;
    Problem& problem;

    void complain(const std::string& complaint) const { problem.report(path, complaint); }
};

// Scalars; on a value of another type they complain and return what is empty.
std::string read_text(const Node& node);
bool read_bool(const Node& node);
std::uint64_t read_number(const Node& node, std::uint64_t max);
std::int64_t read_signed(const Node& node, std::int64_t min, std::int64_t max);

template <std::unsigned_integral T>
T read_as(const Node& node, T max = std::numeric_limits<T>::max()) {
    return static_cast<T>(read_number(node, max));
}

// Text that `parse` (const std::string& -> std::optional<T>) understands; `what` says what it
// should be.
template <class Parse>
auto read_parsed(const Node& node, std::string_view what, Parse parse) {
    const auto text = read_text(node);
    const auto parsed = parse(text);
    if (!parsed) node.complain("\"" + text + "\" is not " + std::string(what));
    return parsed.value_or(typename decltype(parse(text))::value_type{});
}

// Calls `each` with every element of a list.
template <class Each>
void read_list(const Node& node, Each each) {
    if (!node.value.is_array()) return node.complain("must be a list");
    for (std::size_t i = 0; i < node.value.size(); ++i) {
        each(Node{node.value[i], node.path + "[" + std::to_string(i) + "]", node.problem});
    }
}

// An object whose every field must be asked for; the destructor complains of the others.
class ObjectReader {
  public:
    explicit ObjectReader(const Node& node);
    ObjectReader(const ObjectReader&) = delete;
    ObjectReader& operator=(const ObjectReader&) = delete;
    ~ObjectReader();

    [[nodiscard]] bool has(const std::string& name) const;
    // Calls `use` with the field, when it is there.
    template <class Use>
    void optional(const std::string& name, Use use) {
        if (const auto* field = take(name)) use(Node{*field, path_of(name), node_.problem});
    }
    // The same; complains when it is not there.
    template <class Use>
    void required(const std::string& name, Use use) {
        if (const auto* field = take(name)) {
            use(Node{*field, path_of(name), node_.problem});
        } else {
            node_.complain("has no field \"" + name + "\"");
        }
    }
    void complain(const std::string& complaint) const { node_.complain(complaint); }

  private:
    const Value* take(const std::string& name);
    [[nodiscard]] std::string path_of(const std::string& name) const;

    Node node_;
    std::set<std::string, std::less<>> taken_;
};

}  // namespace ambient::json
