#include "common/cni/result.hpp"

#include <algorithm>
#include <cstdint>
#include <expected>
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

// How sure an entry of `ips` is to be the container's `ifname`'s.
enum class Belief : std::uint8_t { other, likely, sure };

struct Entry {
    IpAddress address;
    Belief belief = Belief::sure;
    std::string interface = {};  // its name, where one is told
};

// Of an interface that an entry names.
Belief belief_in(const Json& interface, std::string_view ifname) {
    const auto* name = string_of(interface, "name");
    const auto* sandbox = string_of(interface, "sandbox");
    if (sandbox == nullptr || sandbox->empty()) return Belief::likely;
    return name != nullptr && *name == ifname ? Belief::sure : Belief::other;
}

// Error: why it is not understood.
std::expected<Entry, std::string> read_entry(const Json& entry, const Json& interfaces,
                                             std::string_view ifname) {
    const auto* text = string_of(entry, "address");
    if (text == nullptr) return std::unexpected("it has no text \"address\"");
    const auto address = IpAddress::parse(std::string_view(*text).substr(0, text->find('/')));
    if (!address || !Prefix::parse(*text)) return std::unexpected("its address is no IP address");
    const auto index = entry.find("interface");
    if (index == entry.end() || index->is_null()) return Entry{.address = *address};
    if (!index->is_number_integer() || *index < 0 || *index >= interfaces.size())
        return std::unexpected("its interface is no index into prevResult.interfaces");
    const auto& interface = interfaces[index->get<std::size_t>()];
    if (!interface.is_object())
        return std::unexpected("the interface that it names is not an object");
    const auto* name = string_of(interface, "name");
    return Entry{.address = *address,
                 .belief = belief_in(interface, ifname),
                 .interface = name == nullptr ? "" : *name};
}

std::string doubt_about(std::size_t number, const Json& entry, std::string_view why) {
    return fmt::format("prevResult.ips[{}], {}: {}", number, print_json(entry), why);
}

// Fills in addresses and doubt.
void judge(PreviousResult& previous, const Json& ips, const Json& interfaces,
           std::string_view ifname) {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < ips.size(); ++i) {
        auto entry = read_entry(ips[i], interfaces, ifname);
        if (entry) {
            entries.push_back(*std::move(entry));
        } else if (!previous.doubt) {
            previous.doubt = doubt_about(i, ips[i], entry.error());
        }
    }
    for (const auto& entry : entries) {
        const bool is_told = std::ranges::any_of(entries, [&](const Entry& other) {
            return other.belief == Belief::sure && other.address.family() == entry.address.family();
        });
        if (entry.belief == Belief::sure || (entry.belief == Belief::likely && !is_told))
            previous.addresses.push_back(entry.address);
    }
    std::ranges::sort(previous.addresses);
    const auto repeated = std::ranges::unique(previous.addresses);
    previous.addresses.erase(repeated.begin(), repeated.end());

    if (previous.doubt || !previous.addresses.empty()) return;
    previous.doubt =
        entries.empty()
            ? "prevResult.ips has no entry: the plugins before this one gave the pod no address"
            : doubt_about(0, ips.front(),
                          fmt::format(R"(it is of interface "{}", and no other is of "{}")",
                                      entries.front().interface, ifname));
}

// Before 1.0.0 each address says "4" or "6" (SPEC 0.4.0, "IPs"); since then the text alone tells.
void convert_addresses(Json& ips, Version to) {
    for (auto& entry : ips) {
        const auto* address = string_of(entry, "address");
        if (address == nullptr) continue;  // not understood: it passes as it came
        const bool is_ipv6 = address->find(':') != std::string::npos;
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
        if (!known) {
            return refuse(fmt::format(R"(prevResult.cniVersion must be "0.3.0" to "1.1.0", not {})",
                                      print_json(*stated)));
        }
        version = *known;
    }

    const Json& interfaces = *TRY(list_of(result, "interfaces"));
    const Json& ips = *TRY(list_of(result, "ips"));
    PreviousResult previous;
    judge(previous, ips, interfaces, ifname);

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
