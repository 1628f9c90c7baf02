// What is done once waits for the source, and no longer than it is told to.
#include <doctest/doctest.h>

#include "node-agent/source/open_source.hpp"

namespace ambient::agent {
namespace {

using namespace std::chrono_literals;

// Tells everything at once, or nothing.
class SomeSource final : public Source {
  public:
    SomeSource(PodTable& pods, bool tells) : pods_(pods), tells_(tells) {}
    void follow(asio::io_context&, Changed) override {
        if (tells_) pods_.complete();
    }
    void refresh() override {}
    void fetch(const PodId&, Fetched) override {}

  private:
    PodTable& pods_;
    bool tells_;
};

// The configuration may be right: exit status 1, as docs/operations.md says.
TEST_CASE("an API server that tells nothing is no mistake of the user's") {
    asio::io_context io;
    PodTable pods({}, "node-a");
    SomeSource away(pods, false);
    const auto outcome = read_once(io, away, pods, 0s);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().kind == ErrorKind::unavailable);
    SomeSource there(pods, true);
    CHECK(read_once(io, there, pods, 0s).has_value());
}

}  // namespace
}  // namespace ambient::agent
