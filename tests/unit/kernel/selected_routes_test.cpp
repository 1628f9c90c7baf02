// When an answer of the routing tables shows that a table has nothing for a pod. A "no" only costs
// time: the table is then read as a whole (tests/kernel shows that the result is the same).
#include "common/kernel/selected_routes.hpp"

#include <doctest/doctest.h>

namespace ambient::test {
namespace {

using model::Goto;
using model::Lookup;
using model::PolicyRule;

constexpr Mark kAny{.value = 0, .mask = 0};
constexpr std::uint32_t kMain = 254;

PolicyRule rule(std::uint32_t priority, Mark mark, model::RuleAction action) {
    return {.priority = priority, .mark = mark, .action = action};
}

const PolicyRule kLocal = rule(0, kAny, Lookup{255});
const PolicyRule kSkip = rule(100, Mark::bits(0x200), Goto{32766});
const PolicyRule kOutbound = rule(101, Mark::bits(0x100), Lookup{101});
const PolicyRule kInbound = rule(103, kAny, Lookup{100});
const PolicyRule kLast = rule(32766, kAny, Lookup{kMain});

TEST_CASE("with the datapath's rules, an answer from the main table or none at all is enough") {
    const std::vector rules{kLocal, kSkip, kOutbound, kInbound, kLast};
    CHECK(was_tried_before(rules, 100, kMain));
    CHECK(was_tried_before(rules, 100, std::nullopt));
}

TEST_CASE("an answer from before the table, or from the table itself, is not") {
    const std::vector rules{kLocal, kSkip, kInbound, kLast};
    CHECK(!was_tried_before(rules, 100, 255));
    CHECK(!was_tried_before(rules, 100, 100));
}

TEST_CASE("no rule leads an unmarked packet to the table") {
    CHECK(!was_tried_before({kLocal, kLast}, 100, kMain));
    CHECK(!was_tried_before({}, 100, std::nullopt));
    CHECK(!was_tried_before({kLocal, kOutbound, kLast}, 101, kMain));
    auto narrow = kInbound;
    narrow.beyond_model = true;  // some selector more
    CHECK(!was_tried_before({kLocal, narrow, kLast}, 100, kMain));
}

TEST_CASE("a jump or a refusal may stand in the way, unless it is for marked packets only") {
    CHECK(!was_tried_before({rule(50, kAny, Goto{32766}), kInbound, kLast}, 100, kMain));
    CHECK(!was_tried_before({rule(50, kAny, Lookup{0}), kInbound, kLast}, 100, std::nullopt));
    CHECK(was_tried_before({rule(50, Mark::bits(1), Lookup{kMain}), kInbound, kLast}, 100, kMain));
}

}  // namespace
}  // namespace ambient::test
