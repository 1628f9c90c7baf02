#include "cni-plugin/ownership.hpp"

#include <algorithm>
#include <map>

#include "common/rpc/attachment_comment.hpp"

namespace ambient::plugin {
namespace {

using Owners = std::map<IpAddress, rpc::ElementOwner>;

Owners owners_of(const model::NetnsState& found, const cni::DatapathNames& names) {
    Owners owners;
    for (const auto& table : found.tables) {
        if (table.id != model::TableId{.name = names.filter_table}) continue;
        for (const auto& set : table.sets) {
            if (std::ranges::count(names.sets, set.name) == 0) continue;
            for (const auto& element : set.elements) {
                if (const auto* address = std::get_if<IpAddress>(&element.key))
                    owners.emplace(*address, rpc::parse_comment(element.comment));
            }
        }
    }
    return owners;
}

// A uid is unknown when an older runtime did not tell it.
bool may_be_same_pod(const rpc::ElementOwner& owner, const std::string& pod_uid) {
    return pod_uid.empty() || owner.pod_uid.empty() ||
           owner.pod_uid == rpc::format_comment({.pod_uid = pod_uid});
}

bool has_captured_route(const model::NetnsState& found, const cni::DatapathNames& names,
                        const IpAddress& address) {
    return std::ranges::any_of(found.routes, [&](const model::Route& route) {
        return route.table == names.route_table && route.protocol == names.protocol &&
               route.gateway && route.destination == Prefix::host(address);
    });
}

}  // namespace

std::vector<IpAddress> addresses_of(const model::NetnsState& found, const cni::DatapathNames& names,
                                    const cni::Attachment& attachment, const std::string& pod_uid,
                                    const std::vector<IpAddress>& previous) {
    const auto owners = owners_of(found, names);
    std::vector<IpAddress> addresses;
    for (const auto& [address, owner] : owners) {
        if (rpc::same_attachment(owner, attachment)) addresses.push_back(address);
    }
    for (const auto& address : previous) {
        const auto owner = owners.find(address);
        const bool orphan = owner == owners.end() && has_captured_route(found, names, address);
        const bool unattached = owner != owners.end() && !owner->second.attachment &&
                                may_be_same_pod(owner->second, pod_uid);
        if (orphan || unattached) addresses.push_back(address);
    }
    std::ranges::sort(addresses);
    return addresses;
}

std::vector<Stale> stale_elements(const model::NetnsState& found, const cni::DatapathNames& names,
                                  const std::vector<cni::Attachment>& valid) {
    std::vector<Stale> stale;
    for (const auto& [address, owner] : owners_of(found, names)) {
        if (!owner.attachment) continue;
        const bool known = std::ranges::any_of(valid, [&](const cni::Attachment& attachment) {
            return rpc::same_attachment(owner, attachment);
        });
        if (!known) stale.push_back({.address = address, .attachment = *owner.attachment});
    }
    return stale;
}

}  // namespace ambient::plugin
