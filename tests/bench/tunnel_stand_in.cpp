// Veth devices instead of Geneve ones, so that everything else can be measured on a kernel without
// Geneve. Only with AMBIENT_BENCH_STAND_IN in the environment; the linker leads the calls here
// (ld(1), --wrap). The stand-in is told as the Geneve device that was asked for, so that the agent
// finds what it wants; nothing can pass it.
#include <cstdlib>
#include <map>
#include <string>
#include <variant>

#include "common/netlink/link_codec.hpp"

namespace ambient::netlink {

Message real_create_link(const model::Link& link) asm(
    "__real__ZN7ambient7netlink11create_linkERKNS_5model4LinkE");
Message stand_in_create_link(const model::Link& link) asm(
    "__wrap__ZN7ambient7netlink11create_linkERKNS_5model4LinkE");
Result<LinkRecord> real_decode_link(const nlmsghdr& message) asm(
    "__real__ZN7ambient7netlink11decode_linkERK8nlmsghdr");
Result<LinkRecord> stand_in_decode_link(const nlmsghdr& message) asm(
    "__wrap__ZN7ambient7netlink11decode_linkERK8nlmsghdr");

namespace {

// What the stand-ins made by this process stand for, by name.
std::map<std::string, model::LinkKind>& tunnels() {
    static std::map<std::string, model::LinkKind> made;
    return made;
}

}  // namespace

Message stand_in_create_link(const model::Link& link) {
    static const bool wanted = std::getenv("AMBIENT_BENCH_STAND_IN") != nullptr;
    if (!wanted || !std::holds_alternative<model::Geneve>(link.kind)) return real_create_link(link);
    tunnels()[link.name] = link.kind;
    auto stand_in = link;
    stand_in.kind = model::Veth{.peer = link.name + "-end"};
    return real_create_link(stand_in);
}

Result<LinkRecord> stand_in_decode_link(const nlmsghdr& message) {
    auto record = real_decode_link(message);
    if (!record) return record;
    const auto stands_for = tunnels().find(record->link.name);
    if (stands_for != tunnels().end()) record->link.kind = stands_for->second;
    return record;
}

}  // namespace ambient::netlink
