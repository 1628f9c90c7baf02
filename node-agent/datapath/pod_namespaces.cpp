#include "node-agent/datapath/pod_namespaces.hpp"

#include <algorithm>
#include <ranges>

#include "common/kernel/facts.hpp"

namespace ambient::agent {
namespace {

Result<std::vector<model::InterfaceAddress>> addresses_in(const Netns& netns) {
    auto inside = TRY(Facts::open(netns));
    return inside.addresses();
}

bool has_all(const Netns& netns, const std::vector<IpAddress>& addresses) {
    const auto found = addresses_in(netns);
    return found && std::ranges::all_of(addresses, [&](const IpAddress& address) {
               return std::ranges::count(*found, address, &model::InterfaceAddress::address) > 0;
           });
}

}  // namespace

void PodNamespaces::look_again() {
    surveyed_ = false;
    discovery_.forget();
}

Result<void> PodNamespaces::survey() {
    places_.clear();
    TRY(visit_netns([&](const Netns& netns) -> Result<bool> {
        if (netns.id() == node_) return false;
        const auto found = addresses_in(netns);
        if (!found) return false;  // on its way out
        for (const auto& one : *found) {
            // Every namespace has these.
            if (one.link == "lo" && one.scope == model::RouteScope::host) continue;
            places_.emplace(one.address, Place{.id = netns.id(), .path = netns.name()});
        }
        return false;
    }));
    surveyed_ = true;
    return {};
}

std::vector<Netns> PodNamespaces::known(const std::vector<IpAddress>& addresses) const {
    std::vector<Netns> known;
    const auto [first, last] = places_.equal_range(addresses.front());
    for (const auto& place : std::ranges::subrange(first, last) | std::views::values) {
        auto netns = Netns::open(place.path);
        if (netns && netns->id() == place.id && has_all(*netns, addresses))
            known.push_back(*std::move(netns));
    }
    return known;
}

Result<Netns> PodNamespaces::tell_apart(std::vector<Netns> several, const IpAddress& address,
                                        const std::optional<NetnsId>& attached) {
    for (auto& netns : several) {
        if (netns.id() == attached) return std::move(netns);
    }
    for (auto& netns : several) {
        if (discovery_.leads_to(address, netns).value_or(false)) return std::move(netns);
    }
    return std::unexpected(
        Error{.kind = ErrorKind::conflict,
              .doing = "several network namespaces on this node have the pod's address",
              .object = to_string(address)});
}

Result<Netns> PodNamespaces::find(const std::vector<IpAddress>& addresses,
                                  const std::optional<NetnsId>& attached) {
    auto found = known(addresses);
    if (found.empty() && !surveyed_) {
        TRY(survey());
        found = known(addresses);
    }
    if (found.size() == 1) return std::move(found.front());
    if (found.size() > 1) return tell_apart(std::move(found), addresses.front(), attached);
    return std::unexpected(
        Error{.kind = ErrorKind::not_found,
              .doing = "no network namespace here has the pod's address; are /run/netns and /proc "
                       "of the host visible? Looked for",
              .object = to_string(addresses.front())});
}

}  // namespace ambient::agent
