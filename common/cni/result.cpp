#include "common/cni/result.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace ambient::cni {
namespace {

std::unexpected<Failure> refuse(std::string message) {
    return std::unexpected(Failure{.code = Code::invalid_config, .message = std::move(message)});
}

// A list member that may be absent or null.
Outcome<const Json*> list_of(const Json& result, const char* key) {
    static const Json kEmpty = Json::array();
    const auto found = result.find(key);
    if (found == result.end() || found->is_null()) return &kEmpty;
    if (!found->is_array()) return refuse(fmt::format("prevResult.{} must be a list", key));
    return &*found;
}

const std::string* string_of(const Json& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : found->get_ptr<const Json::string_t*>();
}

// Whether this interface is the container's `ifname`: one without a sandbox stands on the host.
bool is_containers(const Json& interface, std::string_view ifname) {
    const auto* name = string_of(interface, "name");
    const auto* sandbox = string_of(interface, "sandbox");
    return name != nullptr && *name == ifname && sandbox != nullptr && !sandbox->empty();
}

// Nothing when the address belongs to another interface.
Outcome<std::optional<IpAddress>> address_of(const Json& entry, const Json& interfaces,
                                             std::string_view ifname) {
    const auto* text = string_of(entry, "address");
    const auto prefix =
        text == nullptr ? std::nullopt : std::optional(text->substr(0, text->find('/')));
    const auto address = prefix ? IpAddress::parse(*prefix) : std::nullopt;
    if (!address || !Prefix::parse(*text)) {
        return refuse("prevResult.ips has an entry without a valid address");
    }
    const auto index = entry.find("interface");
    if (index == entry.end() || index->is_null()) return address;
    if (!index->is_number_integer() || *index < 0 || *index >= interfaces.size()) {
        return refuse(
            "prevResult.ips has an entry whose interface is not in prevResult.interfaces");
    }
    if (!is_containers(interfaces[index->get<std::size_t>()], ifname)) return std::nullopt;
    return address;
}

// Before 1.0.0 each address says "4" or "6" (SPEC 0.4.0, "IPs"); since then the text alone tells.
void convert_addresses(Json& ips, Version to) {
    for (auto& entry : ips) {
        const bool is_ipv6 = string_of(entry, "address")->find(':') != std::string::npos;
        if (to >= Version::v1_0_0) {
            entry.erase("version");
        } else {
            entry["version"] = is_ipv6 ? "6" : "4";
        }
    }
}

}  // namespace

Outcome<PreviousResult> read_result(const Json& result, Version asked, std::string_view ifname) {
    if (!result.is_object()) return refuse("prevResult must be an object");
    // libcni leaves the version out of a result that equals the configuration's.
    Version version = asked;
    if (const auto stated = result.find("cniVersion"); stated != result.end()) {
        const auto* text = stated->get_ptr<const Json::string_t*>();
        const auto known = text == nullptr ? std::nullopt : parse_version(*text);
        if (!known) return refuse("prevResult.cniVersion is not a version that this plugin speaks");
        version = *known;
    }

    const Json& interfaces = *TRY(list_of(result, "interfaces"));
    const Json& ips = *TRY(list_of(result, "ips"));
    PreviousResult previous;
    for (const auto& entry : ips) {
        if (const auto address = TRY(address_of(entry, interfaces, ifname))) {
            previous.addresses.push_back(*address);
        }
    }
    std::ranges::sort(previous.addresses);
    const auto repeated = std::ranges::unique(previous.addresses);
    previous.addresses.erase(repeated.begin(), repeated.end());

    if (version == asked && result.contains("cniVersion")) {
        previous.text = print_json(result);
        return previous;
    }
    Json answer = result;
    answer["cniVersion"] = to_string(asked);
    if (version != asked && !ips.empty()) convert_addresses(answer["ips"], asked);
    previous.text = print_json(answer);
    return previous;
}

}  // namespace ambient::cni
