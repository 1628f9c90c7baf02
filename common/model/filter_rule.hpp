// The rule language of the packet filter: typed matches and actions, free of any backend. A rule
// applies its actions in order when all its matches hold. Only what the datapath needs is here.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/net/ip_address.hpp"
#include "common/net/mark.hpp"

namespace ambient::model {

enum class Direction : std::uint8_t { source, destination };

// ---- matches; `negate` turns one around ----

struct InInterface {
    std::string name;
    bool negate = false;
    auto operator<=>(const InInterface&) const = default;
};
struct OutInterface {
    std::string name;
    bool negate = false;
    auto operator<=>(const OutInterface&) const = default;
};
struct IsFamily {
    Family family = Family::ipv4;
    auto operator<=>(const IsFamily&) const = default;
};
// IP protocol number of the transport header (IPPROTO_TCP is 6, IPPROTO_UDP is 17).
struct Protocol {
    std::uint8_t number = 0;
    bool negate = false;
    auto operator<=>(const Protocol&) const = default;
};
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
// [first, last]; a Protocol match for TCP or UDP must stand before it in the rule.
struct Port {
    Direction direction = Direction::destination;
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    bool negate = false;
    auto operator<=>(const Port&) const = default;
};
// Implies the prefix's family, also when negated: "an IPv4 packet whose source is not in ...".
struct Address {
    Direction direction = Direction::source;
    Prefix prefix;
    bool negate = false;
    auto operator<=>(const Address&) const = default;
};
// Membership in a named set of addresses or prefixes of the same table; implies the family.
struct InSet {
    Direction direction = Direction::source;
    Family family = Family::ipv4;
    std::string set;
    bool negate = false;
    auto operator<=>(const InSet&) const = default;
};
// By which device it came in (source), or goes out.
struct InterfaceInSet {
    Direction direction = Direction::source;
    std::string set;
    bool negate = false;
    auto operator<=>(const InterfaceInSet&) const = default;
};
// As Port.
struct PortInSet {
    Direction direction = Direction::destination;
    std::string set;
    bool negate = false;
    auto operator<=>(const PortInSet&) const = default;
};
// Address and port of one end; as Port, and implies the family.
struct EndpointInSet {
    Direction direction = Direction::destination;
    Family family = Family::ipv4;
    std::string set;
    bool negate = false;
    auto operator<=>(const EndpointInSet&) const = default;
};
// mark & mask == value
struct MarkIs {
    Mark mark;
    bool negate = false;
    auto operator<=>(const MarkIs&) const = default;
};
struct CtMarkIs {
    Mark mark;
    bool negate = false;
    auto operator<=>(const CtMarkIs&) const = default;
};
// Bits of enum ip_conntrack_info as nft_ct spells them (NF_CT_STATE_BIT): invalid 1, established 2,
// related 4, new 8.
struct CtStateIn {
    std::uint32_t states = 0;
    auto operator<=>(const CtStateIn&) const = default;
};
inline constexpr std::uint32_t kCtInvalid = 1;
inline constexpr std::uint32_t kCtEstablished = 2;
inline constexpr std::uint32_t kCtRelated = 4;
inline constexpr std::uint32_t kCtNew = 8;
// Owner of the sending socket, [first, last]; in output chains only.
struct SocketUser {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool negate = false;
    auto operator<=>(const SocketUser&) const = default;
};
struct SocketGroup {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool negate = false;
    auto operator<=>(const SocketGroup&) const = default;
};

// A socket of this namespace takes the packet, and is transparent (IP_TRANSPARENT) or not; neither
// holds when there is none. In prerouting, input and output only (net/netfilter/nft_socket.c,
// nft_socket_validate).
struct HasSocket {
    bool transparent = true;
    auto operator<=>(const HasSocket&) const = default;
};

using Match = std::variant<InInterface, OutInterface, IsFamily, Protocol, Port, Address, InSet,
                           InterfaceInSet, PortInSet, EndpointInSet, MarkIs, CtMarkIs, CtStateIn,
                           SocketUser, SocketGroup, HasSocket>;

// ---- actions ----

struct Counter {
    auto operator<=>(const Counter&) const = default;
};
struct Log {
    std::string prefix;
    auto operator<=>(const Log&) const = default;
};
// mark = (mark & ~mask) | value: other agents' bits survive.
struct SetMark {
    Mark mark;
    auto operator<=>(const SetMark&) const = default;
};
struct SetCtMark {
    Mark mark;
    auto operator<=>(const SetCtMark&) const = default;
};
// Copy the whole packet mark into the connection, or back. A masked copy is not one expression in
// nftables before a bitwise operation with two registers (Linux 6.13); write constant bits with
// SetCtMark instead.
struct SaveMark {
    auto operator<=>(const SaveMark&) const = default;
};
struct RestoreMark {
    auto operator<=>(const RestoreMark&) const = default;
};
// The connection is looked up, and made, among those of this zone only. Before conntrack sees the
// packet (priority raw); of several the first counts (net/netfilter/nft_ct.c,
// nft_ct_set_zone_eval).
struct SetCtZone {
    std::uint16_t zone = 0;
    auto operator<=>(const SetCtZone&) const = default;
};
// Hand to a transparent socket; the packet goes on when there is none, so a Drop must follow
// (CONTRACT U12).
struct Tproxy {
    IpAddress address;
    std::uint16_t port = 0;
    auto operator<=>(const Tproxy&) const = default;
};
struct Redirect {
    std::uint16_t port = 0;
    auto operator<=>(const Redirect&) const = default;
};
struct Dnat {
    IpAddress address;
    std::optional<std::uint16_t> port;
    auto operator<=>(const Dnat&) const = default;
};
struct Snat {
    IpAddress address;
    std::optional<std::uint16_t> port;
    auto operator<=>(const Snat&) const = default;
};
// Translate to what the packet already has: later nat chains at the hook then see the mapping as
// made (CONTRACT U6).
struct KeepDestination {
    Family family = Family::ipv4;
    auto operator<=>(const KeepDestination&) const = default;
};
struct KeepSource {
    Family family = Family::ipv4;
    auto operator<=>(const KeepSource&) const = default;
};
// The source becomes the packet's destination: a connection of the destination to itself.
struct SourceFromDestination {
    Family family = Family::ipv4;
    auto operator<=>(const SourceFromDestination&) const = default;
};
struct Accept {
    auto operator<=>(const Accept&) const = default;
};
struct Drop {
    auto operator<=>(const Drop&) const = default;
};
// Drop, and answer the sender with a TCP reset in the name of whom it meant; a match for TCP must
// stand before it. Never to a reset (net/ipv4/netfilter/nf_reject_ipv4.c, nf_reject_ip_tcphdr_get).
struct Reset {
    auto operator<=>(const Reset&) const = default;
};
struct Return {
    auto operator<=>(const Return&) const = default;
};
struct Jump {
    std::string chain;
    auto operator<=>(const Jump&) const = default;
};

using Action = std::variant<Counter, Log, SetMark, SetCtMark, SaveMark, RestoreMark, SetCtZone,
                            Tproxy, Redirect, Dnat, Snat, KeepDestination, KeepSource,
                            SourceFromDestination, Accept, Drop, Reset, Return, Jump>;

// A rule that was read from the kernel and cannot be said in this language has `beyond_model` set,
// and equals nothing that we want.
struct FilterRule {
    std::vector<Match> matches;
    std::vector<Action> actions;
    bool beyond_model = false;

    auto operator<=>(const FilterRule&) const = default;
};

}  // namespace ambient::model
