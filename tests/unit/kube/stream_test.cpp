#include "common/kube/stream.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ambient::kube {
namespace {

// As a kube-apiserver sends it: items of a typed list without kind, fields that do not matter in
// every place, an escape of each kind.
constexpr std::string_view kPods =
    R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"41","continue":"bmV4dA==",)"
    R"("remainingItemCount":7},"items":[)"
    R"({"metadata":{"name":"a","namespace":"one","uid":"u-1","resourceVersion":"17",)"
    R"("labels":{"t\u00e4g":"\ud83d\ude00 \"q\" \\ \n\/","n":"v"},)"
    R"("managedFields":[{"fieldsV1":{"f:metadata":{"f:labels":{".":{},"k:{\"name\":\"x\"}":{}}}},"n":-1.5e3}]},)"
    R"("spec":{"nodeName":"node-a","hostNetwork":true,"priority":2000001000,"overhead":null,)"
    R"("containers":[{"name":"c","env":[{"name":"E","value":"1"},{"name":"F","valueFrom":{"x":[[[]]]}}]}]},)"
    R"("status":{"phase":"Running","podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}],)"
    R"("conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-02T03:04:05Z"}]}},)"
    R"({"metadata":{"name":"b","namespace":"two","deletionTimestamp":"2026-01-02T03:04:05Z"},)"
    R"("spec":{},"status":{}}]})";

std::vector<Object> pods() {
    return {Pod{.namespace_name = "one",
                .name = "a",
                .uid = "u-1",
                .resource_version = "17",
                .labels = {{"t\u00e4g", "\U0001f600 \"q\" \\ \n/"}, {"n", "v"}},
                .node_name = "node-a",
                .host_network = true,
                .phase = "Running",
                .ready = true,
                .ready_since = "2026-01-02T03:04:05Z",
                .addresses = {*IpAddress::parse("10.0.0.1"), *IpAddress::parse("fd00::1")},
                .env = {{"E", "1"}}},
            Pod{.namespace_name = "two", .name = "b", .terminating = true}};
}

constexpr std::string_view kEvents =
    R"({"type":"ADDED","object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",)"
    R"("metadata":{"name":"s","resourceVersion":"5","labels":{"k":"v"}}}})"
    "\n"
    R"({"object":{"metadata":{"resourceVersion":"6","name":"s"},"kind":"Namespace","apiVersion":"v1",)"
    R"("spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}},"type":"DELETED"})"
    "\n"
    R"({"type":"BOOKMARK","object":{"kind":"PartialObjectMetadata","metadata":{"resourceVersion":"9",)"
    R"("creationTimestamp":null}}})"
    "\r\n"
    R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
    R"("message":"too old resource version: 1, not 2","reason":"Expired","code":410}})"
    "\n";

struct Listed {
    std::vector<Object> objects = {};
    std::vector<std::string> problems = {};
    Result<ListEnd> end = std::unexpected(Error{});
};

// The text in the pieces that begin at `cuts`.
Listed list(std::string_view text, const std::vector<std::size_t>& cuts = {},
            Kind kind = Kind::pod) {
    Listed listed;
    ListReader reader(kind, [&](const Received& received) {
        if (received.problem) listed.problems.push_back(describe(*received.problem));
        listed.objects.push_back(received.object);
    });
    std::size_t begin = 0;
    std::vector<std::size_t> ends = cuts;
    ends.push_back(text.size());
    for (const std::size_t end : ends) {
        if (const auto pushed = reader.push(text.substr(begin, end - begin)); !pushed) {
            listed.end = std::unexpected(pushed.error());
            return listed;
        }
        begin = end;
    }
    listed.end = reader.end();
    return listed;
}

std::string refusal(std::string_view text) {
    const auto listed = list(text);
    return listed.end ? "accepted" : describe(listed.end.error());
}

std::vector<std::string> events(std::string_view text, std::size_t cut) {
    std::vector<std::string> told;
    EventReader reader(Kind::space, [&](const Event& event) {
        const auto* given = std::get_if<Namespace>(&event.received.object);
        const Namespace space = given ? *given : Namespace{};
        switch (event.type) {
            case Event::Type::added:
                told.push_back("added " + space.name + " k=" + space.labels.at("k"));
                break;
            case Event::Type::modified: told.emplace_back("modified"); break;
            case Event::Type::deleted: told.push_back("deleted " + space.name); break;
            case Event::Type::bookmark: told.emplace_back("bookmark"); break;
            case Event::Type::error:
                told.push_back(event.status.reason + " " + std::to_string(event.status.code) + " " +
                               event.status.message);
                break;
        }
        told.back() += " @" + event.received.resource_version;
        CHECK(!event.received.problem);
    });
    REQUIRE(reader.push(text.substr(0, cut)).has_value());
    REQUIRE(reader.push(text.substr(cut)).has_value());
    CHECK(reader.whole());
    return told;
}

TEST_CASE("a list, cut anywhere") {
    for (std::size_t cut = 0; cut <= kPods.size(); ++cut) {
        CAPTURE(cut);
        const Listed listed = list(kPods, {cut});
        REQUIRE(listed.end.has_value());
        REQUIRE(listed.objects == pods());
        REQUIRE(listed.problems.empty());
        REQUIRE(listed.end->resource_version == "41");
        REQUIRE(listed.end->continue_token == "bmV4dA==");
    }
}

TEST_CASE("a list, byte by byte") {
    std::vector<std::size_t> cuts;
    for (std::size_t cut = 1; cut < kPods.size(); ++cut)
        cuts.push_back(cut);
    CHECK(list(kPods, cuts).objects == pods());
}

TEST_CASE("events, cut anywhere") {
    const std::vector<std::string> expected = {"added s k=v @5", "deleted s @6", "bookmark @9",
                                               "Expired 410 too old resource version: 1, not 2 @"};
    for (std::size_t cut = 0; cut <= kEvents.size(); ++cut) {
        CAPTURE(cut);
        REQUIRE(events(kEvents, cut) == expected);
    }
}

TEST_CASE("a watch is whole between events only") {
    int told = 0;
    EventReader reader(Kind::space, [&](const Event&) { ++told; });
    CHECK(reader.whole());
    const std::size_t first_end = kEvents.find('\n');
    REQUIRE(reader.push(kEvents.substr(0, first_end)).has_value());
    CHECK(told == 1);
    CHECK(reader.whole());
    REQUIRE(reader.push(kEvents.substr(first_end, 20)).has_value());
    CHECK(told == 1);
    CHECK_FALSE(reader.whole());
}

TEST_CASE("a list that ends in the middle is none; its objects were told") {
    const Listed listed = list(kPods.substr(0, kPods.size() - 1));
    CHECK_FALSE(listed.end.has_value());
    CHECK(listed.objects.size() == 2);
    for (std::size_t size = 0; size < kPods.size(); ++size) {
        CAPTURE(size);
        REQUIRE_FALSE(list(kPods.substr(0, size)).end.has_value());
    }
}

TEST_CASE("what is no list") {
    CHECK(refusal("<html>") == "not valid JSON: syntax error");
    CHECK(refusal(R"({"kind":"PodList","items":[)") == "the list ends in the middle");
    CHECK(refusal(R"({"kind":"PodList","items":[]}{})") == "something follows the list");
    CHECK(refusal(R"({"kind":"Status","status":"Failure"})") == "not a list but 'Status'");
    CHECK(refusal(R"({"kind":"NamespaceList","items":[]})") == "not a list but 'NamespaceList'");
    CHECK(refusal("[]") == "not a list but ''");
    CHECK(refusal(R"({"kind":"PodList","items":"none"})") == "not a list but 'PodList'");
    CHECK(refusal("{\"kind\":\"\xff\"}").starts_with("not valid JSON"));
    CHECK(refusal(std::string(100, '[')) == "not valid JSON: too deep");
}

TEST_CASE("an empty list") {
    for (const char* items : {"[]", "null"}) {
        const Listed listed =
            list(R"({"kind":"PodList","metadata":{"resourceVersion":"7"},"items":)" +
                 std::string(items) + "}");
        REQUIRE(listed.end.has_value());
        CHECK(listed.end->resource_version == "7");
        CHECK(listed.end->continue_token.empty());
        CHECK(listed.objects.empty());
    }
}

TEST_CASE("what is held of one object is bounded; what does not matter is not held") {
    const std::string half(kMaxObjectText / 2, 'x');
    const auto with = [](const std::string& metadata) {
        return R"({"kind":"PodList","items":[{"metadata":{"name":"a",)" + metadata + "}}]}";
    };
    CHECK(refusal(with(R"("annotations":{"a":")" + half + R"("})")) == "accepted");
    CHECK(refusal(with(R"("annotations":{"a":")" + half + R"(","b":")" + half + R"("})")) ==
          "an object with more than 2097152 bytes of text");
    CHECK(refusal(with(R"("annotations":{"a":")" + half + R"("},"other":[")" + half + half +
                       R"("])")) == "accepted");
    std::string many = R"({"kind":"PodList","items":[)";
    for (int i = 0; i < 3; ++i)
        many += R"({"metadata":{"name":"a","annotations":{"a":")" + half + R"("}}},)";
    many.back() = ']';
    CHECK(refusal(many + "}") == "accepted");  // each is within the bound
}

TEST_CASE("an object that cannot be used has its name, and the next one is read") {
    const Listed listed = list(
        R"({"kind":"PodList","items":[{"metadata":{"name":"a","namespace":"s"},"status":{"podIPs":[{"ip":"x"}]}},)"
        R"({"kind":"Node","metadata":{"name":"n"}},{"metadata":{"name":"b","namespace":"s"}}]})");
    REQUIRE(listed.end.has_value());
    REQUIRE(listed.objects.size() == 3);
    CHECK(std::get<Pod>(listed.objects[0]) == Pod{.namespace_name = "s", .name = "a"});
    CHECK(std::get<Pod>(listed.objects[2]).name == "b");
    REQUIRE(listed.problems.size() == 2);
    CHECK(listed.problems[0] == "s/a: items[].status.podIPs[].ip must be an IP address");
    CHECK(listed.problems[1] == "/n: unexpected kind Node");
}

TEST_CASE("what is no event") {
    for (const char* text :
         {R"({"type":"NEWS","object":{}})", R"({"kind":"Status"})", "[1]", "x"}) {
        EventReader reader(Kind::pod, [](const Event&) { FAIL("told"); });
        CHECK_FALSE(reader.push(text).has_value());
    }
}

TEST_CASE("no pod of a cluster says where its network namespace is") {
    const std::string pod =
        R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"s",)"
        R"("annotations":{"ambient-cni.dev/netns":"/run/netns/other"}}})";
    const auto alone = decode_object(Kind::pod, pod);
    REQUIRE(alone.has_value());
    CHECK(std::get<Pod>(alone->object).netns_path.empty());
    const auto listed = list(R"({"kind":"PodList","apiVersion":"v1","items":[)" + pod + "]}");
    REQUIRE(listed.objects.size() == 1);
    CHECK(std::get<Pod>(listed.objects.front()).netns_path.empty());
    std::string watched;
    EventReader reader(Kind::pod, [&](const Event& event) {
        watched = std::get<Pod>(event.received.object).name;
        CHECK(std::get<Pod>(event.received.object).netns_path.empty());
    });
    REQUIRE(reader.push(R"({"type":"ADDED","object":)" + pod + "}\n"));
    CHECK(watched == "a");
}

TEST_CASE("a single object, and a Status instead of one") {
    const auto pod = decode_object(
        Kind::pod, R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"s"}})");
    REQUIRE(pod.has_value());
    CHECK(std::get<Pod>(pod->object) == Pod{.namespace_name = "s", .name = "a"});
    CHECK_FALSE(decode_object(Kind::pod, R"({"kind":"Pod","metadata":{"name":"a")").has_value());
    CHECK_FALSE(
        decode_object(Kind::pod, R"({"kind":"Namespace","metadata":{"name":"a"}})").has_value());
    CHECK_FALSE(decode_object(Kind::pod, R"({"kind":"Pod","metadata":{}})").has_value());

    const auto status = decode_status(
        R"({"kind":"Status","status":"Failure","message":"pods \"a\" not found","reason":"NotFound","code":404})");
    CHECK(status.code == 404);
    CHECK(status.reason == "NotFound");
    CHECK(status.message == "pods \"a\" not found");
    CHECK(decode_status("upstream connect error").message.empty());
    CHECK(decode_status(R"({"kind":"Pod","reason":"Evicted"})").reason.empty());
}

}  // namespace
}  // namespace ambient::kube
