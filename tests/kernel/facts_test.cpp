#include "common/kernel/facts.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

// A node with one pod: veth "host" here, "eth0" with 10.244.1.10 there.
struct NodeSandbox : Sandbox {
    Netns pod = new_netns();
    Facts facts = Facts::open(netns).value();

    NodeSandbox() {
        must_run("ip link add host type veth peer name eth0");
        must_run("ip link set eth0 netns " + path_of(pod));
        must_run("ip link set host up");
        must_run("ip addr add 10.244.1.1/32 dev host");
        must_run("ip addr add fd00:10:244:1::1/128 dev host nodad");
        must_run("ip route add 10.244.1.10 dev host");
        must_run("ip -6 route add fd00:10:244:1::10 dev host");
        const Inside inside_pod(pod);
        must_run("ip addr add 10.244.1.10/32 dev eth0");
        must_run("ip link set eth0 up");
    }
};

TEST_CASE_FIXTURE(NodeSandbox, "how an address is reached") {
    CHECK(facts.route_to(ip("10.244.1.10")) ==
          Path{.link = "host", .to_veth = true, .table = 254, .source = ip("10.244.1.1")});
    CHECK(facts.route_to(ip("fd00:10:244:1::10"))->value().link == "host");
    CHECK(facts.route_to(ip("10.244.1.1"))->value().link == "lo");
    CHECK(!facts.route_to(ip("10.244.1.1"))->value().to_veth);
    CHECK(facts.route_to(ip("10.9.9.9")) == std::nullopt);
    CHECK(facts.route_to(ip("fd00:9::9")) == std::nullopt);
}

TEST_CASE_FIXTURE(NodeSandbox, "a route that ends a packet leads nowhere") {
    for (const std::string type : {"blackhole", "prohibit", "unreachable"}) {
        CAPTURE(type);
        must_run("ip route replace " + type + " 10.9.9.0/24");
        must_run("ip -6 route replace " + type + " fd00:9::/64");
        CHECK(facts.route_to(ip("10.9.9.9")) == std::nullopt);
        CHECK(facts.route_to(ip("fd00:9::9")) == std::nullopt);
    }
}

TEST_CASE_FIXTURE(NodeSandbox, "a mark leads elsewhere") {
    must_run("ip rule add fwmark 0x100/0x100 lookup 101");
    must_run("ip route add default via 10.244.1.10 dev host onlink table 101");
    CHECK(facts.route_to(ip("10.9.9.9")) == std::nullopt);
    CHECK(facts.route_to(ip("10.9.9.9"), 0x100) == Path{.link = "host",
                                                        .to_veth = true,
                                                        .table = 101,
                                                        .gateway = ip("10.244.1.10"),
                                                        .source = ip("10.244.1.1")});
}

TEST_CASE_FIXTURE(NodeSandbox, "the pod's namespace is found from its address") {
    const auto path = facts.route_to(ip("10.244.1.10"));
    REQUIRE((path && *path));
    const auto peer = facts.peer_of((*path)->link);
    REQUIRE((peer && *peer && (*peer)->nsid));

    // Nobody is in it and it is mounted nowhere: not to be found.
    CHECK(find_netns(facts, *(*peer)->nsid)->has_value() == false);

    const Inside inside_pod(pod);  // now this process is in it
    const auto found = find_netns(facts, *(*peer)->nsid);
    REQUIRE((found && *found));
    CHECK((*found)->id() == pod.id());

    auto inner = Facts::open(**found);
    REQUIRE(inner);
    CHECK(inner->name_of((*peer)->link_index) == "eth0");
    CHECK(inner->addresses_of("eth0").value().at(0).address == ip("10.244.1.10"));
}

TEST_CASE_FIXTURE(NodeSandbox, "a namespace mounted below /run/netns is found by that path") {
    const auto peer = facts.peer_of("host");
    REQUIRE((peer && *peer && (*peer)->nsid));
    const auto path = path_of(pod);
    Result<std::optional<Netns>> found;
    int failed = 0;
    std::thread([&] {  // with a mount namespace of its own, which ends with it
        failed |= ::unshare(CLONE_NEWNS);
        failed |= ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        failed |= ::mount("tmpfs", "/run", "tmpfs", 0, nullptr);
        failed |= ::mkdir("/run/netns", 0755);
        failed |= ::close(::open("/run/netns/stranger", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        failed |= ::close(::open("/run/netns/zt", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        failed |= ::mount(path.c_str(), "/run/netns/zt", nullptr, MS_BIND, nullptr);
        found = find_netns(facts, *(*peer)->nsid);
    })
        .join();
    REQUIRE(failed == 0);
    REQUIRE((found && *found));
    CHECK((*found)->name() == "/run/netns/zt");
    CHECK((*found)->id() == pod.id());
}

TEST_CASE_FIXTURE(NodeSandbox, "peers: in the same namespace, none, no such link") {
    must_run("ip link add va type veth peer name vb");
    must_run("ip link add bridge0 type bridge");
    const auto peer = facts.peer_of("va");
    REQUIRE((peer && *peer));
    CHECK(!(*peer)->nsid);
    CHECK(facts.name_of((*peer)->link_index) == "vb");
    CHECK(facts.peer_of("bridge0") == std::nullopt);
    CHECK(facts.peer_of("nothere") == std::nullopt);
}

TEST_CASE_FIXTURE(NodeSandbox, "addresses of all links, of one, and the link of one") {
    CHECK(facts.addresses_of("host")->size() == 2);
    CHECK(facts.addresses()->size() == 4);  // and two on lo
    CHECK(facts.link_of_address(ip("fd00:10:244:1::1")) == "host");
    CHECK(facts.link_of_address(ip("10.9.9.9")) == std::nullopt);
    CHECK(facts.addresses_of("nothere").error().kind == ErrorKind::not_found);
    CHECK(facts.name_of(9999).error().kind == ErrorKind::not_found);
}

TEST_CASE_FIXTURE(NodeSandbox, "a namespace that is a stranger here has no nsid") {
    CHECK(facts.nsid_of(new_netns()) == std::nullopt);
    CHECK(facts.nsid_of(pod).value() == facts.peer_of("host")->value().nsid);
}

}  // namespace
}  // namespace ambient::test
