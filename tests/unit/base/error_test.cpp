#include "common/base/error.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <set>
#include <utility>

#include <doctest/doctest.h>

namespace ambient {
namespace {

TEST_CASE("an error tells the action, the object, the place, the errno and the kernel's words") {
    Error error{.kind = ErrorKind::kernel,
                .doing = "add route",
                .object = "10.244.1.11 table 100",
                .netns = "/run/netns/a",
                .errno_value = ENETUNREACH,
                .kernel_text = "Nexthop has invalid gateway"};
    CHECK_EQ(describe(error),
             "add route 10.244.1.11 table 100 in netns /run/netns/a: Network is unreachable "
             "(Nexthop has invalid gateway)");
    error = Error{.kind = ErrorKind::io, .doing = "read the config"};
    CHECK_EQ(describe(error), "read the config");
}

TEST_CASE("an errno has the kind that callers branch on") {
    const std::array<std::pair<int, ErrorKind>, 14> kinds = {{
        {ENOENT, ErrorKind::not_found},
        {ENODEV, ErrorKind::not_found},
        {ESRCH, ErrorKind::not_found},
        {EADDRNOTAVAIL, ErrorKind::not_found},
        {EEXIST, ErrorKind::already_exists},
        {EOPNOTSUPP, ErrorKind::unsupported},
        {EAFNOSUPPORT, ErrorKind::unsupported},
        {EPERM, ErrorKind::permission},
        {EACCES, ErrorKind::permission},
        {EINTR, ErrorKind::interrupted},
        {ENOBUFS, ErrorKind::interrupted},
        {EAGAIN, ErrorKind::unavailable},
        {ECONNREFUSED, ErrorKind::unavailable},
        {EINVAL, ErrorKind::kernel},
    }};
    for (const auto& [code, kind] : kinds) {
        CAPTURE(code);
        CHECK_EQ(kind_of_errno(code), kind);
        const Error expected{.kind = kind, .doing = "do", .object = "it", .errno_value = code};
        CHECK_EQ(errno_error(code, "do", "it"), expected);
    }
}

TEST_CASE("every kind has a name of its own") {
    std::set<std::string_view> names;
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); ++kind) {
        names.insert(to_string(static_cast<ErrorKind>(kind)));
    }
    CHECK_EQ(names.size(), static_cast<std::size_t>(ErrorKind::internal) + 1);
    CHECK_FALSE(names.contains("unknown"));
}

Result<std::unique_ptr<int>> half_of(int number) {
    if (number % 2 != 0) return std::unexpected(invalid_input("the number is odd"));
    return std::make_unique<int>(number / 2);
}

Result<int> quarter_of(int number) {
    const auto half = TRY(half_of(number));
    return *TRY(half_of(*half));
}

TEST_CASE("TRY takes the value out, or leaves with the error") {
    CHECK_EQ(quarter_of(8), 2);
    CHECK_EQ(quarter_of(6).error(), invalid_input("the number is odd"));
    CHECK_EQ(quarter_of(7).error().kind, ErrorKind::invalid_input);
}

}  // namespace
}  // namespace ambient
