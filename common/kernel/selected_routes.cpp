#include "common/kernel/selected_routes.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

namespace ambient {
namespace {

// The stored route that a packet of this mark takes. `certain` is false when the packet is refused
// by a route or a rule that may stand in any table.
struct Match {
    std::optional<netlink::RouteRecord> route = std::nullopt;
    bool certain = true;
};

Result<Match> matching_route(RouteContext& context, const IpAddress& address, std::uint32_t mark) {
    auto request = netlink::get_route({.destination = address, .mark = mark, .as_stored = true});
    const auto reply = context.socket.query(request);
    if (!reply) {
        switch (reply.error().errno_value) {
            case ENETUNREACH: return Match{};
            case EHOSTUNREACH:  // unreachable, prohibit, blackhole: net/ipv4/fib_semantics.c,
                                // fib_props
            case EACCES:
            case EINVAL: return Match{.certain = false};
            default: return std::unexpected(reply.error());
        }
    }
    auto record = TRY(netlink::decode_route(reply->message()));
    if (!record) return Match{.certain = false};
    return Match{.route = std::move(record)};
}

// Of packets that look the table up; nothing when none does.
std::optional<std::uint32_t> mark_to(const std::vector<model::PolicyRule>& rules,
                                     std::uint32_t table) {
    const auto leads = [&](const auto& rule) {
        return rule.table == table && rule.beyond_model.empty();
    };
    const auto rule = std::ranges::find_if(rules, leads);
    if (rule == rules.end()) return std::nullopt;
    return rule->mark.value;
}

// What is read once, when first needed.
class SelectedRoutes {
  public:
    SelectedRoutes(RouteContext& context, std::uint8_t protocol)
        : context_(context), protocol_(protocol) {}

    Result<void> add(std::uint32_t table, const Prefix& destination) {
        if (destination.is_host() && TRY(settled(destination, table))) return {};
        for (const auto& route : *TRY(whole_table(destination.family(), table))) {
            if (route.destination == destination) found_.push_back(route);
        }
        return {};
    }

    std::vector<model::Route> take() && { return std::move(found_); }

  private:
    // Whether the match tells all that there is in this table.
    Result<bool> settled(const Prefix& destination, std::uint32_t table) {
        const auto& rules = *TRY(this->rules(destination.family()));
        const auto mark = mark_to(rules, table);
        if (!mark) return false;
        const auto match = TRY(matching_route(context_, destination.address(), *mark));
        if (!match.certain) return false;
        if (match.route && match.route->route.table == table) {
            if (match.route->route.destination != destination)
                return true;  // the longest prefix would have won
            // A foreign route may hide ours behind a better metric: then the table has to tell.
            if (match.route->route.protocol != protocol_) return false;
            if (auto route = TRY(named_route(context_, *match.route)))
                found_.push_back(*std::move(route));
            return true;
        }
        const auto answered = match.route ? std::optional(match.route->route.table) : std::nullopt;
        return was_tried_before(rules, *mark, table, answered);
    }

    Result<const std::vector<model::PolicyRule>*> rules(Family family) {
        auto at = rules_.find(family);
        if (at == rules_.end()) at = rules_.emplace(family, TRY(all_rules(context_, family))).first;
        return &at->second;
    }

    Result<const std::vector<model::Route>*> whole_table(Family family, std::uint32_t table) {
        auto at = tables_.find({family, table});
        if (at == tables_.end()) {
            at = tables_
                     .emplace(std::pair(family, table),
                              TRY(filtered_routes(context_, family, {.table = table})))
                     .first;
        }
        return &at->second;
    }

    RouteContext& context_;
    std::uint8_t protocol_;
    std::vector<model::Route> found_;
    std::map<Family, std::vector<model::PolicyRule>> rules_;
    std::map<std::pair<Family, std::uint32_t>, std::vector<model::Route>> tables_;
};

}  // namespace

bool was_tried_before(const std::vector<model::PolicyRule>& rules, std::uint32_t mark,
                      std::uint32_t table, std::optional<std::uint32_t> answered) {
    for (const auto& rule : rules) {
        if (!rule.mark.matches(mark)) continue;
        // It may have jumped over the table, or refused the packet: both are told as table 0.
        if (rule.table == 0) return false;
        if (rule.table == table && rule.beyond_model.empty()) return rule.table != answered;
        if (rule.table == answered) return false;
    }
    return false;
}

Result<std::vector<model::Route>> observe_selected_routes(RouteContext& context,
                                                          const model::RouteSelector& selector,
                                                          std::uint8_t protocol) {
    SelectedRoutes routes(context, protocol);
    for (const auto& destination : *selector.destinations)
        TRY(routes.add(selector.table, destination));
    return std::move(routes).take();
}

}  // namespace ambient
