#include <array>

#include <doctest/doctest.h>

#include "common/rpc/attachment_comment.hpp"
#include "common/rpc/codec.hpp"
#include "tests/fuzz/mutate.hpp"

using namespace ambient;

namespace {

constexpr std::array<std::string_view, 1> kRequests = {
    R"({"version":2,"verb":"add","container_id":"c1","ifname":"eth0","pod_namespace":"default","pod_name":"sleep",)"
    R"("pod_uid":"8a1c","addresses":["10.244.1.11","fd00::11"]})"};

constexpr std::array<std::string_view, 2> kReplies = {
    R"({"version":2,"enrolled":true,"reason":"label","parts":[{"where":{"device":4,"inode":4026532500},"wanted":{"routes":[{"table":100,"to":"10.244.1.11",)"
    R"("via":"192.168.126.2","dev":"istioin","src":"10.244.1.1","protocol":122}],"tables":[{"name":"ambient","sets":)"
    R"([{"name":"pods4","type": "ipv4_address","elements":[{"key": "10.244.1.11", "comment":"8a1c/c1/eth0"}]}]}]},)"
    R"("scope":{"protocol":122,"routes":[{"table":100,"to":["10.244.1.11"]}],"filter":[{"table":"ambient","keys":["10.244.1.11"]}]}}]})",
    R"({"version":2,"error":{"kind":"unavailable","doing":"x","object":"","netns":"","errno":11,"kernel_text":""}})"};

constexpr std::array<std::string_view, 2> kComments = {
    "8a1c2f0e-5a3b-4c1d-9e8f-001122334455/c0ffee/eth0", "8a1c"};

// A value that was read must survive being written.
template <class Decode>
void read_or_refuse(std::span<const std::string_view> samples, Decode decode) {
    int read = 0;
    int refused = 0;
    fuzz::each_variant(samples, [&](const std::string& text) {
        const auto message = decode(text);
        ++(message ? read : refused);
        if (message) REQUIRE(decode(encode(*message)) == message);
        if (!message) REQUIRE(!describe(message.error()).empty());
    });
    CHECK(read > 100);  // the generator reaches both sides
    CHECK(refused > 100);
}

}  // namespace

TEST_CASE("any request is read or refused") { read_or_refuse(kRequests, rpc::decode_request); }

TEST_CASE("any reply is read or refused") { read_or_refuse(kReplies, rpc::decode_reply); }

TEST_CASE("any comment has an owner whose comment fits and says the same") {
    fuzz::each_variant(kComments, [](const std::string& text) {
        const auto owner = rpc::parse_comment(text);
        if (!owner.attachment || owner.attachment->ifname.size() > 15) return;
        const auto comment = format_comment(owner);
        REQUIRE(comment.size() <= model::kMaxComment);
        REQUIRE(rpc::same_attachment(rpc::parse_comment(comment), *owner.attachment));
    });
}
