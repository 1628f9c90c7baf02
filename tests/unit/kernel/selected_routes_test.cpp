// When an answer of the routing tables shows that a table has nothing for a pod. A "no" only costs
// time: the table is then read as a whole (tests/kernel shows that the result is the same).
#include "common/kernel/selected_routes.hpp"

#include <doctest/doctest.h>

namespace ambient::test {
namespace {

using model::PolicyRule;

constexpr Mark kAny{.value = 0, .mask = 0};
constexpr std::uint32_t kMain = 254;
constexpr std::uint32_t kCaptured = 0x80;

PolicyRule rule(std::uint32_t priority, Mark mark, std::uint32_t table) {
    return {.priority = priority, .mark = mark, .table = table};
}

const PolicyRule kLocal = rule(0, kAny, 255);
// `goto` is told without a table, and beyond the model.
PolicyRule jump(std::uint32_t priority, Mark mark) {
    return {.priority = priority, .mark = mark, .beyond_model = "50: from all goto 32766"};
}

const PolicyRule kOutbound = rule(101, Mark::bits(0x100), 101);
const PolicyRule kInbound = rule(103, Mark::bits(kCaptured), 100);
const PolicyRule kLast = rule(32766, kAny, kMain);

TEST_CASE("with the datapath's rules, an answer from the main table or none at all is enough") {
    const std::vector rules{kLocal, kOutbound, kInbound, kLast};
    CHECK(was_tried_before(rules, kCaptured, 100, kMain));
    CHECK(was_tried_before(rules, kCaptured, 100, std::nullopt));
    CHECK(!was_tried_before(rules, 0, 100, kMain));
}

TEST_CASE("an answer from before the table, or from the table itself, is not") {
    const std::vector rules{kLocal, kInbound, kLast};
    CHECK(!was_tried_before(rules, kCaptured, 100, 255));
    CHECK(!was_tried_before(rules, kCaptured, 100, 100));
}

TEST_CASE("no rule leads a packet of the mark to the table") {
    CHECK(!was_tried_before({kLocal, kLast}, kCaptured, 100, kMain));
    CHECK(!was_tried_before({}, kCaptured, 100, std::nullopt));
    CHECK(!was_tried_before({kLocal, kOutbound, kLast}, kCaptured, 101, kMain));
    auto narrow = kInbound;
    narrow.beyond_model = "from 10.0.0.1";  // some selector more
    CHECK(!was_tried_before({kLocal, narrow, kLast}, kCaptured, 100, kMain));
}

TEST_CASE("a jump or a refusal may stand in the way, unless it is for other packets") {
    CHECK(!was_tried_before({jump(50, kAny), kInbound, kLast}, kCaptured, 100, kMain));
    CHECK(!was_tried_before({rule(50, kAny, 0), kInbound, kLast}, kCaptured, 100, std::nullopt));
    CHECK(
        was_tried_before({rule(50, Mark::bits(1), kMain), kInbound, kLast}, kCaptured, 100, kMain));
}

}  // namespace
}  // namespace ambient::test
