#include "common/netlink/monitor.hpp"

#include <poll.h>

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using netlink::Event;
using netlink::EventKind;

bool is_readable(const netlink::Monitor& monitor, int timeout_ms) {
    pollfd poll{.fd = monitor.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, timeout_ms) == 1;
}

struct MonitorSandbox : Sandbox {
    netlink::Monitor monitor = netlink::Monitor::open(netns).value();

    MonitorSandbox() {
        must_run("ip link add va type veth peer name vb");
        must_run("ip link set vb up");
        must_run("ip link set va up");
        events();
    }
    std::vector<Event> events() { return monitor.drain(kernel.port_ids()).value(); }
    // The events of one kind among those that are there. IPv6 makes routes of its own as links come
    // up, in the background: only those of table 100 are given.
    std::vector<Event> events_of(EventKind kind) {
        auto all = events();
        std::erase_if(all, [&](const Event& event) {
            return event.kind != kind || (event.route && event.route->table != 100);
        });
        return all;
    }
};

TEST_CASE("silence: not readable, nothing to drain") {
    const auto untouched = new_netns();
    auto monitor = netlink::Monitor::open(untouched).value();
    CHECK(!is_readable(monitor, 0));
    CHECK(monitor.drain({}).value().empty());
}

TEST_CASE_FIXTURE(MonitorSandbox, "a route of ours and one of another maker are told apart") {
    const model::Route route{.table = 100,
                             .destination = prefix("10.244.1.11"),
                             .scope = model::RouteScope::link,
                             .protocol = kOurs,
                             .link = "va"};
    apply({plan::PutRoute{route}});
    CHECK(is_readable(monitor, 0));
    auto told = events_of(EventKind::route);
    REQUIRE(told.size() == 1);
    CHECK(told[0].own);
    CHECK(told[0].route->table == 100);
    CHECK(told[0].route->destination == prefix("10.244.1.11"));

    must_run("ip route del 10.244.1.11 dev va table 100");
    told = events_of(EventKind::route);
    REQUIRE(told.size() == 1);
    CHECK(!told[0].own);
    CHECK(told[0].route->destination == prefix("10.244.1.11"));
}

TEST_CASE_FIXTURE(MonitorSandbox, "a kernel whose ports are asked for late is known by them") {
    auto late = LinuxKernel::open(netns).value();
    const model::Route route{.table = 100,
                             .destination = prefix("10.244.1.11"),
                             .scope = model::RouteScope::link,
                             .protocol = kOurs,
                             .link = "va"};
    REQUIRE(late.apply({plan::PutRoute{route}}));
    const auto told = monitor.drain(late.port_ids()).value();
    REQUIRE(told.size() == 1);
    CHECK(told[0].own);
}

TEST_CASE_FIXTURE(MonitorSandbox, "links are told by name, when they go too") {
    must_run("ip link add istioin type bridge");
    CHECK(events_of(EventKind::link).at(0).link == "istioin");
    must_run("ip link del istioin");
    CHECK(events_of(EventKind::link).at(0).link == "istioin");
}

TEST_CASE_FIXTURE(MonitorSandbox, "addresses and rules of both families") {
    must_run("ip addr add 10.0.0.1/24 dev va");
    must_run("ip addr add fd00:1::1/64 dev va nodad");
    // IPv6 addresses are told by a worker of the kernel, a moment later (net/ipv6/addrconf.c,
    // addrconf_dad_work).
    auto addresses = events_of(EventKind::address);
    while (addresses.size() < 2 && is_readable(monitor, 2000)) {
        std::ranges::move(events_of(EventKind::address), std::back_inserter(addresses));
    }
    CHECK(addresses.size() == 2);
    must_run("ip -4 rule add priority 103 lookup 100");
    must_run("ip -6 rule add priority 103 lookup 100");
    const auto told = events_of(EventKind::rule);
    REQUIRE(told.size() == 2);
    CHECK(!told[0].own);
    apply({plan::AddRule{{.priority = 104, .table = 100, .protocol = kOurs}}});
    CHECK(events_of(EventKind::rule).at(0).own);
}

TEST_CASE_FIXTURE(MonitorSandbox, "a device's reverse-path filter, and no other setting of it") {
    must_run("sysctl -qw net.ipv4.conf.va.forwarding=1 net.ipv4.conf.all.rp_filter=1");
    CHECK(events_of(EventKind::rp_filter).empty());
    must_run("sysctl -qw net.ipv4.conf.va.rp_filter=1");
    const auto told = events_of(EventKind::rp_filter);
    REQUIRE(told.size() == 1);
    CHECK(told[0].link_index == ip_json("link show dev va")[0]["ifindex"]);
}

TEST_CASE_FIXTURE(MonitorSandbox, "a change of the packet filter names its table") {
    must_run("nft add table inet ambient");
    const auto told = events_of(EventKind::filter);
    REQUIRE(told.size() == 1);
    CHECK(told[0].filter.table == model::TableId{.name = "ambient"});
    CHECK(!told[0].own);
    must_run("nft add table ip other");
    CHECK(events_of(EventKind::filter).empty());
}

TEST_CASE_FIXTURE(MonitorSandbox, "an element tells its address") {
    must_run("nft add table inet ambient");
    must_run("nft add set inet ambient pods4 { type ipv4_addr ; }");
    events();
    must_run("nft add element inet ambient pods4 { 10.244.1.11 }");
    const auto told = events_of(EventKind::filter);
    REQUIRE(told.size() == 1);
    CHECK(told[0].filter.addresses == std::vector{ip("10.244.1.11")});
}

TEST_CASE_FIXTURE(MonitorSandbox, "lost events are one event: look at everything") {
    monitor = netlink::Monitor::open(netns, 4096).value();
    const model::PolicyRule rule{.priority = 104, .table = 100, .protocol = kOurs};
    for (int i = 0; i < 100; ++i)
        apply({plan::AddRule{rule}, plan::DeleteRule{rule}});
    CHECK(events_of(EventKind::overrun).size() == 1);
    apply({plan::AddRule{rule}});
    CHECK(events_of(EventKind::rule).size() == 1);  // and it goes on
}

}  // namespace
}  // namespace ambient::test
