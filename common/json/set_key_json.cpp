// Keys of set elements.
#include <array>
#include <string_view>
#include <utility>

#include "common/base/parse.hpp"
#include "common/json/codec.hpp"

namespace ambient::json {
namespace {

using namespace model;

constexpr std::array<std::string_view, 8> kSetTypes = {
    "ipv4_address", "ipv6_address", "ipv4_prefix",   "ipv6_prefix",
    "interface",    "port",         "ipv4_endpoint", "ipv6_endpoint"};

std::optional<PortNumber> parse_port(std::string_view text) {
    const auto number = parse_integer<std::uint16_t>(text);
    return number ? std::optional(PortNumber{*number}) : std::nullopt;
}

// "10.0.0.1 . 80"
std::optional<Endpoint> parse_endpoint(std::string_view text) {
    constexpr std::string_view kBetween = " . ";
    const auto at = text.find(kBetween);
    if (at == std::string_view::npos) return std::nullopt;
    const auto address = IpAddress::parse(text.substr(0, at));
    const auto port = parse_port(text.substr(at + kBetween.size()));
    if (!address || !port) return std::nullopt;
    return Endpoint{.address = *address, .port = port->number};
}

std::optional<InterfaceName> parse_interface(std::string_view text) {
    return text.empty() ? std::nullopt : std::optional(InterfaceName{std::string(text)});
}

std::optional<SetKey> parse_key(std::string_view text, SetType type) {
    using enum SetType;
    switch (type) {
        case ipv4_address:
        case ipv6_address: return IpAddress::parse(text);
        case ipv4_prefix:
        case ipv6_prefix: return Prefix::parse(text);
        case interface: return parse_interface(text);
        case port: return parse_port(text);
        case ipv4_endpoint:
        case ipv6_endpoint: break;
    }
    return parse_endpoint(text);
}

}  // namespace

SetKey read_set_key(const Node& node, SetType type) {
    return read_parsed(node, "a key of the set's type",
                       [&](const std::string& text) -> std::optional<SetKey> {
                           auto key = parse_key(text, type);
                           return key && type_of(*key) == type ? key : std::nullopt;
                       });
}

SetType read_set_type(const Node& node) { return read_enum<SetType>(node, kSetTypes); }

std::string_view name_of(SetType type) { return kSetTypes.at(std::to_underlying(type)); }

// An address is text alone; of any other key the type is said, since an interface may have any
// name.
Value to_json(const SetKey& key) {
    if (std::holds_alternative<IpAddress>(key)) return to_string(key);
    return {{"type", name_of(type_of(key))}, {"key", to_string(key)}};
}

SetKey read_set_key(const Node& node) {
    if (!node.value.is_object()) return read_address(node);
    auto type = SetType::ipv4_address;
    SetKey key;
    ObjectReader fields(node);
    fields.required("type", [&](const Node& n) { type = read_set_type(n); });
    fields.required("key", [&](const Node& n) { key = read_set_key(n, type); });
    return key;
}

}  // namespace ambient::json
