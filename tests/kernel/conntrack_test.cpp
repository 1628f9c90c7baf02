// Connections counted by their mark, against the conntrack program.
#include "common/netlink/conntrack.hpp"

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"

namespace ambient::test {
namespace {

// One connection in the words of `conntrack --load-file`.
std::string line(const std::string& state, const std::string& mark, int port, bool ipv6 = false) {
    const std::string from = ipv6 ? "fd00::1" : "10.0.0.1";
    const std::string to = ipv6 ? "fd00::2" : "10.0.0.2";
    return "-I -p tcp -s " + from + " -d " + to + " --sport " + std::to_string(port) +
           " --dport 80 --state " + state + " --mark " + mark + " --timeout 100\n";
}

TEST_CASE_FIXTURE(Sandbox, "established TCP connections are counted by some bits of their mark") {
    auto conntrack = netlink::Conntrack::open(netns).value();
    const Mark held = Mark::bits(0x210);
    CHECK(conntrack.count(held, 0xc).value().empty());
    std::string lines;
    for (int port = 1; port <= 300; ++port)  // more than one datagram
        lines += line("ESTABLISHED", "0x210", port);
    lines += line("ESTABLISHED", "0x354", 1001);  // 0x100, 0x40 beside
    lines += line("ESTABLISHED", "0x214", 1002, true);
    lines += line("ESTABLISHED", "0x220", 1003);  // not ours
    lines += line("TIME_WAIT", "0x214", 1004);
    const auto made =
        run({"sh", "-c", "printf '%s' \"$0\" | conntrack --load-file /dev/stdin", lines});
    REQUIRE_MESSAGE(made.status == 0, made.output);
    CHECK(conntrack.count(held, 0xc).value() ==
          std::map<std::uint32_t, std::uint64_t>{{0, 300}, {4, 2}});
}

}  // namespace
}  // namespace ambient::test
