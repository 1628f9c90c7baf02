#include <doctest/doctest.h>

#include "node-agent/report/readiness_page.hpp"

namespace ambient::agent {
namespace {

Error because(std::string words) {
    return Error{.kind = ErrorKind::unavailable, .doing = std::move(words)};
}

TEST_CASE("ready is as bad as the worst condition; the page names each") {
    Readiness now = {.source = holds("source"), .datapath = holds("datapath"), .node = {}};
    CHECK(now.state() == Ready::ok);
    CHECK(readiness_page(now) == HttpReply{.status = 200, .body = "ok source\nok datapath\n"});

    now.datapath = waits("datapath", because("no ztunnel"));
    CHECK(now.state() == Ready::waiting);
    CHECK(readiness_page(now) ==
          HttpReply{.status = 200, .body = "ok source\nwaiting datapath: no ztunnel\n"});

    now.node = {holds("port"), broken("installation", because("no space"))};
    CHECK(now.state() == Ready::broken);
    CHECK(readiness_page(now) == HttpReply{.status = 503,
                                           .body =
                                               "ok source\nwaiting datapath: no ztunnel\nok port\n"
                                               "not ok installation: no space\n"});

    now = {.source = broken("source", because("not told")), .datapath = holds("datapath")};
    CHECK(now.state() == Ready::broken);
}

}  // namespace
}  // namespace ambient::agent
