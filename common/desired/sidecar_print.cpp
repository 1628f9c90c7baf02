// A sidecar pod's parameters for people: one a line, in the words of docs/sidecar.md.
#include <string>
#include <utility>

#include "common/desired/sidecar.hpp"

namespace ambient::desired {
namespace {

std::string text_of(const PortRange& range) {
    const auto first = std::to_string(range.first);
    return range.first == range.last ? first : first + "-" + std::to_string(range.last);
}
std::string text_of(const Prefix& prefix) { return to_string(prefix); }
std::string text_of(const std::string& name) { return name; }
std::string text_of(std::uint32_t id) { return std::to_string(id); }

template <class Items>
std::string listed(const Items& items) {
    std::string text;
    for (const auto& item : items)
        text += (text.empty() ? "" : ", ") + text_of(item);
    return text.empty() ? "none" : text;
}

template <class Items>
std::string all_or(bool all, const Items& items) {
    return all ? "all" : listed(items);
}

template <class Items>
std::string but(const Items& items) {
    return items.empty() ? "" : " but " + listed(items);
}

std::string line(std::string name, const std::string& value) {
    constexpr std::size_t kColumn = 26;
    name.resize(kColumn, ' ');
    return name + value + "\n";
}

}  // namespace

std::string to_string(const SidecarParameters& it) {
    return line("interception mode", it.mode == Interception::tproxy ? "TPROXY" : "REDIRECT") +
           line("outbound networks",
                all_or(it.outbound.all, it.outbound.prefixes) + but(it.outbound_not)) +
           line("outbound ports, always",
                all_or(it.outbound_always.all, it.outbound_always.ranges)) +
           line("outbound ports, never", listed(it.outbound_never)) +
           line("inbound ports",
                all_or(it.inbound.all, it.inbound.ranges) + but(it.inbound_not) + "; never 15008") +
           line("virtual interfaces", listed(it.virtual_interfaces)) +
           line("excluded interfaces", listed(it.excluded_interfaces)) +
           line("the proxy is", "user " + listed(it.users) + ", group " + listed(it.groups)) +
           line("owner groups",
                it.owners.all ? "all" + but(it.owners.groups) : listed(it.owners.groups)) +
           line("loopback", to_string(it.loopback)) +
           line("DNS questions", it.dns ? "to the proxy" : "left alone") +
           line("invalid segments", it.drop_invalid ? "dropped" : "left alone");
}

}  // namespace ambient::desired
