// A network namespace of its own for each test case, empty but for lo, which is up.
#pragma once

#include <string>

#include "common/kernel/linux_kernel.hpp"
#include "common/netns/netns.hpp"

namespace ambient::test {

// A fresh namespace that nobody is in; the calling thread stays where it is.
Netns new_netns();

// For `ip` and the agent, as long as it is open here.
std::string path_of(const Netns& netns);

// Moves the calling thread; back again at the end of the scope.
class Inside {
  public:
    explicit Inside(const Netns& netns);
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside();

  private:
    Netns before_;
};

// Fixture (TEST_CASE_FIXTURE): the test's thread is inside `netns` during the test.
struct Sandbox {
    Netns netns = new_netns();
    Inside inside{netns};
    LinuxKernel kernel = open_kernel(netns);

    Sandbox();

    static LinuxKernel open_kernel(const Netns& netns);

    // Observes; a failure ends the test, with its text.
    model::NetnsState observe(const model::Scope& scope);
    // Applies; likewise.
    void apply(const plan::Plan& plan);
    // Applies one step, which must fail.
    Error refused(const plan::Step& step);
};

}  // namespace ambient::test
