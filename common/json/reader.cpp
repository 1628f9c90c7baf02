#include "common/json/reader.hpp"

#include <utility>

#include <fmt/format.h>

namespace ambient::json {

void Problem::report(const std::string& path, const std::string& complaint) {
    if (!error_) error_ = invalid_input((path.empty() ? "the document" : path) + " " + complaint);
}

std::string read_text(const Node& node) {
    const auto* text = node.value.get_ptr<const std::string*>();
    if (!text) node.complain("must be text");
    return text ? *text : std::string{};
}

bool read_bool(const Node& node) {
    const auto* flag = node.value.get_ptr<const bool*>();
    if (!flag) node.complain("must be true or false");
    return flag && *flag;
}

std::uint64_t read_number(const Node& node, std::uint64_t max) {
    const auto* number = node.value.get_ptr<const std::uint64_t*>();
    if (number && *number <= max) return *number;
    node.complain(fmt::format("must be a whole number from 0 to {}", max));
    return 0;
}

std::int64_t read_signed(const Node& node, std::int64_t min, std::int64_t max) {
    // nlohmann keeps a number without a sign as unsigned.
    if (const auto* positive = node.value.get_ptr<const std::uint64_t*>()) {
        if (std::cmp_less_equal(*positive, max)) return static_cast<std::int64_t>(*positive);
    } else if (const auto* number = node.value.get_ptr<const std::int64_t*>()) {
        if (*number >= min && *number <= max) return *number;
    }
    node.complain(fmt::format("must be a whole number from {} to {}", min, max));
    return 0;
}

ObjectReader::ObjectReader(const Node& node) : node_(node) {
    if (!node.value.is_object()) node.complain("must be an object");
}

ObjectReader::~ObjectReader() {
    if (!node_.value.is_object()) return;
    for (const auto& field : node_.value.items()) {
        if (!taken_.contains(field.key())) {
            node_.problem.report(path_of(field.key()), "is not a field that is known here");
        }
    }
}

bool ObjectReader::has(const std::string& name) const { return node_.value.contains(name); }

const Value* ObjectReader::take(const std::string& name) {
    const auto field = node_.value.find(name);
    if (field == node_.value.end()) return nullptr;
    taken_.insert(name);
    return &*field;
}

std::string ObjectReader::path_of(const std::string& name) const {
    return node_.path.empty() ? name : node_.path + "." + name;
}

}  // namespace ambient::json
