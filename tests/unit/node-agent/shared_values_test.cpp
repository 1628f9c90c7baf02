#include "node-agent/pods/shared_values.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

TEST_CASE("equal values are one") {
    SharedValues<std::string> values;
    const auto first = values.share("a");
    const auto other = values.share("b");
    CHECK(values.share("a") == first);
    CHECK(other != first);
    CHECK(*first == "a");
    CHECK(values.size() == 2);
}

TEST_CASE("what nobody holds is forgotten, what somebody holds stays one") {
    SharedValues<std::string> values;
    std::vector<std::shared_ptr<const std::string>> held;
    for (int i = 0; i < 100; ++i)
        held.push_back(values.share("held " + std::to_string(i)));
    for (int i = 0; i < 10'000; ++i) {
        values.share("passing " + std::to_string(i));
        REQUIRE(values.size() < 400);
    }
    for (int i = 0; i < 100; ++i)
        CHECK(values.share("held " + std::to_string(i)) == held[static_cast<std::size_t>(i)]);
}

}  // namespace
}  // namespace ambient::agent
