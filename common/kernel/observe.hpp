// Reading the kernel's objects of a Scope, one function a kind. Each returns what it found; sorting
// is the caller's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"
#include "common/netlink/link_names.hpp"
#include "common/netlink/route_codec.hpp"
#include "common/netlink/route_socket.hpp"

namespace ambient {

// An rtnetlink socket and the names of links seen through it during one operation.
struct RouteContext {
    netlink::RouteSocket& socket;
    netlink::LinkNames names;
};

Result<std::vector<model::Link>> observe_links(RouteContext& context, const model::Scope& scope);
// On the links of the scope.
Result<std::vector<model::InterfaceAddress>> observe_addresses(RouteContext& context,
                                                               const model::Scope& scope);
// What the scope's selectors select; strays.
Result<std::vector<model::Route>> observe_routes(RouteContext& context, const model::Scope& scope);
// At the scope's priorities; strays.
Result<std::vector<model::PolicyRule>> observe_rules(RouteContext& context,
                                                     const model::Scope& scope);

// All rules of a family, in the order in which the kernel tries them.
Result<std::vector<model::PolicyRule>> all_rules(RouteContext& context, Family family);
// The routes of one family that a filter lets through, but for those in the tables that are left
// out; a table that does not exist has none.
Result<std::vector<model::Route>> filtered_routes(RouteContext& context, Family family,
                                                  const netlink::RouteFilter& filter,
                                                  std::span<const std::uint32_t> left_out = {});
// The record's route with its link's name; nothing when the link is gone, and its routes with it.
Result<std::optional<model::Route>> named_route(RouteContext& context, netlink::RouteRecord record);

}  // namespace ambient
