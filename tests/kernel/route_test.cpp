#include <sstream>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using model::Route;
using model::RouteScope;
using model::RouteType;

const model::Scope kScope{
    .protocol = kOurs, .strays = true, .routes = {{.table = 100}, {.table = 101}, {.table = 102}}};

// The routes of the contract, on a veth in the place of each device.
const Route kZtunnel4{.table = 100,
                      .destination = prefix("10.244.1.10"),
                      .scope = RouteScope::link,
                      .protocol = kOurs,
                      .link = "zt"};
const Route kPod4{.table = 100,
                  .destination = prefix("10.244.1.11"),
                  .protocol = kOurs,
                  .link = "in",
                  .gateway = ip("192.168.126.2"),
                  .source = ip("10.244.1.1")};
const Route kDefault4{.table = 101,
                      .destination = prefix("0.0.0.0/0"),
                      .protocol = kOurs,
                      .link = "in",
                      .gateway = ip("192.168.126.2")};
const Route kOnlink4{.table = 102,
                     .destination = prefix("0.0.0.0/0"),
                     .protocol = kOurs,
                     .link = "zt",
                     .gateway = ip("10.244.1.10"),
                     .onlink = true};
const Route kLocal4{.table = 100,
                    .destination = prefix("0.0.0.0/0"),
                    .type = RouteType::local,
                    .scope = RouteScope::host,
                    .protocol = kOurs,
                    .link = "lo"};
const Route kZtunnel6{.table = 100,
                      .destination = prefix("fd00:10:244:1::10"),
                      .metric = 1024,
                      .protocol = kOurs,
                      .link = "zt"};
const Route kPod6{.table = 100,
                  .destination = prefix("fd00:10:244:1::11"),
                  .metric = 1024,
                  .protocol = kOurs,
                  .link = "in",
                  .gateway = ip("fd00:126::2"),
                  .source = ip("fd00:10:244:1::1")};
const Route kOnlink6{.table = 102,
                     .destination = prefix("::/0"),
                     .metric = 1024,
                     .protocol = kOurs,
                     .link = "zt",
                     .gateway = ip("fd00:10:244:1::10"),
                     .onlink = true};
const Route kLocal6{.table = 100,
                    .destination = prefix("::/0"),
                    .metric = 1024,
                    .type = RouteType::local,
                    .protocol = kOurs,
                    .link = "lo"};

struct RouteSandbox : Sandbox {
    RouteSandbox() {
        for (const std::string name : {"in", "zt"}) {
            must_run("ip link add " + name + " type veth peer name " + name + "-peer");
            must_run("ip link set " + name + " up");
            must_run("ip link set " + name + "-peer up");
        }
        must_run("ip addr add 192.168.126.1/30 dev in");
        must_run("ip addr add fd00:126::1/126 dev in nodad");
        must_run("ip addr add 10.244.1.1/32 dev zt");
        must_run("ip addr add fd00:10:244:1::1/128 dev zt nodad");
    }
    std::vector<Route> routes(const model::Scope& scope = kScope) { return observe(scope).routes; }
};

TEST_CASE_FIXTURE(RouteSandbox, "each shape of route in the contract is read back as it was put") {
    for (const auto& route :
         {kZtunnel4, kPod4, kDefault4, kOnlink4, kLocal4, kZtunnel6, kPod6, kOnlink6, kLocal6}) {
        CAPTURE(to_string(route.destination));
        CAPTURE(route.table);
        apply({plan::PutRoute{route}});
        CHECK(routes() == std::vector{route});
        apply({plan::DeleteRoute{route}});
        CHECK(routes().empty());
    }
}

TEST_CASE_FIXTURE(RouteSandbox, "ip sees the same routes") {
    apply({plan::PutRoute{kPod4}, plan::PutRoute{kOnlink4}, plan::PutRoute{kPod6},
           plan::PutRoute{kLocal6}});
    const auto pod = ip_json("route show table 100")[0];
    CHECK(pod["dst"] == "10.244.1.11");
    CHECK(pod["gateway"] == "192.168.126.2");
    CHECK(pod["dev"] == "in");
    CHECK(pod["prefsrc"] == "10.244.1.1");
    CHECK(pod["protocol"] == "122");
    CHECK(ip_json("route show table 102")[0]["flags"][0] == "onlink");
    const auto six = ip_json("-6 route show table 100");
    CHECK(six[0]["dst"] == "fd00:10:244:1::11");
    CHECK(six[0]["metric"] == 1024);
    CHECK(six[1]["dst"] == "default");
    CHECK(six[1]["type"] == "local");
}

TEST_CASE_FIXTURE(RouteSandbox, "all of them together, sorted") {
    std::vector all{kZtunnel4, kPod4, kDefault4, kOnlink4, kZtunnel6, kPod6, kOnlink6};
    model::NetnsState expected{.routes = all};
    model::sort(expected);
    for (const auto& route : all)
        apply({plan::PutRoute{route}});
    CHECK(routes() == expected.routes);
}

TEST_CASE_FIXTURE(RouteSandbox, "putting a route of the same key replaces it, in either family") {
    for (const auto& [first, device] : {std::pair{kPod4, kZtunnel4}, {kPod6, kZtunnel6}}) {
        CAPTURE(to_string(first.destination));
        auto other = first;
        other.source.reset();
        auto by_device = device;  // from a gateway to none, and back
        by_device.destination = first.destination;
        for (const auto& route : {first, other, by_device, first}) {
            apply({plan::PutRoute{route}});
            CHECK(routes() == std::vector{route});
        }
        apply({plan::DeleteRoute{first}});
    }
}

TEST_CASE_FIXTURE(RouteSandbox, "a metric is part of the key") {
    auto worse = kPod4;
    worse.metric = 50;
    apply({plan::PutRoute{kPod4}, plan::PutRoute{worse}});
    CHECK(routes() == std::vector{kPod4, worse});
    apply({plan::DeleteRoute{worse}});
    CHECK(routes() == std::vector{kPod4});
}

TEST_CASE_FIXTURE(RouteSandbox, "a table number above 255 is kept") {
    auto route = kPod4;
    route.table = 100000;
    apply({plan::PutRoute{route}});
    CHECK(routes() == std::vector{route});
}

TEST_CASE_FIXTURE(RouteSandbox,
                  "in scope: other makers' routes in our tables, ours in any table, no others") {
    must_run("ip route add 10.244.1.77 dev zt table 100 proto static");
    must_run("ip route add 10.244.1.78 dev zt table main proto static");
    must_run("ip route add 10.244.1.79 dev zt table 77 proto 122");
    const auto found = routes();
    REQUIRE(found.size() == 2);
    CHECK(found[0] == Route{.table = 77,
                            .destination = prefix("10.244.1.79"),
                            .scope = RouteScope::link,
                            .protocol = kOurs,
                            .link = "zt"});
    CHECK(found[1] == Route{.table = 100,
                            .destination = prefix("10.244.1.77"),
                            .scope = RouteScope::link,
                            .protocol = 4,
                            .link = "zt"});
}

TEST_CASE_FIXTURE(RouteSandbox,
                  "what the model cannot say is beyond it, and can be deleted when it is ours") {
    for (const std::string what :
         {"10.1.1.1 nexthop via 192.168.126.2 dev in nexthop dev zt", "blackhole 10.1.1.1",
          "prohibit 10.1.1.1", "10.1.1.1 dev zt mtu 1300", "10.1.1.1 via inet6 fd00:126::2 dev in",
          "fd00::5 nexthop via fd00:126::2 dev in nexthop via fd00:126::3 dev in",
          "prohibit fd00::5"}) {
        CAPTURE(what);
        must_run("ip route add table 100 proto 122 " + what);
        const auto found = routes();
        REQUIRE(found.size() == 1);
        CHECK_FALSE(found[0].beyond_model.empty());
        apply({plan::DeleteRoute{found[0]}});
        CHECK(routes().empty());
    }
}

TEST_CASE_FIXTURE(RouteSandbox, "ours of another type of service or scope are deleted too") {
    must_run("ip route add 10.1.1.1 dev zt table 100 proto 122");
    const auto plain = routes();
    for (const std::string what : {"10.1.1.1 tos 0x10 dev zt", "default tos 0x08 dev zt",
                                   "10.1.1.2 dev zt scope 210", "10.1.1.3 dev zt scope host"}) {
        CAPTURE(what);
        must_run("ip route add table 100 proto 122 " + what);
        auto other = routes();
        REQUIRE(other.size() == 2);
        std::erase(other, plain.at(0));
        apply({plan::DeleteRoute{other.at(0)}});
        CHECK(routes() == plain);
    }
}

// What `ip route show` prints of the only route, with one blank between words.
std::string shown_by_ip(const std::string& family) {
    std::istringstream words(must_run("ip " + family + " route show table 100"));
    std::string text;
    for (std::string word; words >> word;) {
        if (word != "pref" && word != "medium") text += " " + word;
    }
    return text;
}

TEST_CASE_FIXTURE(RouteSandbox, "what is beyond the model is kept in ip's own words") {
    for (const std::string what :
         {"10.1.1.1 nexthop via 192.168.126.2 dev in nexthop dev zt weight 3",
          "blackhole 10.1.1.1 metric 5", "prohibit default", "10.1.1.1 dev zt mtu 1300",
          "10.1.1.1 via inet6 fd00:126::2 dev in", "10.1.1.0/24 tos 0x10 dev zt scope 210",
          "fd00::5 nexthop via fd00:126::2 dev in nexthop via fd00:126::3 dev in"}) {
        CAPTURE(what);
        must_run("ip route add table 100 proto 122 " + what);
        const auto found = routes();
        REQUIRE(found.size() == 1);
        auto text = " " + found[0].beyond_model;
        const std::string table = " table 100";  // which ip leaves out when it is asked for one
        text.replace(text.find(table), table.size(), "");
        CHECK(text == shown_by_ip(what.starts_with("fd") ? "-6" : "-4"));
        apply({plan::DeleteRoute{found[0]}});
    }
}

TEST_CASE_FIXTURE(RouteSandbox, "our own route does not hide behind another's of the same key") {
    apply({plan::PutRoute{kZtunnel4}});
    must_run("ip route append 10.244.1.10 dev in table 100 proto static");
    CHECK(routes() == std::vector{kZtunnel4});  // the second one is never used
}

TEST_CASE_FIXTURE(RouteSandbox,
                  "a refusal carries errno, the kernel's words, the route and the namespace") {
    auto lost = kPod4;
    lost.gateway = ip("172.31.0.1");
    const auto error = refused(plan::PutRoute{lost});
    CHECK(error.errno_value == ENETUNREACH);
    CHECK(error.kernel_text == "Nexthop has invalid gateway");
    CHECK(error.object.find("10.244.1.11") != std::string::npos);
    CHECK(error.netns == kernel.netns().name());
    auto no_link = kPod4;
    no_link.link = "nothere";
    CHECK(refused(plan::PutRoute{no_link}).kind == ErrorKind::not_found);
}

TEST_CASE_FIXTURE(RouteSandbox,
                  "deleting a route twice, or with its link or table gone, is success") {
    apply({plan::PutRoute{kPod4}, plan::PutRoute{kPod6}, plan::DeleteRoute{kPod4},
           plan::DeleteRoute{kPod6}});
    apply({plan::DeleteRoute{kPod4}, plan::DeleteRoute{kPod6}});
    must_run("ip link del in");
    apply({plan::DeleteRoute{kPod4}, plan::DeleteRoute{kPod6}});
}

TEST_CASE_FIXTURE(RouteSandbox,
                  "deleting ours leaves another maker's route of the same destination") {
    must_run("ip route add 10.244.1.11 via 192.168.126.2 dev in table 100 proto static");
    apply({plan::DeleteRoute{kPod4}});
    CHECK(routes().size() == 1);
}

TEST_CASE_FIXTURE(RouteSandbox, "a thousand routes are read in one go") {
    for (int i = 0; i < 1000; ++i) {
        auto route = kPod4;
        route.destination = Prefix::host(IpAddress::v4(10, 1, static_cast<std::uint8_t>(i / 250),
                                                       static_cast<std::uint8_t>(i % 250)));
        apply({plan::PutRoute{route}});
    }
    CHECK(routes().size() == 1000);
}

}  // namespace
}  // namespace ambient::test
