#include "common/cni/failure.hpp"

#include <cerrno>

#include <doctest/doctest.h>

using namespace ambient;
using cni::failure_of;

TEST_CASE("a failure prints as the spec's error object") {
    CHECK(to_json(
              cni::Failure{
                  .code = cni::Code::invalid_config, .message = "no \"name\"", .details = "line 1"},
              cni::Version::v0_4_0) ==
          R"({"cniVersion":"0.4.0","code":7,"msg":"no \"name\"","details":"line 1"})");
    CHECK(to_json(cni::Failure{.code = cni::Code::not_available, .message = "later"},
                  cni::Version::v1_1_0) == R"({"cniVersion":"1.1.0","code":50,"msg":"later"})");
}

TEST_CASE("bytes that are not UTF-8 do not break the error object") {
    CHECK(to_json(cni::Failure{.code = cni::Code::internal, .message = "\xff"},
                  cni::Version::v1_1_0) ==
          "{\"cniVersion\":\"1.1.0\",\"code\":103,\"msg\":\"\xef\xbf\xbd\"}");
}

TEST_CASE("the code follows from the kind, and the story is kept as details") {
    const auto failure =
        failure_of(errno_error(ETIMEDOUT, "connect to the agent at", "/x"), "no agent");
    CHECK(failure == cni::Failure{.code = cni::Code::try_again_later,
                                  .message = "no agent",
                                  .details = "connect to the agent at /x: Connection timed out"});
    CHECK(failure_of({.kind = ErrorKind::conflict, .doing = "x"}, "").code == cni::Code::conflict);
    CHECK(failure_of({.kind = ErrorKind::interrupted, .doing = "x"}, "").code ==
          cni::Code::try_again_later);
    CHECK(failure_of(errno_error(ENETUNREACH, "x"), "").code == cni::Code::kernel_refused);
    CHECK(failure_of({.kind = ErrorKind::internal, .doing = "x"}, "").code == cni::Code::internal);
    CHECK(failure_of(invalid_input("x"), "").code == cni::Code::invalid_config);
    CHECK(failure_of({.kind = ErrorKind::io, .doing = "x"}, "").code == cni::Code::io_failure);
}

TEST_CASE("versions are ours or none") {
    for (const auto version : cni::kVersions)
        CHECK(cni::parse_version(to_string(version)) == version);
    for (const auto* text : {"", "0.2.0", "0.3", "1.2.0", "1.0.0 ", "v1.0.0"})
        CHECK(!cni::parse_version(text));
}
