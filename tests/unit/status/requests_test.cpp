#include "node-agent/report/status/requests.hpp"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace ambient::agent {
namespace {

using nlohmann::json;

const PodRef kPod = {.id = {.space = "default", .name = "web"}, .uid = "uid-web"};
const std::string kAnnotation = "ambient.istio.io/redirection";

TEST_CASE("the annotation is set by a merge patch for this very pod, as it was seen") {
    const auto request = set_annotation(kPod, "7", kAnnotation);
    CHECK(request.method == "PATCH");
    CHECK(request.path == "/api/v1/namespaces/default/pods/web/status");
    CHECK(request.content_type == "application/merge-patch+json");
    CHECK(json::parse(request.body) ==
          json::parse(
              R"({"metadata": {"uid": "uid-web", "resourceVersion": "7",
                             "annotations": {"ambient.istio.io/redirection": "enabled"}}})"));
}

TEST_CASE("the annotation is removed only from this very pod, and only when it is ours") {
    const auto request = clear_annotation(kPod, "a~b/c");
    CHECK(request.path == "/api/v1/namespaces/default/pods/web/status");
    CHECK(request.content_type == "application/json-patch+json");
    CHECK(json::parse(request.body) == json::parse(R"([
        {"op": "test", "path": "/metadata/uid", "value": "uid-web"},
        {"op": "test", "path": "/metadata/annotations/a~0b~1c", "value": "enabled"},
        {"op": "remove", "path": "/metadata/annotations/a~0b~1c"}])"));
}

TEST_CASE("an Event says which pod, why, who says so and since when") {
    const auto request = not_captured_event(kPod, "no veth", "node-a",
                                            std::chrono::system_clock::from_time_t(1'767'225'600));
    CHECK(request.method == "POST");
    CHECK(request.path == "/api/v1/namespaces/default/events");
    auto event = json::parse(request.body);
    CHECK(event["metadata"]["name"].get<std::string>().starts_with("web."));
    event["metadata"].erase("name");
    CHECK(event == json::parse(R"({
        "apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "web",
                           "uid": "uid-web"},
        "type": "Warning", "reason": "NotCaptured",
        "message": "Not captured by the ambient mesh: no veth",
        "source": {"component": "ambient-node-agent", "host": "node-a"},
        "reportingComponent": "ambient-node-agent",
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 1})"));
}

TEST_CASE("an Event about the node is where kubectl looks for it") {
    const auto request = not_captured_event(std::nullopt, "no ztunnel", "node-a",
                                            std::chrono::system_clock::from_time_t(1'767'225'600));
    CHECK(request.path == "/api/v1/namespaces/default/events");
    const auto event = json::parse(request.body);
    CHECK(event["metadata"]["namespace"] == "default");
    CHECK(event["metadata"]["name"].get<std::string>().starts_with("node-a."));
    CHECK(
        event["involvedObject"] ==
        json::parse(R"({"apiVersion": "v1", "kind": "Node", "name": "node-a", "uid": "node-a"})"));
    CHECK(event["reason"] == "NotCaptured");
    CHECK(event["message"] == "Pods are not captured by the ambient mesh: no ztunnel");
}

TEST_CASE("a pod without its sidecar's rules is labelled as it was seen, by its status") {
    const auto request = label_uninitialized(kPod, "42");
    CHECK(request.method == "PATCH");
    CHECK(request.path == "/api/v1/namespaces/default/pods/web/status");
    CHECK(request.content_type == "application/merge-patch+json");
    CHECK(json::parse(request.body) == json::parse(R"({"metadata": {
        "uid": "uid-web", "resourceVersion": "42",
        "labels": {"cni.istio.io/uninitialized": "true"}}})"));
}

TEST_CASE("a pod is deleted as it was seen, or not") {
    const auto request = delete_pod(kPod, "42");
    CHECK(request.method == "DELETE");
    CHECK(request.path == "/api/v1/namespaces/default/pods/web");
    CHECK(json::parse(request.body) == json::parse(R"({
        "apiVersion": "v1", "kind": "DeleteOptions",
        "preconditions": {"uid": "uid-web", "resourceVersion": "42"}})"));
}

TEST_CASE("an Event about a sidecar pod says so") {
    const auto event =
        json::parse(not_captured_event(kPod, "no namespace", "node-a", {}, Missed::sidecar).body);
    CHECK(event["reason"] == "NotRedirected");
    CHECK(event["message"] == "Not redirected to its sidecar: no namespace");
}

std::string event_name(const PodRef& pod, const std::string& why) {
    const auto request = not_captured_event(pod, why, "node-a", {});
    return json::parse(request.body)["metadata"]["name"];
}

TEST_CASE("an Event's name: the same for the same words, and always a valid one") {
    CHECK(event_name(kPod, "a") == event_name(kPod, "a"));
    CHECK(event_name(kPod, "a") != event_name(kPod, "b"));
    auto other = kPod;
    other.uid = "uid-2";
    CHECK(event_name(kPod, "a") != event_name(other, "a"));
    other.id.name = std::string(235, 'x') + "-" + std::string(17, 'y');
    CHECK(event_name(other, "a").size() == 235 + 17);
    CHECK(event_name(other, "a").find("-.") == std::string::npos);
}

TEST_CASE("an Event of words that are no UTF-8, or too many") {
    const auto request = not_captured_event(kPod, "\xff" + std::string(5'000, 'x'), "node-a", {});
    CHECK(json::parse(request.body)["message"].get<std::string>().size() < 1'024);
}

TEST_CASE("taints with the key, whatever else the node has") {
    const std::string node = R"({"spec": {"taints": [
        {"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "NoSchedule"},
        {"key": "a", "effect": "NoExecute"}]}})";
    CHECK(taints_in(node, "a") == std::vector<std::size_t>{0, 2});
    CHECK(taints_in(node, "c") == std::vector<std::size_t>{});
    CHECK(taints_in(R"({"spec": {}})", "a") == std::vector<std::size_t>{});
    for (const std::string bad : {"", "[]", "{}", "{\"spec\": 1}", "{"})
        CHECK(taints_in(bad, "a") == std::nullopt);
    CHECK(taints_in(R"({"spec": {"taints": [1, {"key": 2}, {}]}})", "a") ==
          std::vector<std::size_t>{});
}

TEST_CASE("taints are removed from the last one on, each only while it is there") {
    const auto request = remove_taints("node-a", "a", {0, 2});
    CHECK(request.path == "/api/v1/nodes/node-a");
    CHECK(request.content_type == "application/json-patch+json");
    CHECK(json::parse(request.body) == json::parse(R"([
        {"op": "test", "path": "/spec/taints/2/key", "value": "a"},
        {"op": "remove", "path": "/spec/taints/2"},
        {"op": "test", "path": "/spec/taints/0/key", "value": "a"},
        {"op": "remove", "path": "/spec/taints/0"}])"));
}

}  // namespace
}  // namespace ambient::agent
