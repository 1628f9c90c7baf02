// Where the running kernel has no geneve, --test-suite-exclude=geneve leaves these out.
#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using model::Geneve;
using model::Link;

Link geneve(std::string_view remote) {
    return {.name = "istioin",
            .kind = Geneve{.vni = 1000, .remote = ip(remote), .udp_port = 6081},
            .up = true,
            .mac = mac("02:00:00:00:10:00"),
            .mtu = 1450};
}

struct GeneveSandbox : Sandbox {
    Link found() { return observe({.links = {"istioin"}}).links.at(0); }
    static nlohmann::json said() { return ip_json("link show dev istioin")[0]; }
};

TEST_SUITE_BEGIN("geneve");

TEST_CASE_FIXTURE(GeneveSandbox, "a Geneve device is created and read back as it was wanted") {
    for (const auto* remote : {"10.244.1.10", "fd00:10:244:1::10"}) {
        CAPTURE(remote);
        apply({plan::CreateLink{geneve(remote)}});
        CHECK(found() == geneve(remote));
        const auto data = said()["linkinfo"]["info_data"];
        CHECK(said()["linkinfo"]["info_kind"] == "geneve");
        CHECK(data["id"] == 1000);
        CHECK(data["port"] == 6081);
        CHECK(data[ip(remote).family() == Family::ipv4 ? "remote" : "remote6"] == remote);
        apply({plan::DeleteLink{geneve(remote)}});
    }
}

TEST_CASE_FIXTURE(GeneveSandbox, "one that somebody renamed is taken over") {
    const auto wanted = geneve("10.244.1.10");
    apply({plan::CreateLink{wanted}});
    const auto index = said()["ifindex"];
    for (const std::string state : {"up", "down"}) {
        CAPTURE(state);
        must_run("ip link set istioin down");  // before Linux 6.2 one that is up keeps its name
        must_run("ip link set istioin name lost mtu 1300");
        must_run("ip link set lost " + state);
        apply({plan::CreateLink{wanted}});
        CHECK(found() == wanted);
        CHECK(said()["ifindex"] == index);
    }
}

TEST_CASE_FIXTURE(GeneveSandbox, "one of another remote is let be") {
    apply({plan::CreateLink{geneve("10.244.1.10")}});
    auto other = geneve("10.244.1.11");
    other.name = "istioout";
    other.mac.reset();
    apply({plan::CreateLink{other}});
    CHECK(found() == geneve("10.244.1.10"));
}

TEST_CASE_FIXTURE(GeneveSandbox, "another UDP port is kept") {
    auto link = geneve("10.244.1.10");
    std::get<Geneve>(link.kind).udp_port = 6082;
    apply({plan::CreateLink{link}});
    CHECK(found() == link);
    CHECK(said()["linkinfo"]["info_data"]["port"] == 6082);
}

TEST_CASE_FIXTURE(GeneveSandbox, "the remote changes in place: same device, same address") {
    for (const auto& [from, to] :
         {std::pair{"10.244.1.10", "10.244.1.20"}, {"fd00::10", "fd00::20"}}) {
        CAPTURE(to);
        Link first{.name = "istioin", .kind = geneve(from).kind, .up = true};
        apply({plan::CreateLink{first}});
        const auto before = found();
        const auto index = said()["ifindex"];
        Link wanted{.name = "istioin", .kind = geneve(to).kind, .up = true};
        apply({plan::ChangeLink{.wanted = wanted, .found = before}});
        auto expected = before;
        expected.kind = wanted.kind;
        CHECK(found() == expected);
        CHECK(said()["ifindex"] == index);
        apply({plan::DeleteLink{wanted}});
    }
}

TEST_CASE_FIXTURE(GeneveSandbox, "everything that changes in place does so at once") {
    apply({plan::CreateLink{geneve("10.244.1.10")}});
    auto wanted = geneve("10.244.1.20");
    wanted.up = false;
    wanted.mac = mac("02:00:00:00:10:01");
    wanted.mtu = 1400;
    apply({plan::ChangeLink{.wanted = wanted, .found = found()}});
    CHECK(found() == wanted);
}

TEST_CASE_FIXTURE(GeneveSandbox,
                  "the kernel refuses another VNI in place, as model::change_needed says") {
    apply({plan::CreateLink{geneve("10.244.1.10")}});
    auto wanted = geneve("10.244.1.10");
    std::get<Geneve>(wanted.kind).vni = 1001;
    CHECK(model::change_needed(wanted, found()) == model::LinkChange::replace);
    const auto error = refused(plan::ChangeLink{.wanted = wanted, .found = found()});
    CHECK(error.kind == ErrorKind::unsupported);
    CHECK(!error.kernel_text.empty());
    CHECK(found() == geneve("10.244.1.10"));
}

TEST_CASE_FIXTURE(GeneveSandbox, "a Geneve device without a remote of its own is foreign") {
    must_run("ip link add istioin type geneve external");
    CHECK(found().kind == model::LinkKind(model::OtherLink{.kind = "geneve external"}));
}

TEST_SUITE_END();

}  // namespace
}  // namespace ambient::test
