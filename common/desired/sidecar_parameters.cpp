#include <algorithm>
#include <cctype>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>

#include "common/base/parse.hpp"
#include "common/desired/boolean.hpp"
#include "common/desired/shown.hpp"
#include "common/desired/sidecar.hpp"
#include "common/desired/sidecar_mode.hpp"
#include "common/desired/sidecar_names.hpp"

namespace ambient::desired {
namespace {

constexpr std::uint32_t kProxyId = 1337;  // where the container does not say another
constexpr std::size_t kMostGroups = 64;
constexpr std::size_t kMostItems = 1024;  // of one list: what a person writes is far below
constexpr std::size_t kInterfaceName = 15;
constexpr int kWidestLoopback = 8;
// Agent and merged metrics, readiness, Envoy's metrics: asked for by the kubelet and Prometheus,
// who speak no mesh.
constexpr PortRange kHealthPorts[] = {{15020, 15021}, {15090, 15090}};
constexpr PortRange kAgentPort = {15020, 15020};

using namespace sidecar;

Error refused(std::string_view name, std::string_view item, std::string_view reason) {
    return invalid_input(std::string(name) + ": '" + shown(item) + "' " + std::string(reason));
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const auto first = text.find_first_not_of(kSpace);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// The items of a comma list, each taken by `parse`, which gives nothing for one that it refuses as
// "is no ...". An empty text is an empty list.
template <class T, class Parse>
Result<std::vector<T>> list_of(std::string_view name, std::string_view text, Parse parse,
                               std::string_view reason) {
    std::vector<T> items;
    if (trimmed(text).empty()) return items;
    for (const auto part : text | std::views::split(',')) {
        const auto item = trimmed(std::string_view(part));
        auto value = parse(item);
        if (!value) return std::unexpected(refused(name, item, reason));
        if (items.size() == kMostItems)
            return std::unexpected(refused(name, item, "is one item too many"));
        items.push_back(*std::move(value));
    }
    return items;
}

std::optional<PortRange> port_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_integer<std::uint16_t>(trimmed(text.substr(0, dash)));
    const auto last =
        dash == text.npos ? first : parse_integer<std::uint16_t>(trimmed(text.substr(dash + 1)));
    if (!first || !last || *first > *last) return std::nullopt;
    return PortRange{.first = *first, .last = *last};
}

std::vector<PortRange> merged(std::vector<PortRange> ranges) {
    std::ranges::sort(ranges);
    std::vector<PortRange> merged;
    for (const auto& range : ranges) {
        if (!merged.empty() && range.first <= std::uint32_t{merged.back().last} + 1) {
            merged.back().last = std::max(merged.back().last, range.last);
        } else {
            merged.push_back(range);
        }
    }
    return merged;
}

Result<std::vector<PortRange>> port_list(const char* name, std::string_view text) {
    return merged(TRY(list_of<PortRange>(
        name, text, port_range, "is no port from 0 to 65535, nor a range of them (8000-8010)")));
}

Result<Ports> ports(const char* name, std::string_view text) {
    if (trimmed(text) == "*") return Ports{.all = true};
    return Ports{.ranges = TRY(port_list(name, text))};
}

Result<std::vector<Prefix>> network_list(const char* name, std::string_view text) {
    auto prefixes = TRY(
        list_of<Prefix>(name, text, Prefix::parse, "is no network in CIDR form (10.96.0.0/12)"));
    std::ranges::sort(prefixes);
    const auto repeated = std::ranges::unique(prefixes);
    prefixes.erase(repeated.begin(), repeated.end());
    return prefixes;
}

Result<Networks> networks(const char* name, std::string_view text) {
    if (trimmed(text) == "*") return Networks{.all = true};
    return Networks{.prefixes = TRY(network_list(name, text))};
}

std::optional<std::string> interface_name(std::string_view text) {
    const auto plain = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 128 && (std::isalnum(byte) != 0 || c == '_' || c == '.' || c == '-');
    };
    if (text.empty() || text.size() > kInterfaceName || !std::ranges::all_of(text, plain) ||
        std::isalpha(static_cast<unsigned char>(text.front())) == 0) {
        return std::nullopt;
    }
    return std::string(text);
}

Result<std::vector<std::string>> interface_list(const char* name, std::string_view text) {
    return list_of<std::string>(
        name, text, interface_name,
        "is no interface name: a letter, then at most 14 letters, digits, '_', '.' or '-'");
}

// What the pod says, else its namespace.
class Annotations {
  public:
    Annotations(const kube::Labels& of_pod, const kube::Labels& defaults)
        : of_pod_(of_pod), defaults_(defaults) {}

    [[nodiscard]] std::optional<std::string_view> find(const char* name) const {
        for (const auto* from : {&of_pod_, &defaults_}) {
            if (const auto found = from->find(name); found != from->end()) return found->second;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::string_view get(const char* name, std::string_view otherwise) const {
        return find(name).value_or(otherwise);
    }

  private:
    const kube::Labels& of_pod_;
    const kube::Labels& defaults_;
};

Result<void> take_inbound(const Annotations& said, SidecarParameters& to) {
    to.inbound = TRY(ports(kIncludeInboundPorts, said.get(kIncludeInboundPorts, "*")));
    // Asked for also where it changes nothing: a bad value is told whatever else is set.
    auto excluded = TRY(port_list(kExcludeInboundPorts, said.get(kExcludeInboundPorts, "")));
    if (!to.inbound.all) return {};
    excluded.insert(excluded.end(), std::begin(kHealthPorts), std::end(kHealthPorts));
    to.inbound_not = merged(std::move(excluded));
    return {};
}

Result<void> take_outbound(const Annotations& said, SidecarParameters& to) {
    to.outbound = TRY(networks(kIncludeOutbound, said.get(kIncludeOutbound, "*")));
    to.outbound_not = TRY(network_list(kExcludeOutbound, said.get(kExcludeOutbound, "")));
    to.outbound_always = TRY(ports(kIncludeOutboundPorts, said.get(kIncludeOutboundPorts, "")));
    to.outbound_never = TRY(port_list(kExcludeOutboundPorts, said.get(kExcludeOutboundPorts, "")));
    if (!said.find(kExcludeOutboundPorts)) to.outbound_never = {kAgentPort};
    return {};
}

Result<void> take_interfaces(const Annotations& said, SidecarParameters& to) {
    const auto* name = said.find(kVirtualInterfaces) ? kVirtualInterfaces : kKubevirtInterfaces;
    to.virtual_interfaces = TRY(interface_list(name, said.get(name, "")));
    to.excluded_interfaces =
        TRY(interface_list(kExcludeInterfaces, said.get(kExcludeInterfaces, "")));
    return {};
}

Result<Interception> interception_of(const Mode& mode) {
    if (mode.value == "REDIRECT") return Interception::redirect;
    if (mode.value == "TPROXY") return Interception::tproxy;
    return std::unexpected(
        refused(mode.said_by, mode.value, "is none of REDIRECT, TPROXY and NONE"));
}

// 0 counts as unset: the injector runs a TPROXY proxy as root, and root is not only the proxy.
std::uint32_t owner_of(const std::optional<std::uint32_t>& id) {
    return id.value_or(0) == 0 ? kProxyId : *id;
}

Result<bool> flag(const kube::Labels& env, const char* name) {
    const auto found = env.find(name);
    if (found == env.end() || found->second.empty()) return false;
    const auto value = parse_boolean(found->second);
    if (!value) return std::unexpected(refused(name, found->second, "is neither true nor false"));
    return *value;
}

Result<std::vector<std::uint32_t>> group_list(const char* name, std::string_view text) {
    auto groups = TRY(list_of<std::uint32_t>(
        name, text, [](std::string_view item) { return parse_integer<std::uint32_t>(item); },
        "is no group id"));
    if (groups.size() > kMostGroups)
        return std::unexpected(refused(name, text, "names more than 64 groups"));
    return groups;
}

Result<OwnerGroups> owners_of(const kube::Labels& env) {
    const auto get = [&](const char* name) -> std::string_view {
        const auto found = env.find(name);
        return found == env.end() ? std::string_view() : std::string_view(found->second);
    };
    const auto groups = trimmed(get(kOwnerGroups));
    auto excluded = TRY(group_list(kOwnerGroupsNot, get(kOwnerGroupsNot)));
    if (groups.empty() || groups == "*") return OwnerGroups{.groups = std::move(excluded)};
    return OwnerGroups{.all = false, .groups = TRY(group_list(kOwnerGroups, groups))};
}

Result<Prefix> loopback_of(const kube::Labels& env) {
    const auto found = env.find(kLoopback);
    if (found == env.end() || found->second.empty())
        return Prefix::host(IpAddress::loopback(Family::ipv4));
    const auto prefix = Prefix::parse(found->second);
    const auto all = *Prefix::parse("127.0.0.0/8");
    if (!prefix || prefix->family() != Family::ipv4 || prefix->length() < kWidestLoopback ||
        !all.contains(prefix->address())) {
        return std::unexpected(
            refused(kLoopback, found->second, "is no network inside 127.0.0.0/8"));
    }
    return *prefix;
}

}  // namespace

Result<SidecarParameters> sidecar_parameters(const kube::Pod& pod, const kube::Labels& defaults) {
    const Annotations said(pod.annotations, defaults);
    const auto proxy = pod.proxy.value_or(kube::ProxyContainer{});
    SidecarParameters parameters;
    parameters.mode = TRY(interception_of(mode_of(pod, defaults)));
    TRY(take_outbound(said, parameters));
    TRY(take_inbound(said, parameters));
    TRY(take_interfaces(said, parameters));
    parameters.users = {owner_of(proxy.user)};
    parameters.groups = {owner_of(proxy.group)};
    parameters.owners = TRY(owners_of(proxy.env));
    parameters.loopback = TRY(loopback_of(proxy.env));
    parameters.dns = TRY(flag(proxy.env, kDnsCapture));
    parameters.drop_invalid = TRY(flag(proxy.env, kInvalidDrop));
    return parameters;
}

}  // namespace ambient::desired
