#include "common/plan/conflict.hpp"

#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/overloaded.hpp"

namespace ambient::plan {
namespace {

std::string_view kind_name(const model::Link& link) {
    const auto* other = std::get_if<model::OtherLink>(&link.kind);
    return other ? std::string_view(other->kind) : "veth";
}

std::string shown(const model::Route& route) {
    if (!route.beyond_model.empty()) return route.beyond_model;
    const bool ipv4 = route.destination.family() == Family::ipv4;
    std::string text = route.type == model::RouteType::local         ? "local "
                       : route.type == model::RouteType::unreachable ? "unreachable "
                                                                     : "";
    text += route.destination.length() == 0 ? "default" : to_string(route.destination);
    if (route.tos != 0) text += fmt::format(" tos {:#04x}", route.tos);
    if (route.gateway) text += " via " + to_string(*route.gateway);
    if (!route.link.empty()) text += " dev " + route.link;
    text += fmt::format(" table {} proto {}", route.table, route.protocol);
    if (ipv4 && route.scope == model::RouteScope::link) text += " scope link";
    if (ipv4 && route.scope == model::RouteScope::host) text += " scope host";
    if (route.source) text += " src " + to_string(*route.source);
    if (route.metric != 0) text += fmt::format(" metric {}", route.metric);
    return text + (route.onlink ? " onlink" : "");
}

std::string shown(const model::PolicyRule& rule) {
    if (!rule.beyond_model.empty()) return rule.beyond_model;
    auto text = fmt::format("{}: from all", rule.priority);
    if (rule.mark.mask != 0)
        text += fmt::format(" fwmark {:#x}/{:#x}", rule.mark.value, rule.mark.mask);
    return text + fmt::format(" lookup {} proto {}", rule.table, rule.protocol);
}

}  // namespace

std::string to_string(const Conflict& conflict) {
    return std::visit(Overloaded{
                          [](const model::Link& link) {
                              return fmt::format("link {} ({})", link.name, kind_name(link));
                          },
                          [](const model::Route& route) { return "route " + shown(route); },
                          [](const model::PolicyRule& rule) {
                              return (rule.family == Family::ipv6 ? "IPv6 rule " : "rule ") +
                                     shown(rule);
                          },
                      },
                      conflict.foreign);
}

Error conflict_error(const std::vector<Conflict>& conflicts) {
    std::vector<std::string> names;
    names.reserve(conflicts.size());
    for (const auto& conflict : conflicts)
        names.push_back(to_string(conflict));
    return Error{.kind = ErrorKind::conflict,
                 .doing = "not ours, but where ours must be:",
                 .object = fmt::format("{}", fmt::join(names, ", "))};
}

}  // namespace ambient::plan
