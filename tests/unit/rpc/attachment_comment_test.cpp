#include "common/rpc/attachment_comment.hpp"

#include <doctest/doctest.h>

#include "common/model/filter_table.hpp"

using namespace ambient;
using rpc::ElementOwner;
using rpc::format_comment;

namespace {

const std::string kUid = "8a1c2f0e-5a3b-4c1d-9e8f-001122334455";

ElementOwner attached(std::string uid, std::string id, std::string ifname = "eth0") {
    return {
        .pod_uid = std::move(uid),
        .attachment = cni::Attachment{.container_id = std::move(id), .ifname = std::move(ifname)}};
}

}  // namespace

TEST_CASE("an owner is what its comment says") {
    const std::string id(64, 'a');
    CHECK(format_comment({.pod_uid = kUid}) == kUid);
    CHECK(format_comment(attached(kUid, id)) == kUid + "/" + id + "/eth0");
    CHECK(format_comment(attached("", "c1")) == "/c1/eth0");
    for (const auto& owner :
         {ElementOwner{.pod_uid = kUid}, ElementOwner{}, attached(kUid, id), attached("", "c1")}) {
        CHECK(rpc::parse_comment(format_comment(owner)) == owner);
    }
}

TEST_CASE("any comment has an owner") {
    CHECK(rpc::parse_comment("") == ElementOwner{});
    CHECK(rpc::parse_comment("by hand") == ElementOwner{.pod_uid = "by hand"});
    CHECK(rpc::parse_comment("a/b") == ElementOwner{.pod_uid = "a/b"});
    CHECK(rpc::parse_comment("//") == attached("", "", ""));
    CHECK(rpc::parse_comment("u/c/e/f") == attached("u", "c", "e/f"));
}

TEST_CASE("long names are shortened, told apart, and found again") {
    const std::string long_id(200, 'a');
    const auto owner = attached(std::string(100, 'u'), long_id, "fifteen-letters");
    const auto comment = format_comment(owner);
    CHECK(comment.size() <= model::kMaxComment);
    const auto parsed = rpc::parse_comment(comment);
    CHECK(rpc::same_attachment(parsed, *owner.attachment));
    CHECK(format_comment(parsed) == comment);
    CHECK(!rpc::same_attachment(parsed,
                                {.container_id = long_id + "b", .ifname = "fifteen-letters"}));
    CHECK(!rpc::same_attachment(
        parsed, {.container_id = long_id.substr(0, 64), .ifname = "fifteen-letters"}));
    CHECK(format_comment({.pod_uid = "a/b/c"}).find('/') == std::string::npos);
}

TEST_CASE("the same attachment is the same container and interface") {
    const auto owner = attached(kUid, "c1");
    CHECK(rpc::same_attachment(owner, {.container_id = "c1", .ifname = "eth0"}));
    CHECK(!rpc::same_attachment(owner, {.container_id = "c1", .ifname = "net1"}));
    CHECK(!rpc::same_attachment(owner, {.container_id = "c2", .ifname = "eth0"}));
    CHECK(!rpc::same_attachment({.pod_uid = kUid}, {.container_id = "", .ifname = ""}));
}
