#include "common/kube/decode.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/base/read_file.hpp"

namespace ambient::kube {
namespace {

Objects decoded(const std::string& text) {
    const auto objects = decode(text, "f");
    REQUIRE_MESSAGE(objects.has_value(), describe(objects.error()));
    return *objects;
}

std::string refusal(const std::string& text) {
    const auto objects = decode(text, "f");
    if (objects) return "accepted";
    CHECK(objects.error().kind == ErrorKind::invalid_input);
    return describe(objects.error());
}

// What tests/unit/kube/cluster.yaml and cluster.json hold, in the two forms that `kubectl get
// pods,namespaces -o` prints.
Objects cluster() {
    const Pod sleep = {
        .namespace_name = "default",
        .name = "sleep-5577c64d7c-4xk2m",
        .uid = "8a1c9a52-07f1-4f5e-a2a3-0c6e6f4b9d11",
        .labels = {{"app", "sleep"}, {"pod-template-hash", "5577c64d7c"}},
        .annotations = {{"ambient-cni.dev/netns", "/run/netns/sleep"},
                        {"example.com/note", "two\nlines: \"quoted\""}},
        .node_name = "node-a",
        .service_account = "sleep",
        .host_network = false,
        .phase = "Running",
        .ready = true,
        .terminating = false,
        .ready_since = "2026-01-02T03:04:07Z",
        .addresses = {IpAddress::v4(10, 244, 1, 11), *IpAddress::parse("fd00:10:244:1::b")},
        .env = {{"GREETING", "hello"}, {"EMPTY", ""}},
        .netns_path = "/run/netns/sleep",
    };
    const Pod proxy = {
        .namespace_name = "kube-system",
        .name = "kube-proxy-x7",
        .uid = "11111111-2222-3333-4444-555555555555",
        .labels = {{"k8s-app", "kube-proxy"}},
        .node_name = "node-a",
        .service_account = "kube-proxy",
        .host_network = true,
        .phase = "Running",
        .ready = false,
        .terminating = true,
        .ready_since = "2026-01-02T03:00:00Z",
        .addresses = {IpAddress::v4(172, 18, 0, 2)},
    };
    return {.namespaces = {{.name = "default",
                            .labels = {{"istio.io/dataplane-mode", "ambient"},
                                       {"kubernetes.io/metadata.name", "default"}}}},
            .pods = {sleep, proxy}};
}

TEST_CASE("what kubectl prints, as YAML and as JSON") {
    for (const char* file : {"tests/unit/kube/cluster.yaml", "tests/unit/kube/cluster.json"}) {
        CAPTURE(std::string(file));
        const auto text = read_file(file, 1 << 20);
        REQUIRE(text.has_value());
        const Objects objects = decoded(*text);
        const Objects expected = cluster();
        REQUIRE(objects.pods.size() == 2);
        CHECK(objects.pods[0] == expected.pods[0]);
        CHECK(objects.pods[1] == expected.pods[1]);
        CHECK(objects.namespaces == expected.namespaces);
    }
}

TEST_CASE("single objects, several documents, other kinds passed over") {
    const Objects objects = decoded(R"(---
apiVersion: v1
kind: Namespace
metadata: {name: default}
---
# nothing
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: sleep, labels: [not, ours]}
spec: {hostNetwork: {not: ours}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {a: b}
---
kind: Pod
metadata: {name: bare}
---
apiVersion: example.com/v1
kind: Pod
metadata: {name: not-a-kubernetes-pod}
...
)");
    CHECK(objects == Objects{.namespaces = {{.name = "default"}},
                             .pods = {{.namespace_name = "default", .name = "bare"}}});
}

TEST_CASE("lists of an API server leave the kind of their items out") {
    CHECK(decoded("{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}}]}").pods ==
          std::vector<Pod>{{.namespace_name = "default", .name = "a"}});
    CHECK(decoded("{kind: NamespaceList, items: [{metadata: {name: a}}, {metadata: {name: b}}]}")
              .namespaces == std::vector<Namespace>{{.name = "a"}, {.name = "b"}});
    CHECK(decoded("{kind: List, apiVersion: v1, items: []}") == Objects{});
    CHECK(decoded("{kind: List, apiVersion: v1, items: null}") == Objects{});
    CHECK(decoded("{kind: Table, items: [{metadata: {name: a}}]}") == Objects{});
    CHECK(decoded("") == Objects{});
    CHECK(decoded("~") == Objects{});
}

TEST_CASE("addresses: podIPs, else podIP; none while it is pending") {
    const auto addresses = [](const std::string& status) {
        return decoded("{kind: Pod, metadata: {name: a}, status: " + status + "}")
            .pods.at(0)
            .addresses;
    };
    const std::vector<IpAddress> one = {IpAddress::v4(10, 0, 0, 1)};
    CHECK(addresses("{podIP: 10.0.0.1}") == one);
    CHECK(addresses("{podIP: 10.0.0.9, podIPs: [{ip: 10.0.0.1}]}") == one);
    CHECK(addresses("{podIPs: [{ip: 10.0.0.1}], podIP: 10.0.0.9}") == one);
    CHECK(addresses("{podIP: ''}").empty());
    CHECK(addresses("{podIPs: null, phase: Pending}").empty());
    CHECK(addresses("{}").empty());
}

TEST_CASE("ready, and since when") {
    const auto pod = [](const std::string& conditions) {
        return decoded(
                   "{kind: Pod, metadata: {name: a, creationTimestamp: '2026-01-01T00:00:00Z'}, "
                   "status: {conditions: " +
                   conditions + "}}")
            .pods.at(0);
    };
    const Pod late =
        pod("[{type: PodScheduled, status: 'True', lastTransitionTime: x}, "
            "{lastTransitionTime: '2026-01-03T00:00:00Z', status: 'True', type: Ready}, "
            "{type: Initialized, status: 'False'}]");
    CHECK(late.ready);
    CHECK(late.ready_since == "2026-01-03T00:00:00Z");
    const Pod by_hand = pod("[{type: Ready, status: 'True'}]");
    CHECK(by_hand.ready);
    CHECK(by_hand.ready_since == "2026-01-01T00:00:00Z");
    const Pod not_ready = pod("[{type: Ready, status: 'False'}]");
    CHECK_FALSE(not_ready.ready);
    CHECK(not_ready.ready_since.empty());
    CHECK_FALSE(pod("[]").ready);
}

TEST_CASE("environment: literal values of all containers") {
    const Pod pod = decoded(R"(
kind: Pod
metadata: {name: zt}
spec:
  containers:
  - name: first
    env:
    - {name: A, value: "true"}
    - {name: FROM_FIELD, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
  - name: second
    env: [{value: b, name: B}]
)")
                        .pods.at(0);
    CHECK(pod.env == Labels{{"A", "true"}, {"B", "b"}});
}

TEST_CASE("kubectl's copy of the object among the annotations is not held") {
    const Pod pod = decoded(
                        "{kind: Pod, metadata: {name: a, annotations: {x: y, "
                        "kubectl.kubernetes.io/last-applied-configuration: '{}'}}}")
                        .pods.at(0);
    CHECK(pod.annotations == Labels{{"x", "y"}});
}

TEST_CASE("a mirror pod tells the uid of the static pod that it stands for") {
    const auto pod =
        decoded(
            "{kind: Pod, metadata: {name: a, uid: u, annotations: {kubernetes.io/config.hash: h, "
            "kubernetes.io/config.mirror: h, kubernetes.io/config.source: file}}}")
            .pods.at(0);
    CHECK(pod.uid == "u");
    CHECK(pod.static_uid == "h");
    CHECK(runtime_uid(pod) == "h");
}

TEST_CASE("malformed documents are refused at their place") {
    struct Case {
        const char* text;
        const char* refusal;
    };
    const std::vector<Case> cases = {
        {"hello", "f:1:1: a document must be a mapping"},
        {"[a]", "f:1:1: a document must be a mapping"},
        {"{}", "f:1:1: has no kind: not a Kubernetes object"},
        {"metadata: {name: a}", "f:1:1: has no kind: not a Kubernetes object"},
        {"kind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n- metadata: {name: b}\n",
         "f:5:3: has no kind: not a Kubernetes object"},
        {"kind: Pod\n", "f:1:1: Pod has no metadata.name"},
        {"kind: Namespace\nmetadata: {}\n", "f:1:1: Namespace has no metadata.name"},
        {"kind: Pod\nmetadata: name\n", "f:2:11: metadata must be a mapping"},
        {"kind: Pod\nmetadata:\n  name: [a]\n", "f:3:9: metadata.name must be text"},
        {"kind: Pod\nmetadata:\n  name: a\n  labels: app\n",
         "f:4:11: metadata.labels must be a mapping"},
        {"kind: Pod\nmetadata:\n  name: a\n  labels: [app]\n",
         "f:4:11: metadata.labels must be a mapping"},
        {"kind: Pod\nmetadata:\n  name: a\n  labels: {app: {}}\n",
         "f:4:17: metadata.labels.app must be text"},
        {"kind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: perhaps}\n",
         "f:3:21: spec.hostNetwork must be true or false"},
        {"kind: Pod\nmetadata: {name: a}\nspec: {containers: {}}\n",
         "f:3:20: spec.containers must be a list"},
        {"kind: Pod\nmetadata: {name: a}\nspec: {containers: all}\n",
         "f:3:20: spec.containers must be a list"},
        {"kind: Pod\nmetadata: {name: a}\nstatus: {podIP: 10.0.0.256}\n",
         "f:3:17: status.podIP must be an IP address"},
        {"kind: Pod\nmetadata: {name: a}\nstatus: {podIPs: [{ip: 10.0.0.1}, {ip: ''}]}\n",
         "f:3:40: status.podIPs[].ip must be an IP address"},
        {"kind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n  status: []\n",
         "f:5:11: items[].status must be a mapping"},
        {"kind: List\nitems: {}\n", "f:2:8: items must be a list"},
        {"kind: Pod\nmetadata: {name: &n a, namespace: *n}\n",
         "f:2:35: metadata.namespace must be written out; aliases are not supported"},
        {"kind: Pod\nmetadata: {name: a\n", "f:3:1: not valid YAML: end of map flow not found"},
        {"{\"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"",
         "f:1:1: not valid YAML: end of map flow not found"},
    };
    for (const Case& c : cases) {
        CAPTURE(std::string(c.text));
        CHECK(refusal(c.text) == c.refusal);
    }
}

TEST_CASE("what does not matter may have any shape") {
    const Objects objects = decoded(R"(
kind: Pod
? [a, complex, key]
: {kind: nothing}
? {another: one}
: [x]
~: null key
metadata:
  name: a
  finalizers: {any: [thing]}
  again: &anchor [1]
spec: {volumes: *anchor, affinity: {kind: Pod, metadata: 5}}
)");
    CHECK(objects.pods == std::vector<Pod>{{.namespace_name = "default", .name = "a"}});
}

TEST_CASE("bounds: bytes, objects, depth") {
    const std::string list =
        "{kind: PodList, items: [{metadata: {name: a}}, {metadata: {name: b}}]}";
    const std::string documents =
        "{kind: Pod, metadata: {name: a}}\n---\n{kind: Pod, metadata: {name: b}}\n";
    const auto limited = [](const std::string& text, Limits limits) {
        const auto objects = decode(text, "f", limits);
        return objects ? "accepted" : describe(objects.error());
    };
    CHECK(limited(list, {.bytes = 1000, .objects = 2}) == "accepted");
    CHECK(limited(list, {.bytes = 1000, .objects = 1}) ==
          "f:1:48: more than 1 objects; split the file");
    CHECK(limited(documents, {.bytes = 1000, .objects = 2}) == "accepted");
    CHECK(limited(documents, {.bytes = 1000, .objects = 1}) ==
          "f:2:1: more than 1 objects; split the file");
    CHECK(limited(list, {.bytes = 10, .objects = 2}) ==
          "f:1:1: larger than 10 bytes; split the file");
    CHECK(refusal("kind: " + std::string(100'000, '[')).starts_with("f:1:"));
}

TEST_CASE("the container istio-proxy, wherever it stands") {
    const std::string proxy =
        "    - name: istio-proxy\n"
        "      args: [proxy, sidecar, --domain, a.svc]\n"
        "      env:\n"
        "        - {name: DISABLE_ENVOY, value: 'true'}\n"
        "        - name: FROM_ELSEWHERE\n"
        "          valueFrom: {fieldRef: {fieldPath: spec.nodeName}}\n"
        "      securityContext: {runAsUser: 1338, runAsGroup: null, privileged: false}\n";
    const ProxyContainer expected = {.args = {"proxy", "sidecar"},
                                     .env = {{"DISABLE_ENVOY", "true"}},
                                     .user = 1338,
                                     .group = std::nullopt};
    const std::string head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n";
    const std::string app = "    - {name: app, args: [x], securityContext: {runAsUser: 7}}\n";
    for (const auto& spec : {"  containers:\n" + app + proxy, "  containers:\n" + proxy + app,
                             "  initContainers:\n" + proxy + "  containers:\n" + app}) {
        CAPTURE(spec);
        const auto pod = decoded(head + spec).pods.at(0);
        REQUIRE(pod.proxy.has_value());
        CHECK(*pod.proxy == expected);
        CHECK_FALSE(pod.has_istio_init);
    }
    const auto other = decoded(head + "  initContainers:\n    - name: istio-init\n").pods.at(0);
    CHECK(other.has_istio_init);
    CHECK_FALSE(other.proxy.has_value());
    CHECK(refusal(head + "  containers:\n    - {name: a, securityContext: {runAsUser: root}}\n") ==
          "f:6:46: spec.containers[].securityContext.runAsUser must be a number from 0 to "
          "4294967295");
}

// Environment is asked of ztunnel's containers; what only starts up does not count.
TEST_CASE("the environment of init containers is not the pod's") {
    const auto pod = decoded(
                         "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n"
                         "  initContainers: [{name: i, env: [{name: A, value: x}]}]\n"
                         "  containers: [{name: c, env: [{name: B, value: y}]}]\n")
                         .pods.at(0);
    CHECK(pod.env == Labels{{"B", "y"}});
}

}  // namespace
}  // namespace ambient::kube
