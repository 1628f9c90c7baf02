#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using model::Link;
using model::Veth;

const Link kVeth{.name = "va",
                 .kind = Veth{.peer = "vb"},
                 .up = true,
                 .mac = mac("02:00:00:00:00:0a"),
                 .mtu = 1400};

std::vector<Link> links(Sandbox& box, std::vector<std::string> names) {
    return box.observe({.links = std::move(names)}).links;
}

TEST_CASE_FIXTURE(Sandbox, "a veth pair is created and read back as it was wanted") {
    apply({plan::CreateLink{kVeth}});
    CHECK(links(*this, {"va"}) == std::vector{kVeth});

    const auto said = ip_json("link show dev va")[0];
    CHECK(said["linkinfo"]["info_kind"] == "veth");
    CHECK(said["link"] == "vb");
    CHECK(said["mtu"] == 1400);
    CHECK(said["address"] == "02:00:00:00:00:0a");
    const auto peer = links(*this, {"vb"}).at(0);
    CHECK(peer.kind == model::LinkKind(Veth{.peer = "va"}));
    CHECK(!peer.up);
}

TEST_CASE_FIXTURE(Sandbox,
                  "a link without wishes gets the kernel's address and mtu, which are then read") {
    apply({plan::CreateLink{{.name = "va", .kind = Veth{.peer = "vb"}}}});
    const auto found = links(*this, {"va"}).at(0);
    CHECK(!found.up);
    CHECK(found.mac == mac(ip_json("link show dev va")[0]["address"].get<std::string>()));
    CHECK(found.mtu == 1500);
}

TEST_CASE_FIXTURE(Sandbox, "a veth whose peer lives elsewhere has no peer name") {
    const auto other = new_netns();
    apply({plan::CreateLink{kVeth}});
    must_run("ip link set vb netns /proc/" + std::to_string(::getpid()) + "/fd/" +
             std::to_string(other.fd()));
    CHECK(std::get<Veth>(links(*this, {"va"}).at(0).kind).peer.empty());
}

TEST_CASE_FIXTURE(Sandbox, "flags, address and mtu change in place") {
    apply({plan::CreateLink{kVeth}});
    const auto index = ip_json("link show dev va")[0]["ifindex"];
    Link wanted = kVeth;
    wanted.up = false;
    wanted.mac = mac("02:00:00:00:00:0c");
    wanted.mtu = 1300;
    apply({plan::ChangeLink{.wanted = wanted, .found = kVeth}});
    CHECK(links(*this, {"va"}) == std::vector{wanted});
    CHECK(ip_json("link show dev va")[0]["ifindex"] == index);
}

TEST_CASE_FIXTURE(Sandbox, "an optional that is absent changes nothing") {
    apply({plan::CreateLink{kVeth}});
    apply({plan::ChangeLink{.wanted = {.name = "va", .kind = Veth{.peer = "vb"}, .up = false},
                            .found = kVeth}});
    auto expected = kVeth;
    expected.up = false;
    CHECK(links(*this, {"va"}) == std::vector{expected});
}

TEST_CASE_FIXTURE(Sandbox, "only the named links are observed, those that exist") {
    apply({plan::CreateLink{kVeth}});
    CHECK(links(*this, {"nothere", "va"}) == std::vector{kVeth});
}

TEST_CASE_FIXTURE(Sandbox, "a link of a foreign kind is observed as that kind") {
    must_run("ip link add istioin type bridge");
    const auto found = links(*this, {"istioin"}).at(0);
    CHECK(found.kind == model::LinkKind(model::OtherLink{.kind = "bridge"}));
    CHECK(links(*this, {"lo"}).at(0).kind == model::LinkKind(model::OtherLink{}));
}

TEST_CASE_FIXTURE(Sandbox, "another name of a link is not its name") {
    apply({plan::CreateLink{kVeth}});
    must_run("ip link property add dev va altname istioin");
    CHECK(links(*this, {"istioin"}).empty());
}

TEST_CASE_FIXTURE(Sandbox, "deleting a link takes its peer along, and twice is success") {
    apply({plan::CreateLink{kVeth}, plan::DeleteLink{kVeth}, plan::DeleteLink{kVeth}});
    CHECK(links(*this, {"va", "vb"}).empty());
}

TEST_CASE_FIXTURE(Sandbox, "creating what exists is refused") {
    apply({plan::CreateLink{kVeth}});
    const auto error = refused(plan::CreateLink{kVeth});
    CHECK(error.kind == ErrorKind::already_exists);
    CHECK(error.errno_value == EEXIST);
    CHECK(error.netns == kernel.netns().name());
}

TEST_CASE_FIXTURE(Sandbox, "a name that is too long is refused in the kernel's words") {
    const auto error = refused(
        plan::CreateLink{{.name = "a-name-of-more-than-fifteen", .kind = Veth{.peer = "vb"}}});
    CHECK(error.errno_value == ERANGE);
    CHECK(!error.kernel_text.empty());
}

}  // namespace
}  // namespace ambient::test
