// Observing what a few pods have: what is found must be what a whole observation finds for them,
// whichever rules and routes stand around.
#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using model::Route;

struct Pod {
    std::string rule;  // how `ip` leads to the table
    std::string address;
    std::string absent;  // another pod's address
    std::string wider;   // a prefix that holds both
    Route route;
};

const Pod kFour{.rule = "ip -4 rule",
                .address = "10.244.1.11",
                .absent = "10.244.1.12",
                .wider = "10.244.1.0/24",
                .route = {.table = 100,
                          .destination = prefix("10.244.1.11"),
                          .scope = model::RouteScope::link,
                          .protocol = kOurs,
                          .link = "va"}};
const Pod kSix{.rule = "ip -6 rule",
               .address = "fd00:10:244:1::11",
               .absent = "fd00:10:244:1::12",
               .wider = "fd00:10:244:1::/64",
               .route = {.table = 100,
                         .destination = prefix("fd00:10:244:1::11"),
                         .metric = 1024,
                         .protocol = kOurs,
                         .link = "va"}};

struct PodSandbox : Sandbox {
    PodSandbox() {
        must_run("ip link add va type veth peer name vb");
        must_run("ip link set vb up");
        must_run("ip link set va up");
        must_run("ip addr add 10.0.0.1/24 dev va");
        must_run("ip -6 addr add fd00:1::1/64 dev va nodad");
        apply({plan::PutRoute{kFour.route}, plan::PutRoute{kSix.route}});
    }

    // What is found of the present pod and of the absent one.
    std::vector<Route> routes(const Pod& pod) {
        return observe({.protocol = kOurs,
                        .routes = {{.table = 100,
                                    .destinations = {{prefix(pod.address), prefix(pod.absent)}}}}})
            .routes;
    }

    void check_found() {
        for (const auto& pod : {kFour, kSix}) {
            CAPTURE(pod.address);
            CHECK(routes(pod) == std::vector{pod.route});
        }
    }
    static void both(const std::string& what) {
        for (const auto& pod : {kFour, kSix})
            must_run(pod.rule + " " + what);
    }
};

TEST_CASE_FIXTURE(PodSandbox, "with the datapath's rule") {
    both("add priority 100 fwmark 0x200/0x200 goto 32766");
    both("add priority 103 lookup 100");
    check_found();
}

TEST_CASE_FIXTURE(PodSandbox, "without any rule that leads to the table") { check_found(); }

TEST_CASE_FIXTURE(PodSandbox, "with a rule for marked packets only") {
    both("add priority 103 fwmark 0x100/0x100 lookup 100");
    check_found();
}

TEST_CASE_FIXTURE(PodSandbox, "behind another table that has a route to the pod") {
    both("add priority 50 lookup 7");
    both("add priority 103 lookup 100");
    for (const auto& pod : {kFour, kSix})
        must_run("ip route add " + pod.address + " dev va table 7");
    check_found();
}

TEST_CASE_FIXTURE(PodSandbox, "before another table that has routes to both") {
    both("add priority 103 lookup 100");
    for (const auto& pod : {kFour, kSix})
        must_run("ip route add " + pod.wider + " dev va table main");
    check_found();
}

TEST_CASE_FIXTURE(PodSandbox, "behind a rule that refuses") {
    for (const std::string action : {"unreachable", "prohibit", "blackhole"}) {
        CAPTURE(action);
        both("add priority 50 " + action);
        both("add priority 103 lookup 100");
        check_found();
        both("del priority 50");
        both("del priority 103");
    }
}

TEST_CASE_FIXTURE(PodSandbox, "behind a jump over the rule") {
    both("add priority 50 goto 32766");
    both("add priority 103 lookup 100");
    check_found();
}

TEST_CASE_FIXTURE(PodSandbox, "when the pod's address is the node's own") {
    both("add priority 103 lookup 100");
    for (const auto& pod : {kFour, kSix})
        must_run("ip addr add " + pod.address + " dev va");
    check_found();
}

TEST_CASE_FIXTURE(PodSandbox, "a wider route of the table is not the pod's") {
    both("add priority 103 lookup 100");
    for (const auto& pod : {kFour, kSix})
        must_run("ip route add " + pod.wider + " dev va table 100 proto 122");
    check_found();
}

TEST_CASE_FIXTURE(PodSandbox, "a route of another maker is found beside ours") {
    both("add priority 103 lookup 100");
    for (const auto& pod : {kFour, kSix}) {
        auto worse = pod.route;
        worse.metric = 2000;
        apply({plan::DeleteRoute{pod.route}, plan::PutRoute{worse}});
        must_run("ip route add " + pod.address + " dev va table 100 metric 5 proto static");
        const auto found = routes(pod);
        REQUIRE(found.size() == 2);
        CHECK(found[0].protocol == 4);
        CHECK(found[1] == worse);
    }
}

TEST_CASE_FIXTURE(PodSandbox, "a destination that is more than one address") {
    both("add priority 103 lookup 100");
    for (const auto& pod : {kFour, kSix}) {
        must_run("ip route add " + pod.wider + " dev va table 100 proto 122");
        const auto found =
            observe({.routes = {{.table = 100, .destinations = {{prefix(pod.wider)}}}}}).routes;
        REQUIRE(found.size() == 1);
        CHECK(found[0].destination == prefix(pod.wider));
    }
}

TEST_CASE_FIXTURE(PodSandbox, "what is ours elsewhere is found only as a stray") {
    both("add priority 104 lookup 100 protocol 122");
    model::Scope scope{.protocol = kOurs, .routes = {{.table = 101}}, .rule_priorities = {103}};
    CHECK(observe(scope) == model::NetnsState{});
    scope.strays = true;
    CHECK(observe(scope).routes == std::vector{kFour.route, kSix.route});
    CHECK(observe(scope).rules.size() == 2);
}

// More answers than the socket's receive buffer holds.
TEST_CASE_FIXTURE(PodSandbox, "elements of many pods") {
    const model::TableId table{.name = "t"};
    plan::Plan create = {plan::CreateTable{table},
                         plan::CreateSet{table, "pods4", model::SetType::ipv4_address}};
    std::vector<model::SetKey> pods;
    for (int pod = 0; pod < 1000; ++pod) {
        pods.push_back(ip("10.1." + std::to_string(pod / 250) + "." + std::to_string(pod % 250)));
        create.emplace_back(plan::AddElement{table, "pods4", {.key = pods.back()}});
    }
    apply(create);
    const auto state = observe({.filter = {{.table = table, .chains = false, .keys = pods}}});
    REQUIRE(state.tables.size() == 1);
    CHECK(state.tables.front().sets.front().elements.size() == pods.size());
}

}  // namespace
}  // namespace ambient::test
