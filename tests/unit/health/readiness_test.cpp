#include "node-agent/report/health/readiness.hpp"

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

TEST_CASE("ready is who meets all conditions; the page names each") {
    CHECK(readiness_page({{.name = "source"}, {.name = "datapath"}}) ==
          HttpReply{.status = 200, .body = "ok source\nok datapath\n"});
    CHECK(readiness_page({{.name = "source"}, {.name = "datapath", .trouble = "no ztunnel"}}) ==
          HttpReply{.status = 503, .body = "ok source\nnot ok datapath: no ztunnel\n"});
}

}  // namespace
}  // namespace ambient::agent
