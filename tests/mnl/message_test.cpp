#include <array>
#include <string>

#include <doctest/doctest.h>

#include "tests/mnl/shared_libmnl.hpp"

TEST_CASE(
    "a message grows by its headers as the shared library makes it, and what they hold is zero") {
    const auto make = [](auto put_header, auto put_extra_header, auto get_payload) {
        alignas(8) std::array<char, 64> buffer{};
        buffer.fill('x');
        nlmsghdr* message = put_header(buffer.data());
        CHECK(message->nlmsg_len == 16);
        CHECK(put_extra_header(message, 5) == buffer.data() + 16);
        CHECK(put_extra_header(message, 4) == buffer.data() + 24);
        CHECK(get_payload(message) == buffer.data() + 16);
        return std::string(buffer.data(), buffer.size());
    };
    const auto ours = make(mnl_nlmsg_put_header, mnl_nlmsg_put_extra_header, mnl_nlmsg_get_payload);
    CHECK(ours == std::string("\x1c", 1) + std::string(27, '\0') + std::string(36, 'x'));
    CHECK(ours == make(SHARED(mnl_nlmsg_put_header), SHARED(mnl_nlmsg_put_extra_header),
                       SHARED(mnl_nlmsg_get_payload)));
}
