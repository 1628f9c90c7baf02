#include "node-agent/leave/daemonset.hpp"

#include <optional>
#include <string>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

TEST_CASE("the DaemonSet is asked for by its name") {
    CHECK(get_daemonset("mesh/agent").path == "/apis/apps/v1/namespaces/mesh/daemonsets/agent");
}

// Does a DaemonSet whose pods have this spec want a node with these labels?
std::optional<bool> wants(const std::string& pod_spec, const std::string& labels) {
    return wants_node(
        R"({"kind": "DaemonSet", "spec": {"template": {"spec": )" + pod_spec + "}}}",
        R"({"kind": "Node", "metadata": {"name": "node-a", "labels": )" + labels + "}}", "node-a");
}

std::string affinity(const std::string& terms) {
    return R"({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
               {"nodeSelectorTerms": )" +
           terms + "}}}}";
}

// The answer for one requirement on the node's labels.
std::optional<bool> meets(const std::string& requirement) {
    return wants(affinity(R"([{"matchExpressions": [)" + requirement + "]}]"),
                 R"({"zone": "a", "cores": "8"})");
}

TEST_CASE("a node selector wants each of its labels") {
    CHECK(wants("{}", "{}") == true);
    CHECK(wants(R"({"nodeSelector": {"a": "1", "b": "2"}})", R"({"a": "1", "b": "2"})") == true);
    CHECK(wants(R"({"nodeSelector": {"a": "1", "b": "2"}})", R"({"a": "1"})") == false);
    CHECK(wants(R"({"nodeSelector": {"a": "1"}})", R"({"a": "2"})") == false);
    CHECK(wants(R"({"nodeSelector": {"a": "1"}})", "null") == false);
}

TEST_CASE("every operator of a node affinity") {
    CHECK(meets(R"({"key": "zone", "operator": "In", "values": ["b", "a"]})") == true);
    CHECK(meets(R"({"key": "zone", "operator": "In", "values": ["b"]})") == false);
    CHECK(meets(R"({"key": "none", "operator": "In", "values": ["b"]})") == false);
    CHECK(meets(R"({"key": "zone", "operator": "NotIn", "values": ["a"]})") == false);
    CHECK(meets(R"({"key": "none", "operator": "NotIn", "values": ["a"]})") == true);
    CHECK(meets(R"({"key": "zone", "operator": "Exists"})") == true);
    CHECK(meets(R"({"key": "none", "operator": "Exists"})") == false);
    CHECK(meets(R"({"key": "none", "operator": "DoesNotExist"})") == true);
    CHECK(meets(R"({"key": "zone", "operator": "DoesNotExist"})") == false);
    CHECK(meets(R"({"key": "cores", "operator": "Gt", "values": ["7"]})") == true);
    CHECK(meets(R"({"key": "cores", "operator": "Gt", "values": ["8"]})") == false);
    CHECK(meets(R"({"key": "cores", "operator": "Lt", "values": ["16"]})") == true);
    CHECK(meets(R"({"key": "zone", "operator": "Lt", "values": ["16"]})") == false);
    CHECK(meets(R"({"key": "none", "operator": "Gt", "values": ["0"]})") == false);
}

TEST_CASE("of terms one is enough, of a term's requirements all are needed") {
    const std::string a = R"({"key": "zone", "operator": "Exists"})";
    const std::string no = R"({"key": "none", "operator": "Exists"})";
    const std::string labels = R"({"zone": "a"})";
    const auto term = [](const std::string& requirements) {
        return R"({"matchExpressions": [)" + requirements + "]}";
    };
    CHECK(wants(affinity("[" + term(no) + "," + term(a) + "]"), labels) == true);
    CHECK(wants(affinity("[" + term(no + "," + a) + "]"), labels) == false);
    CHECK(wants(affinity("[{}]"), labels) == false);
    CHECK(wants(affinity("[]"), labels) == false);
    const auto by_name = [&](const std::string& name) {
        return wants(affinity(R"([{"matchFields": [{"key": "metadata.name", "operator": "In",
                                                    "values": [")" +
                              name + R"("]}]}])"),
                     labels);
    };
    CHECK(by_name("node-a") == true);
    CHECK(by_name("node-b") == false);
}

TEST_CASE("what is not understood is no answer, whatever the rest says") {
    CHECK(meets(R"({"key": "none", "operator": "Exists"},
                   {"key": "zone", "operator": "Near", "values": ["a"]})") == std::nullopt);
    CHECK(meets(R"({"operator": "Exists"})") == std::nullopt);
    CHECK(meets(R"({"key": "cores", "operator": "Gt", "values": ["many"]})") == std::nullopt);
    CHECK(wants(affinity(R"([{"matchFields": [{"key": "spec.x", "operator": "Exists"}]}])"),
                "{}") == std::nullopt);
    CHECK(wants(affinity("7"), "{}") == std::nullopt);
    CHECK(wants(R"({"nodeSelector": ["a"]})", "{}") == std::nullopt);
    CHECK(wants("null", "{}") == std::nullopt);
    CHECK(wants("{}", "7") == std::nullopt);
    CHECK(wants_node("{}", "{}", "node-a") == std::nullopt);
    CHECK(wants_node("no JSON", "no JSON", "node-a") == std::nullopt);
}

}  // namespace
}  // namespace ambient::agent
