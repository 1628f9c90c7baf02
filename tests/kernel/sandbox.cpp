#include "tests/kernel/sandbox.hpp"

#include <sched.h>
#include <unistd.h>

#include <utility>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"

namespace ambient::test {
namespace {

template <class T>
T must(Result<T> result) {
    if (!result) FAIL(describe(result.error()));
    return *std::move(result);
}

}  // namespace

Netns new_netns() {
    const auto before = must(Netns::current());
    REQUIRE_MESSAGE(::unshare(CLONE_NEWNET) == 0, "kernel tests need root");
    auto fresh = must(Netns::current());
    REQUIRE(::setns(before.fd(), CLONE_NEWNET) == 0);
    return fresh;
}

std::string path_of(const Netns& netns) {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(netns.fd());
}

Inside::Inside(const Netns& netns) : before_(must(Netns::current())) {
    REQUIRE(::setns(netns.fd(), CLONE_NEWNET) == 0);
}

Inside::~Inside() { (void)::setns(before_.fd(), CLONE_NEWNET); }

Sandbox::Sandbox() { must_run("ip link set lo up"); }

LinuxKernel Sandbox::open_kernel(const Netns& netns) { return must(LinuxKernel::open(netns)); }

model::NetnsState Sandbox::observe(const model::Scope& scope) {
    return must(kernel.observe(scope));
}

void Sandbox::apply(const plan::Plan& plan) {
    const auto outcome = kernel.apply(plan);
    if (!outcome) FAIL(describe(outcome.error().error));
}

Error Sandbox::refused(const plan::Step& step) {
    const auto outcome = kernel.apply({step});
    REQUIRE(!outcome);
    return outcome.error().error;
}

}  // namespace ambient::test
