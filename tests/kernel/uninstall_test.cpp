// What uninstall takes away and what it must leave, on a node without an agent.
#include "node-agent/leave/uninstall.hpp"

#include <unistd.h>

#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"

namespace ambient::test {
namespace {

struct Installed : Sandbox {
    config::AgentConfig config;

    Installed() {
        const auto folder = std::filesystem::temp_directory_path() /
                            ("ambient-uninstall-" + std::to_string(::getpid()));
        config.state_dir = folder;
        config.socket = folder / "agent.sock";
        config.install.cni_bin_dir = folder;
        config.install.cni_conf_dir = folder;
        must_run("ip link set lo up");
        must_run("ip addr add 10.244.1.1/32 dev lo");
        must_run("ip link add h10 type veth peer name p10");
        must_run("ip link set h10 up");
        must_run("ip route add 10.244.1.10 dev h10 src 10.244.1.1");
        // As the agent lends it (CONTRACT U17).
        must_run("ip addr add 10.244.1.1/32 scope host dev h10");
    }

    static bool has_route() {
        return must_run("ip route show 10.244.1.10").find("h10") != std::string::npos;
    }
    static bool is_lent() {
        return must_run("ip -4 addr show dev h10").find("scope host") != std::string::npos;
    }
    void uninstall() {
        const auto done = agent::uninstall(config, {});
        if (!done) FAIL(describe(done.error()));
    }
};

// With a device's last IPv4 address the kernel takes all routes by it (net/ipv4/fib_frontend.c,
// fib_inetaddr_event): the main CNI's to the ztunnel, too.
TEST_CASE("the ztunnel is reached after an uninstall") {
    Installed node;
    node.uninstall();
    CHECK(Installed::has_route());
}

TEST_CASE("where the device has an address of its own by now, ours goes") {
    Installed node;
    must_run("ip addr add 10.244.1.254/32 dev h10");
    node.uninstall();
    CHECK(Installed::has_route());
    CHECK_FALSE(Installed::is_lent());
}

}  // namespace
}  // namespace ambient::test
