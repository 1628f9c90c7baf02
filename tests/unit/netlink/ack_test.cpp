#include "common/netlink/ack.hpp"

#include <cerrno>

#include <doctest/doctest.h>

#include "tests/unit/netlink/recorded.hpp"

namespace ambient::test {
namespace {

using netlink::Ack;

std::optional<Ack> first_ack(std::string_view hex) {
    const auto bytes = from_hex(hex);
    return netlink::read_ack(*netlink::Messages(bytes).begin());
}

TEST_CASE("errno has its sign turned, and the kernel's words are kept") {
    const Ack gateway{.errno_value = ENETUNREACH, .kernel_text = "Nexthop has invalid gateway"};
    CHECK(first_ack(kBadGateway) == gateway);
    CHECK(first_ack(kBadGatewayWhole) == gateway);
    CHECK(first_ack(kNoTable) ==
          Ack{.errno_value = ENOENT, .kernel_text = "ipv4: FIB table does not exist"});
    CHECK(first_ack(kNoLink) == Ack{.errno_value = ENODEV});
}

TEST_CASE("the end of a dump that went well is success") { CHECK(first_ack(kRoutesEnd) == Ack{}); }

TEST_CASE("an object is no ack") { CHECK(first_ack(kRoutes4) == std::nullopt); }

TEST_CASE("a refusal stays one, however short it was cut") {
    for (const auto hex : {kBadGateway, kBadGatewayWhole, kNoTable}) {
        const auto whole = from_hex(hex);
        for (std::size_t size = NLMSG_LENGTH(sizeof(int)); size < whole.size(); ++size) {
            std::vector<std::byte> bytes(whole.begin(),
                                         whole.begin() + static_cast<std::ptrdiff_t>(size));
            auto& header = *reinterpret_cast<nlmsghdr*>(bytes.data());
            header.nlmsg_len = static_cast<std::uint32_t>(size);
            CHECK(netlink::read_ack(header)->errno_value > 0);
        }
    }
}

}  // namespace
}  // namespace ambient::test
