#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using model::Sysctl;

const std::string kPath = "net/ipv4/conf/va/rp_filter";

struct SysctlSandbox : Sandbox {
    SysctlSandbox() { must_run("ip link add va type veth peer name vb"); }
    std::vector<Sysctl> sysctls(std::vector<std::string> paths) {
        return observe({.sysctls = std::move(paths)}).sysctls;
    }
};

TEST_CASE_FIXTURE(SysctlSandbox, "a sysctl is written and read back") {
    for (const std::string value : {"2", "0", "1"}) {
        apply({plan::SetSysctl{{.path = kPath, .value = value}}});
        CHECK(sysctls({kPath}) == std::vector{Sysctl{.path = kPath, .value = value}});
        CHECK(must_run("cat /proc/sys/" + kPath) == value + "\n");
    }
}

TEST_CASE_FIXTURE(SysctlSandbox,
                  "the namespace of the kernel object counts, not that of the calling thread") {
    const auto other = new_netns();
    const Inside elsewhere(other);
    CHECK(must_run("ip -json link show dev lo").find("va") == std::string::npos);
    apply({plan::SetSysctl{{.path = kPath, .value = "2"}}});
    CHECK(sysctls({kPath, "net/ipv4/ip_forward"}).size() == 2);
    CHECK(sysctls({kPath}).at(0).value == "2");
}

TEST_CASE_FIXTURE(SysctlSandbox,
                  "a path that does not exist is left out, writing it is not_found") {
    for (const std::string path :
         {"net/ipv4/conf/nothere/rp_filter", "net/nothere/x", "net/nothere"})
        CHECK(sysctls({path}).empty());
    const auto error =
        refused(plan::SetSysctl{{.path = "net/ipv4/conf/nothere/rp_filter", .value = "2"}});
    CHECK(error.kind == ErrorKind::not_found);
    CHECK(error.errno_value == ENOENT);
}

TEST_CASE_FIXTURE(SysctlSandbox, "a value that the kernel refuses is an error") {
    CHECK(refused(plan::SetSysctl{{.path = kPath, .value = "many"}}).errno_value == EINVAL);
}

TEST_CASE_FIXTURE(SysctlSandbox, "nothing outside net/ is touched") {
    for (const std::string path : {"kernel/hostname", "net/../kernel/hostname", "/etc/hostname"}) {
        CAPTURE(path);
        CHECK(refused(plan::SetSysctl{{.path = path, .value = "x"}}).kind ==
              ErrorKind::invalid_input);
        const auto read = kernel.observe({.sysctls = {path}});
        REQUIRE(!read);
        CHECK(read.error().kind == ErrorKind::invalid_input);
    }
}

}  // namespace
}  // namespace ambient::test
