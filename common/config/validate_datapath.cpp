// Addresses, tables, priorities and marks against each other.
#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/config/validate.hpp"
#include "common/desired/lanes.hpp"

namespace ambient::config {
namespace {

using desired::Datapath;
using desired::Marks;
using desired::Tunnel;

// One family's addresses inside a tunnel.
struct Ends {
    const char* family;
    IpAddress node;
    IpAddress ztunnel;
    int length;
};

Prefix prefix_of(const Ends& ends) { return Prefix::make(ends.node, ends.length).value(); }

std::array<Ends, 2> ends_of(const Tunnel& tunnel) {
    return {Ends{"4", tunnel.node_address4, tunnel.ztunnel_address4, tunnel.prefix_length4},
            Ends{"6", tunnel.node_address6, tunnel.ztunnel_address6, tunnel.prefix_length6}};
}

// IPv4's first and last address of a subnet are not hosts', except in a /31 (RFC 3021).
bool is_reserved(const IpAddress& address, int length) {
    if (address.family() == Family::ipv6 || length >= 31) return false;
    const auto bytes = address.bytes();
    const std::uint32_t value = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                                std::uint32_t{bytes[2]} << 8 | bytes[3];
    const std::uint32_t host_bits = 0xffffffffU >> length;
    return (value & host_bits) == 0 || (value & host_bits) == host_bits;
}

std::optional<Objection> object_to_ends(const std::string& name, const Ends& ends) {
    const std::string field = fmt::format("{}.ztunnel_address{}", name, ends.family);
    if (ends.node == ends.ztunnel) {
        return Objection{field, fmt::format("{} must differ from {}.node_address{}: the tunnel has "
                                            "two ends",
                                            field, name, ends.family)};
    }
    if (!prefix_of(ends).contains(ends.ztunnel)) {
        return Objection{field, fmt::format("{} must be in {}, the node's prefix inside the tunnel",
                                            field, to_string(prefix_of(ends)))};
    }
    for (const IpAddress& address : {ends.node, ends.ztunnel}) {
        if (!is_reserved(address, ends.length)) continue;
        return Objection{field, fmt::format("{} is the first or the last address of {}; take one "
                                            "between them",
                                            to_string(address), to_string(prefix_of(ends)))};
    }
    return std::nullopt;
}

bool overlap(const Prefix& a, const Prefix& b) {
    return a.contains(b.address()) || b.contains(a.address());
}

struct NamedMark {
    const char* field;
    Mark mark;
};

std::optional<Objection> object_to_shared_bits(const NamedMark& a, const NamedMark& b) {
    const std::uint32_t shared = a.mark.mask & b.mark.mask;
    if (shared == 0) return std::nullopt;
    return Objection{b.field, fmt::format("{} and {} share the bits {:#x}; give them bits of their "
                                          "own",
                                          a.field, b.field, shared)};
}

std::optional<Objection> object_to_no_skip(const NamedMark& kept, const Mark& skip) {
    if (skip.matches(kept.mark.value) && (kept.mark.mask & skip.mask) == skip.mask) {
        return std::nullopt;
    }
    return Objection{kept.field, fmt::format("{} must set the bits of datapath.marks.skip ({}): "
                                             "its packets skip our routes",
                                             kept.field, to_string(skip))};
}

// Whether a field that was written with one of them also reads as the other.
std::optional<Objection> object_to_confusion(const NamedMark& a, const NamedMark& b) {
    if (!a.mark.matches(b.mark.value) && !b.mark.matches(a.mark.value)) return std::nullopt;
    return Objection{b.field, fmt::format("{} ({}) and {} ({}) cannot be told apart; let each have "
                                          "a bit that the other has not",
                                          a.field, to_string(a.mark), b.field, to_string(b.mark))};
}

}  // namespace

std::optional<Objection> object_to_tunnels(const Datapath& datapath) {
    const auto inbound = ends_of(datapath.inbound);
    const auto outbound = ends_of(datapath.outbound);
    for (std::size_t i = 0; i < inbound.size(); ++i) {
        if (auto objection = object_to_ends("datapath.inbound", inbound[i])) return objection;
        if (auto objection = object_to_ends("datapath.outbound", outbound[i])) return objection;
        if (overlap(prefix_of(inbound[i]), prefix_of(outbound[i]))) {
            const std::string field =
                fmt::format("datapath.outbound.node_address{}", outbound[i].family);
            return Objection{field, fmt::format("the outbound tunnel's prefix {} overlaps the "
                                                "inbound one's {}",
                                                to_string(prefix_of(outbound[i])),
                                                to_string(prefix_of(inbound[i])))};
        }
    }
    return std::nullopt;
}

std::optional<Objection> object_to_routing(const Datapath& datapath) {
    struct Number {
        std::string field;
        std::uint32_t value;
    };
    const auto& t = datapath.tables;
    // The last one is in another namespace.
    std::vector<Number> tables = {{"inbound", t.inbound}, {"outbound", t.outbound}};
    for (const std::uint32_t table : desired::lane_tables(datapath))
        tables.push_back({table == t.to_ztunnel ? "to_ztunnel" : "lanes", table});
    tables.push_back({"ztunnel_local", t.ztunnel_local});
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const std::string field = "datapath.tables." + tables[i].field;
        // RT_TABLE_DEFAULT, MAIN, LOCAL (linux/rtnetlink.h)
        if (tables[i].value >= 253 && tables[i].value <= 255) {
            return Objection{field,
                             fmt::format("{} must not be {}: 253 to 255 are the kernel's own "
                                         "tables",
                                         field, tables[i].value)};
        }
        for (std::size_t j = 0; j < i && i + 1 < tables.size(); ++j) {
            if (tables[i].value != tables[j].value) continue;
            return Objection{field, fmt::format("datapath.tables.{} and {} are both {}; they must "
                                                "differ",
                                                tables[j].field, field, tables[i].value)};
        }
    }

    const auto& p = datapath.priorities;
    const std::array order = {Number{"outbound", p.outbound}, Number{"to_ztunnel", p.to_ztunnel},
                              Number{"inbound", p.inbound}};
    for (std::size_t i = 1; i < order.size(); ++i) {
        if (order[i - 1].value < order[i].value) continue;
        const std::string field = "datapath.priorities." + order[i].field;
        return Objection{field, fmt::format("{} must be greater than datapath.priorities.{}: the "
                                            "kernel takes rules in this order",
                                            field, order[i - 1].field)};
    }
    if (p.ztunnel_tproxy == p.ztunnel_reply) {
        return Objection{"datapath.priorities.ztunnel_reply",
                         "datapath.priorities.ztunnel_reply and ztunnel_tproxy must differ"};
    }
    return std::nullopt;
}

std::optional<Objection> object_to_marks(const Marks& marks) {
    const NamedMark outbound = {"datapath.marks.outbound", marks.outbound};
    const NamedMark inbound = {"datapath.marks.inbound", marks.inbound};
    const NamedMark skip = {"datapath.marks.skip", marks.skip};
    const NamedMark to_ztunnel = {"datapath.marks.to_ztunnel", marks.to_ztunnel};
    const NamedMark skip_connection = {"datapath.marks.skip_connection", marks.skip_connection};
    const NamedMark arriving = {"datapath.marks.arriving", marks.arriving};
    const NamedMark original_source = {"datapath.marks.original_source", marks.original_source};
    const NamedMark tproxy = {"datapath.marks.tproxy", marks.tproxy};
    const NamedMark original_reply = {"datapath.marks.original_reply", marks.original_reply};

    for (const auto& named : {outbound, inbound, skip, to_ztunnel, skip_connection, arriving,
                              original_source, tproxy, original_reply}) {
        if (named.mark.value != 0) continue;
        return Objection{named.field,
                         fmt::format("{} must not be 0: every packet has that mark", named.field)};
    }
    const NamedMark lanes = {"datapath.marks.lanes", marks.lanes};
    if (marks.lanes.value != 0 || std::popcount(marks.lanes.mask) < 2 ||
        std::popcount(marks.lanes.mask) > 4) {
        return Objection{
            lanes.field,
            fmt::format("{} must be 0/ and a mask of 2 to 4 bits, 0x0/0xc for example: "
                        "lanes are numbered in them",
                        lanes.field)};
    }
    const std::array<std::pair<NamedMark, NamedMark>, 24> apart = {{{outbound, inbound},
                                                                    {outbound, skip},
                                                                    {inbound, skip},
                                                                    {inbound, to_ztunnel},
                                                                    {inbound, skip_connection},
                                                                    {inbound, original_source},
                                                                    {outbound, to_ztunnel},
                                                                    {skip, to_ztunnel},
                                                                    {outbound, skip_connection},
                                                                    {outbound, original_source},
                                                                    {to_ztunnel, skip_connection},
                                                                    {to_ztunnel, original_source},
                                                                    {arriving, outbound},
                                                                    {arriving, inbound},
                                                                    {arriving, skip},
                                                                    {arriving, to_ztunnel},
                                                                    {arriving, original_source},
                                                                    {lanes, outbound},
                                                                    {lanes, inbound},
                                                                    {lanes, skip},
                                                                    {lanes, to_ztunnel},
                                                                    {lanes, arriving},
                                                                    {lanes, skip_connection},
                                                                    {lanes, original_source}}};
    for (const auto& [a, b] : apart) {
        if (auto objection = object_to_shared_bits(a, b)) return objection;
    }
    for (const auto& kept : {skip_connection, original_source}) {
        if (auto objection = object_to_no_skip(kept, marks.skip)) return objection;
    }
    if (auto objection = object_to_confusion(skip_connection, original_source)) return objection;
    return object_to_confusion(tproxy, original_reply);
}

}  // namespace ambient::config
