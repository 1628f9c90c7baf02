// The parts of an answer.
#include <string_view>

#include "common/json/codec.hpp"
#include "common/json/state_json.hpp"

namespace ambient::json {
namespace {

constexpr std::string_view kNode = "node";

Value to_json(const model::Where& where) {
    if (!where.pod) return kNode;
    return {{"device", where.pod->device}, {"inode", where.pod->inode}};
}

model::Where read_where(const Node& node) {
    if (node.value.is_string() && node.value == kNode) return {};
    NetnsId id;
    ObjectReader fields(node);
    fields.required("device", [&](const Node& n) { id.device = read_as<std::uint64_t>(n); });
    fields.required("inode", [&](const Node& n) { id.inode = read_as<std::uint64_t>(n); });
    return {.pod = id};
}

}  // namespace

Value to_json(const std::vector<model::Part>& parts) {
    auto value = Value::array();
    for (const auto& part : parts) {
        value.push_back({{"where", to_json(part.where)},
                         {"wanted", to_json(part.wanted)},
                         {"scope", to_json(part.scope)}});
    }
    return value;
}

Result<std::vector<model::Part>> parts_from_json(const Value& value) {
    Problem problem;
    std::vector<model::Part> parts;
    read_list({value, "parts", problem}, [&](const Node& node) {
        auto& part = parts.emplace_back();
        ObjectReader fields(node);
        fields.required("where", [&](const Node& n) { part.where = read_where(n); });
        fields.required("wanted", [&](const Node& n) { part.wanted = read_state(n); });
        fields.required("scope", [&](const Node& n) { part.scope = read_scope(n); });
    });
    if (problem.error()) return std::unexpected(*problem.error());
    return parts;
}

}  // namespace ambient::json
