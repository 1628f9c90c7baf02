#include "common/kernel/observe.hpp"

#include <algorithm>
#include <optional>
#include <ranges>

#include "common/kernel/selected_routes.hpp"
#include "common/netlink/address_codec.hpp"
#include "common/netlink/family.hpp"
#include "common/netlink/link_codec.hpp"
#include "common/netlink/routing_text.hpp"
#include "common/netlink/rule_codec.hpp"

namespace ambient {
namespace {

using netlink::kFamilies;

// One object a key. Where the kernel holds several, the first is kept: the one it meets first.
template <class T>
void keep_first_of_each_key(std::vector<T>& objects) {
    const auto before = [](const T& a, const T& b) { return key(a) < key(b); };
    // The kernel dumps a table in this order.
    if (!std::ranges::is_sorted(objects, before)) std::ranges::stable_sort(objects, before);
    const auto rest =
        std::ranges::unique(objects, [](const T& a, const T& b) { return key(a) == key(b); });
    objects.erase(rest.begin(), rest.end());
}

// Nothing when there is no such object.
template <class T>
Result<std::optional<T>> if_present(Result<T> result) {
    if (result) return *std::move(result);
    if (result.error().kind == ErrorKind::not_found) return std::nullopt;
    return std::unexpected(std::move(result).error());
}

template <class T>
void append(std::vector<T>& all, std::vector<T> more) {
    std::ranges::move(more, std::back_inserter(all));
}

// The name of a veth's peer; empty when that is in another namespace, or gone.
Result<std::string> peer_name(RouteContext& context, const netlink::LinkRecord& record) {
    if (!record.lower || record.lower->nsid) return std::string();
    return TRY(if_present(context.names.name_of(record.lower->index))).value_or(std::string());
}

}  // namespace

Result<std::vector<model::Link>> observe_links(RouteContext& context, const model::Scope& scope) {
    std::vector<model::Link> links;
    for (const auto& name : scope.links) {
        auto request = netlink::get_link(name);
        const auto reply = TRY(if_present(context.socket.query(request)));
        if (!reply) continue;
        auto record = TRY(netlink::decode_link(reply->message()));
        // The kernel finds links by their other names too (net/core/dev.c,
        // netdev_name_node_lookup).
        if (record.link.name != name) continue;
        if (auto* veth = std::get_if<model::Veth>(&record.link.kind))
            veth->peer = TRY(peer_name(context, record));
        links.push_back(std::move(record.link));
    }
    return links;
}

Result<std::vector<model::InterfaceAddress>> observe_addresses(RouteContext& context,
                                                               const model::Scope& scope) {
    std::vector<model::InterfaceAddress> addresses;
    std::vector<std::string> links = scope.links;
    for (const auto& address : scope.addresses)
        links.push_back(address.link);
    const auto covers = [&](const model::InterfaceAddress& address) {
        const auto same = [&](const auto& other) { return key(other) == key(address); };
        return std::ranges::count(scope.links, address.link) != 0 ||
               std::ranges::any_of(scope.addresses, same);
    };
    for (const auto& link : links) {
        const auto index = TRY(if_present(context.names.index_of(link)));
        if (!index) continue;
        for (const Family family : kFamilies) {
            auto request = netlink::dump_addresses(family, *index);
            const auto dump = TRY(if_present(context.socket.dump(request)));
            if (!dump) break;  // the link went away just now
            for (const auto& message : *dump) {
                auto record = TRY(netlink::decode_address(message));
                if (!record) continue;
                record->address.link = link;
                if (covers(record->address)) addresses.push_back(std::move(record->address));
            }
        }
    }
    keep_first_of_each_key(addresses);
    return addresses;
}

Result<std::optional<model::Route>> named_route(RouteContext& context,
                                                netlink::RouteRecord record) {
    if (record.link_index != 0) {
        auto name = TRY(if_present(context.names.name_of(record.link_index)));
        if (!name) return std::nullopt;
        record.route.link = *std::move(name);
    }
    if (!record.route.beyond_model.empty()) {
        record.route.beyond_model = netlink::with_link_names(
            record.route.beyond_model, [&](std::uint32_t index) -> std::optional<std::string> {
                auto name = context.names.name_of(index);
                return name ? std::optional(*std::move(name)) : std::nullopt;
            });
    }
    return std::move(record.route);
}

Result<std::vector<model::Route>> filtered_routes(RouteContext& context, Family family,
                                                  const netlink::RouteFilter& filter,
                                                  std::span<const std::uint32_t> left_out) {
    auto request = netlink::dump_routes(family, filter);
    std::vector<model::Route> routes;
    const auto dump = TRY(if_present(context.socket.dump(request)));
    if (!dump) return routes;
    for (const auto& message : *dump) {
        if (std::ranges::count(left_out, netlink::table_of(message)) != 0) continue;
        auto record = TRY(netlink::decode_route(message));
        if (!record) continue;
        if (auto route = TRY(named_route(context, *std::move(record))))
            routes.push_back(*std::move(route));
    }
    return routes;
}

Result<std::vector<model::Route>> observe_routes(RouteContext& context, const model::Scope& scope) {
    std::vector<model::Route> routes;
    std::vector<std::uint32_t> read;
    for (const auto& selector : scope.routes) {
        if (selector.destinations) {
            append(routes, TRY(observe_selected_routes(context, selector, scope.protocol)));
            continue;
        }
        read.push_back(selector.table);
        for (const Family family : kFamilies)
            append(routes, TRY(filtered_routes(context, family, {.table = selector.table})));
    }
    // 0 is no filter to the kernel; to us it says that no route is ours.
    if (scope.strays && scope.protocol != 0) {
        for (const Family family : kFamilies)
            append(routes,
                   TRY(filtered_routes(context, family, {.protocol = scope.protocol}, read)));
    }
    keep_first_of_each_key(routes);
    return routes;
}

Result<std::vector<model::PolicyRule>> all_rules(RouteContext& context, Family family) {
    auto request = netlink::dump_rules(family);
    const auto dump = TRY(context.socket.dump(request));
    std::vector<model::PolicyRule> rules;
    for (const auto& message : dump) {
        if (auto rule = TRY(netlink::decode_rule(message))) rules.push_back(*rule);
    }
    return rules;
}

Result<std::vector<model::PolicyRule>> observe_rules(RouteContext& context,
                                                     const model::Scope& scope) {
    std::vector<model::PolicyRule> rules;
    const bool strays = scope.strays && scope.protocol != 0;
    if (!strays && scope.rule_priorities.empty()) return rules;
    for (const Family family : kFamilies) {
        for (const auto& rule : TRY(all_rules(context, family))) {
            if ((strays && rule.protocol == scope.protocol) ||
                std::ranges::count(scope.rule_priorities, rule.priority) != 0) {
                rules.push_back(rule);
            }
        }
    }
    // Of two that differ in nothing but who made them, ours is the one that counts.
    std::ranges::stable_partition(
        rules, [&](const auto& rule) { return rule.protocol == scope.protocol; });
    keep_first_of_each_key(rules);
    return rules;
}

}  // namespace ambient
