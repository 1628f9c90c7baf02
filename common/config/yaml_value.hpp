// A YAML document as a plain tree that knows where each part stood. For common/config and
// the kubeconfig of common/kubeapi.
#pragma once

#include <compare>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.hpp"

namespace ambient::config {

// 1-based, as editors count.
struct Place {
    int line = 1;
    int column = 1;

    auto operator<=>(const Place&) const = default;
};

struct Value {
    enum class Kind { null, scalar, mapping, sequence };

    Kind kind = Kind::null;
    Place place = {};
    std::string text = {};  // of a scalar
    bool quoted = false;
    std::vector<std::pair<Value, Value>> fields =
        {};                         // of a mapping, in their order; key and value
    std::vector<Value> items = {};  // of a sequence
};

// "agent.yaml:3:1: what is wrong"
Error problem_at(const std::string& file, const Place& place, const std::string& sentence);

// The one document of the text; null when it is empty. Refused: several documents, aliases, keys
// that are not plain words, a key twice, more than kMaxConfigBytes.
Result<Value> parse_yaml(const std::string& yaml, const std::string& file);
inline constexpr std::size_t kMaxConfigBytes = 1 << 20;

}  // namespace ambient::config
