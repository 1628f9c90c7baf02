#include "common/desired/node_filter.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "common/desired/parts.hpp"

namespace ambient::desired {
namespace {

using namespace model;

// What comes from the ztunnel of a lane, or from one that has none.
std::string from_chain(const std::optional<Lane>& lane) {
    return lane ? "from_lane" + std::to_string(*lane) : "from_no_lane";
}

std::vector<Lane> lanes_in_use(const NodeFacts& facts) {
    std::vector<Lane> lanes;
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        if (ztunnel.lane) lanes.push_back(*ztunnel.lane);
    }
    std::ranges::sort(lanes);
    return lanes;
}

// In conntrack, of what the lane's ztunnel holds in others' names.
CtMarkIs held(const Marks& marks, Lane lane) {
    return {in_lane(marks, marks.original_source, lane)};
}

InSet in_choice(const Datapath& datapath, Direction direction, Family family,
                WithoutZtunnel choice) {
    return {.direction = direction,
            .family = family,
            .set = choice_set(datapath.filter, family, choice)};
}

InSet in_pods(const Datapath& datapath, Direction direction, Family family) {
    return {.direction = direction, .family = family, .set = pods_set(datapath.filter, family)};
}

// Remembered of every connection that we lead to a ztunnel, from its first packet on. What a
// ztunnel answers when it has left the filter is not remembered as a ztunnel's (0x210), and must
// not make the connection one that was there before us.
SetCtMark taken(const Marks& marks) { return {marks.outbound}; }

// Before anybody checks senders (Calico does in raw): what a ztunnel sends in others' names is
// known as such from the start (CONTRACT U17).
FilterChain senders(const Datapath& datapath, const NodeFacts& facts) {
    const Marks& marks = datapath.marks;
    FilterChain chain{.name = "senders",
                      .hook = ChainHook{ChainType::filter, Hook::prerouting, kRaw - 10},
                      .rules = {}};
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        if (!ztunnel.lane) continue;
        const Mark mark = in_lane(marks, marks.original_source, *ztunnel.lane);
        for (const IpAddress& address : ztunnel.addresses) {
            const Address other{
                .direction = Direction::source, .prefix = Prefix::host(address), .negate = true};
            add_rule(chain, {InInterface{ztunnel.host_link}, other},
                     {Counter{}, SetMark{arriving(marks, mark)}});
        }
    }
    return chain;
}

// Behind everybody's checks of senders (firewalld's stand at priority 10): from here on a mark
// leads the packet itself.
FilterChain release(const Datapath& datapath) {
    const Mark& mark = datapath.marks.arriving;
    FilterChain chain{.name = "release",
                      .hook = ChainHook{ChainType::filter, Hook::prerouting, kLast},
                      .rules = {}};
    add_rule(chain, {MarkIs{mark}}, {SetMark{Mark{.value = 0, .mask = mark.mask}}});
    return chain;
}

// While no ztunnel is ready: what passes outside the mesh stays there to its end.
void add_choices(FilterChain& chain, const Datapath& datapath, const NodeFacts& facts,
                 Direction direction, Family family, const std::vector<Match>& also) {
    if (!facts.without_ztunnel) return;
    const Marks& marks = datapath.marks;
    const auto matches = [&](WithoutZtunnel choice) {
        std::vector<Match> all = {Protocol{kTcp}};
        all.insert(all.end(), also.begin(), also.end());
        all.emplace_back(in_choice(datapath, direction, family, choice));
        return all;
    };
    add_rule(chain, matches(WithoutZtunnel::bypass),
             {Counter{}, SetMark{marks.skip}, SetCtMark{marks.skip_connection}, Return{}});
    add_rule(chain, matches(WithoutZtunnel::reset), {Counter{}, Reset{}});
}

// Marks what enters the node: skip what is not for us, lead connections that ztunnel holds back to
// it, capture what enrolled pods open.
FilterChain prerouting(const Datapath& datapath, const NodeFacts& facts,
                       const std::vector<Family>& families) {
    const Marks& marks = datapath.marks;
    const std::vector<Action> skip = {Counter{}, SetMark{marks.skip}, Return{}};
    const std::vector<Action> pass = {Counter{}, Return{}};
    FilterChain chain{.name = "prerouting",
                      .hook = ChainHook{ChainType::filter, Hook::prerouting, kMangle},
                      .rules = {}};
    add_rule(chain, {InInterface{datapath.inbound.node_link}}, skip);
    add_rule(chain, {InInterface{datapath.outbound.node_link}}, skip);
    // The tunnels' own packets.
    add_rule(chain, {Protocol{kUdp}, to_port(datapath.geneve_port)}, pass);
    const auto lead_back = [&](Lane lane) -> std::vector<Action> {
        return {Counter{}, SetMark{arriving(marks, in_lane(marks, marks.to_ztunnel, lane))},
                Return{}};
    };
    // An error about a connection that ztunnel holds in a pod's name is ztunnel's to hear: the pod
    // would not know of it, and ztunnel would go on sending what does not fit the path.
    for (const Lane lane : lanes_in_use(facts))
        add_rule(chain, {CtStateIn{kCtRelated}, held(marks, lane)}, lead_back(lane));
    // Only TCP is captured (U4).
    add_rule(chain, {Protocol{.number = kTcp, .negate = true}}, pass);
    add_rule(chain, {CtMarkIs{marks.skip_connection}}, skip);
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        if (ztunnel.host_link.empty()) continue;
        add_rule(chain, {InInterface{ztunnel.host_link}},
                 {Counter{}, Jump{from_chain(ztunnel.lane)}});
    }
    // From here on nothing comes from a ztunnel: what follows on a connection that ztunnel holds
    // in a pod's name goes to ztunnel, whichever side sent it.
    for (const Lane lane : lanes_in_use(facts))
        add_rule(chain, {held(marks, lane)}, lead_back(lane));
    // Its ztunnel is gone: both sides learn it when they send, instead of waiting for it.
    add_rule(chain, {CtMarkIs{marks.original_source}, Protocol{kTcp}}, {Counter{}, Reset{}});
    // A connection that was made before its pod was enrolled stays as it is.
    const Mark unmarked = {
        .value = 0,
        .mask = marks.skip_connection.mask | marks.original_source.mask | taken(marks).mark.mask};
    add_rule(chain, {CtStateIn{kCtEstablished | kCtRelated}, CtMarkIs{unmarked}}, skip);
    for (const Family family : families) {
        add_choices(chain, datapath, facts, Direction::source, family, {});
        add_rule(chain, {in_pods(datapath, Direction::source, family)},
                 {Counter{}, SetMark{arriving(marks, marks.outbound)}, taken(marks)});
    }
    return chain;
}

// Of a connection of which ztunnel holds both ends.
Mark both_ends(const Marks& marks, Lane lane) {
    return in_lane(marks,
                   {.value = marks.original_source.value | marks.to_ztunnel.value,
                    .mask = marks.original_source.mask | marks.to_ztunnel.mask},
                   lane);
}

// A tunnel from an enrolled pod of this node to another one, or to itself: from 1.22 on, ztunnel
// hands over nothing by itself. It comes back in as one of another node would, by chain `inbound`.
// From then on ztunnel holds both ends, and each is reached by its veth.
void add_own_tunnels(FilterChain& chain, const Datapath& datapath, Lane lane,
                     const std::vector<Family>& families) {
    const Marks& marks = datapath.marks;
    const Mark ours = both_ends(marks, lane);
    for (const Family family : families) {
        // The mark that chain `senders` gave stays: the way back is ztunnel.
        add_rule(chain,
                 {CtStateIn{kCtNew}, Protocol{kTcp}, to_port(datapath.ports.inbound_hbone),
                  in_pods(datapath, Direction::destination, family)},
                 {Counter{}, SetCtMark{ours}, Accept{}});
    }
    add_rule(
        chain, {CtMarkIs{ours}},
        {Counter{}, SetMark{arriving(marks, in_lane(marks, marks.to_ztunnel, lane))}, Accept{}});
}

// Ztunnel's own connections are not for us (F12); those that it opens or answers in a pod's name
// are remembered, so that their other direction finds this ztunnel.
FilterChain from_ztunnel(const Datapath& datapath, const NodeFacts& facts,
                         const std::optional<Lane>& lane, const std::vector<Family>& families) {
    const Marks& marks = datapath.marks;
    FilterChain chain{.name = from_chain(lane), .rules = {}};
    if (lane) add_own_tunnels(chain, datapath, *lane, families);
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        if (ztunnel.lane != lane) continue;
        for (const IpAddress& address : ztunnel.addresses) {
            add_rule(chain,
                     {Address{.direction = Direction::source, .prefix = Prefix::host(address)}},
                     {Counter{}, SetMark{marks.skip_connection}, SetCtMark{marks.skip_connection},
                      Accept{}});
        }
    }
    if (!lane) {
        add_rule(chain, {Protocol{kTcp}}, {Counter{}, Reset{}});
        return chain;
    }
    const Mark own = in_lane(marks, marks.original_source, *lane);
    add_rule(chain, {}, {Counter{}, SetMark{arriving(marks, own)}, SetCtMark{own}, Accept{}});
    return chain;
}

// Before kube-proxy's: ztunnel must see the address that the pod asked for (U6).
FilterChain nat_pre(const Datapath& datapath, const NodeFacts& facts,
                    const std::vector<Family>& families) {
    FilterChain chain{.name = "nat_pre",
                      .hook = ChainHook{ChainType::nat, Hook::prerouting, kDstnat - 10},
                      .rules = {}};
    for (const Family family : families) {
        if (!facts.dns_capture) break;
        const IpAddress ztunnel = *address_of(family, facts.ztunnels.front().addresses);
        if (facts.without_ztunnel) {
            add_rule(chain,
                     {in_choice(datapath, Direction::source, family, WithoutZtunnel::bypass)},
                     {Counter{}, Return{}});
        }
        add_rule(chain,
                 {in_pods(datapath, Direction::source, family), Protocol{kUdp}, to_port(kDnsPort)},
                 {Counter{}, Dnat{.address = ztunnel, .port = datapath.ports.dns}});
    }
    for (const Family family : families) {
        add_rule(chain, {MarkIs{datapath.marks.outbound}}, {Counter{}, KeepDestination{family}});
    }
    return chain;
}

// What goes to an enrolled pod, once kube-proxy has chosen it (CONTRACT U17).
FilterChain inbound(const Datapath& datapath, const NodeFacts& facts,
                    const std::vector<Family>& families) {
    const Marks& marks = datapath.marks;
    const Mark none = {.value = 0,
                       .mask = marks.outbound.mask | marks.skip.mask | marks.to_ztunnel.mask};
    FilterChain chain{.name = "inbound",
                      .hook = ChainHook{ChainType::filter, Hook::prerouting, kDstnat + 10},
                      .rules = {}};
    // Here and no earlier: AWS VPC CNI sets bit 0x80 of what pods send by its own conntrack bit.
    for (const Lane lane : lanes_in_use(facts)) {
        for (const Family family : families) {
            add_rule(chain,
                     {CtStateIn{kCtNew}, CtMarkIs{both_ends(marks, lane)},
                      in_pods(datapath, Direction::destination, family)},
                     {Counter{}, SetMark{arriving(marks, marks.inbound)}});
        }
    }
    for (const Family family : families) {
        add_choices(chain, datapath, facts, Direction::destination, family, {MarkIs{none}});
        add_rule(chain,
                 {Protocol{kTcp}, MarkIs{none}, in_pods(datapath, Direction::destination, family)},
                 {Counter{}, SetMark{arriving(marks, marks.inbound)}, taken(marks)});
    }
    return chain;
}

// What is captured leaves by our devices or not at all: a route or rule of ours that somebody takes
// away costs a retransmission, and not the connection's cover for all its life (CONTRACT U15).
FilterChain guard(const Datapath& datapath, const NodeFacts& facts,
                  const std::vector<Family>& families) {
    const Marks& marks = datapath.marks;
    const std::vector<Action> drop = {Counter{}, Drop{}};
    FilterChain chain{
        .name = "guard", .hook = ChainHook{ChainType::filter, Hook::forward, kMangle}, .rules = {}};
    const Mark none = {.value = 0,
                       .mask = marks.outbound.mask | marks.to_ztunnel.mask | marks.inbound.mask};
    add_rule(chain, {MarkIs{none}}, {Return{}});
    for (const Family family : families) {
        add_rule(chain,
                 {MarkIs{marks.inbound}, in_pods(datapath, Direction::destination, family),
                  OutInterface{.name = datapath.inbound.node_link, .negate = true}},
                 drop);
    }
    add_rule(chain, {OutInterface{datapath.outbound.node_link}}, {Return{}});
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        if (!ztunnel.host_link.empty())
            add_rule(chain, {OutInterface{ztunnel.host_link}}, {Return{}});
    }
    add_rule(chain, {MarkIs{marks.outbound}}, drop);
    add_rule(chain, {MarkIs{marks.to_ztunnel}}, drop);
    return chain;
}

// Before anyone's masquerading: what goes through a tunnel keeps its source (U1).
FilterChain nat_post(const Datapath& datapath, const NodeFacts& facts,
                     const std::vector<Family>& families) {
    FilterChain chain{.name = "nat_post",
                      .hook = ChainHook{ChainType::nat, Hook::postrouting, kSrcnat - 10},
                      .rules = {}};
    for (const Family family : families) {
        add_rule(chain, {MarkIs{datapath.marks.outbound}}, {Counter{}, KeepSource{family}});
    }
    // A pod's tunnel to itself, which ztunnel opens in its own name: it would meet its own address
    // as a sender from outside, which the kernel refuses (net/ipv4/fib_frontend.c,
    // __fib_validate_source).
    const OutInterface inbound{datapath.inbound.node_link};
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        for (const IpAddress& address : ztunnel.addresses) {
            add_rule(
                chain,
                {inbound, Address{.direction = Direction::source, .prefix = Prefix::host(address)}},
                {Counter{}, SourceFromDestination{address.family()}});
        }
    }
    for (const Family family : families) {
        add_rule(chain, {inbound}, {Counter{}, KeepSource{family}});
    }
    return chain;
}

// What the node itself sends, after kube-proxy's translation: to ztunnel on connections that it
// holds, else past it to enrolled pods (U2, U3). ICMPv6 keeps its route: neighbour discovery is
// sent on the device that it asks about.
FilterChain output(const Datapath& datapath, const NodeFacts& facts,
                   const std::vector<Family>& families) {
    const Marks& marks = datapath.marks;
    const std::vector<Action> skip = {Counter{}, SetMark{marks.skip},
                                      SetCtMark{marks.skip_connection}};
    FilterChain chain{.name = "output",
                      .hook = ChainHook{ChainType::route, Hook::output, kDstnat + 10},
                      .rules = {}};
    for (const Lane lane : lanes_in_use(facts)) {
        add_rule(chain, {held(marks, lane)},
                 {Counter{}, SetMark{in_lane(marks, marks.to_ztunnel, lane)}, Accept{}});
    }
    // The resets of a lane without ztunnel, which are its conntrack's, too: nothing of that may be
    // taken for a connection that passes us by.
    add_rule(chain, {CtMarkIs{marks.original_source}}, {Counter{}, Accept{}});
    for (const Family family : families) {
        const InSet to_pods = in_pods(datapath, Direction::destination, family);
        // An error about a connection (the tunnel's smaller MTU, say) is the pod's to hear, and
        // says nothing of how the connection goes on: a mark kept for it would lead it past
        // ztunnel.
        add_rule(chain, {to_pods, CtStateIn{kCtRelated}},
                 {Counter{}, SetMark{marks.skip}, Accept{}});
        if (family == Family::ipv4) {
            add_rule(chain, {to_pods}, skip);
        } else {
            for (const std::uint8_t protocol : {kTcp, kUdp}) {
                add_rule(chain, {to_pods, Protocol{protocol}}, skip);
            }
        }
    }
    return chain;
}

}  // namespace

const std::string& pods_set(const Filter& filter, Family family) {
    return family == Family::ipv4 ? filter.pods4 : filter.pods6;
}

std::string choice_set(const Filter& filter, Family family, WithoutZtunnel choice) {
    return pods_set(filter, family) + "_" +
           std::string(kWithoutZtunnel.at(static_cast<std::size_t>(choice)));
}

std::vector<FilterChain> node_chains(const Datapath& datapath, const NodeFacts& facts,
                                     const std::vector<Family>& families) {
    std::vector<FilterChain> chains = {
        senders(datapath, facts),
        prerouting(datapath, facts, families),
        nat_pre(datapath, facts, families),
        inbound(datapath, facts, families),
        release(datapath),
        guard(datapath, facts, families),
        nat_post(datapath, facts, families),
        output(datapath, facts, families),
    };
    for (const Lane lane : lanes_in_use(facts))
        chains.push_back(from_ztunnel(datapath, facts, lane, families));
    const auto has_none = [](const Ztunnel& ztunnel) { return !ztunnel.lane; };
    if (std::ranges::any_of(facts.ztunnels, has_none))
        chains.push_back(from_ztunnel(datapath, facts, std::nullopt, families));
    return chains;
}

}  // namespace ambient::desired
