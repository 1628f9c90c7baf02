#include "common/rpc/codec.hpp"

#include <cerrno>

#include <doctest/doctest.h>

using namespace ambient;

namespace {

rpc::Request full_request(rpc::Verb verb) {
    return {.verb = verb,
            .attachment = {.container_id = "c1", .ifname = "eth0"},
            .pod_namespace = "default",
            .pod_name = "sleep",
            .pod_uid = "8a1c",
            .addresses = {IpAddress::v4(10, 244, 1, 11), *IpAddress::parse("fd00::11")}};
}

rpc::Reply enrolled_reply() {
    model::Part part;
    part.wanted.routes = {{.table = 100,
                           .destination = *Prefix::parse("10.244.1.11"),
                           .protocol = 122,
                           .link = "istioin",
                           .gateway = IpAddress::v4(192, 168, 126, 2),
                           .source = IpAddress::v4(10, 244, 1, 1)}};
    part.wanted.tables = {{.id = {.name = "ambient"},
                           .sets = {{.name = "pods4",
                                     .type = model::SetType::ipv4_address,
                                     .elements = {{.key = IpAddress::v4(10, 244, 1, 11),
                                                   .comment = "8a1c/c1/eth0"}}}},
                           .chains = {}}};
    part.scope.protocol = 122;
    part.scope.routes = {{.table = 100, .destinations = {{*Prefix::parse("10.244.1.11")}}}};
    part.scope.filter = {
        {.table = {.name = "ambient"}, .chains = false, .keys = {{IpAddress::v4(10, 244, 1, 11)}}}};
    const model::Part inside = {.where = {.pod = NetnsId{.device = 4, .inode = 4026532500}},
                                .wanted = {.sysctls = {{"net/ipv4/ip_forward", "1"}}},
                                .scope = {.protocol = 122, .sysctls = {"net/ipv4/ip_forward"}}};
    return {.enrolled = true, .reason = "namespace label", .parts = {part, inside}};
}

}  // namespace

TEST_CASE("messages survive the wire") {
    using enum rpc::Verb;
    for (const auto verb : {add, added, del, check, status}) {
        CHECK(rpc::decode_request(encode(full_request(verb))) == full_request(verb));
    }
    CHECK(rpc::decode_request(encode(rpc::Request{})) == rpc::Request{});
    CHECK(rpc::decode_reply(encode(rpc::Reply{})) == rpc::Reply{});
    CHECK(rpc::decode_reply(encode(enrolled_reply())) == enrolled_reply());
}

TEST_CASE("an error survives the wire and stands alone") {
    auto reply = enrolled_reply();
    reply.error = errno_error(ENETUNREACH, "add route", "10.0.0.1 table 100");
    reply.error->netns = "/run/netns/a";
    reply.error->kernel_text = "Nexthop has invalid gateway";
    const auto decoded = rpc::decode_reply(encode(reply));
    REQUIRE(decoded);
    CHECK(*decoded == rpc::Reply{.error = reply.error});
}

TEST_CASE("every kind of error keeps its kind") {
    for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
        const auto kind = static_cast<ErrorKind>(i);
        CHECK(rpc::decode_reply(encode(rpc::Reply{.error = Error{.kind = kind, .doing = "x"}}))
                  ->error->kind == kind);
    }
    const auto unknown = rpc::decode_reply(R"({"version":2,"error":{"kind":"new","doing":"x"}})");
    CHECK(unknown->error == Error{.kind = ErrorKind::internal, .doing = "x"});
}

TEST_CASE("text that is not UTF-8 does not break a message") {
    auto request = full_request(rpc::Verb::add);
    request.pod_name = "\xff";
    CHECK(rpc::decode_request(encode(request))->pod_name == "\xef\xbf\xbd");
}

TEST_CASE("what is no request is refused with a sentence") {
    for (const auto* text :
         {"", "{", "[]", "7", R"({"version":2})", R"({"version":2,"verb":"jump"})",
          R"({"version":2,"verb":7})", R"({"version":2,"verb":"add"})",
          R"({"version":2,"verb":"del","container_id":""})",
          R"({"version":2,"verb":"add","container_id":7})",
          R"({"version":2,"verb":"add","container_id":"c","addresses":"10.0.0.1"})",
          R"({"version":2,"verb":"add","container_id":"c","addresses":[7]})",
          R"({"version":2,"verb":"add","container_id":"c","addresses":["10.0.0.256"]})"}) {
        CAPTURE(text);
        const auto request = rpc::decode_request(text);
        REQUIRE(!request);
        CHECK(request.error().kind == ErrorKind::invalid_input);
        CHECK(!describe(request.error()).empty());
    }
}

TEST_CASE("what is no reply is refused") {
    for (const auto* text :
         {"", "{", "[]", R"({"version":2,"error":"x"})", R"({"version":2,"enrolled":"yes"})",
          R"({"version":2,"reason":7})", R"({"version":2,"parts":{}})",
          R"({"version":2,"parts":[{"wanted":[]}]})",
          R"({"version":2,"parts":[{"wanted":{"routs":[]}}]})",
          R"({"version":2,"parts":[{"scope":7}]})"}) {
        CAPTURE(text);
        const auto reply = rpc::decode_reply(text);
        REQUIRE(!reply);
        CHECK(reply.error().kind == ErrorKind::invalid_input);
    }
}

TEST_CASE("another version of the messages is not guessed at") {
    for (const auto* text :
         {"{}", R"({"version":1,"verb":"status"})", R"({"version":"1","verb":"status"})"}) {
        CAPTURE(text);
        const auto request = rpc::decode_request(text);
        REQUIRE(!request);
        CHECK(request.error().kind == ErrorKind::unsupported);
    }
}
