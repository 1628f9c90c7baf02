#include "common/desired/enrolment.hpp"

#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ambient::desired {
namespace {

const std::string kMode = "istio.io/dataplane-mode";
const Policy kPolicy;

kube::Pod pod_with(kube::Labels labels, kube::Labels annotations = {}) {
    return {.namespace_name = "default",
            .name = "sleep",
            .labels = std::move(labels),
            .annotations = std::move(annotations),
            .phase = "Running",
            .addresses = {IpAddress::v4(10, 244, 1, 11)}};
}

void make_ztunnel(kube::Pod& pod) {
    pod.namespace_name = "istio-system";
    pod.service_account = "ztunnel";
    pod.labels["app"] = "ztunnel";
}

TEST_CASE("every combination of what a pod and its namespace say") {
    const std::array<const char*, 4> pod_modes = {nullptr, "ambient", "none", "sidecar"};
    const std::array<const char*, 4> space_modes = {"unknown", "", "ambient", "none"};
    for (unsigned bits = 0; bits < 32; ++bits) {
        for (const char* pod_mode : pod_modes) {
            for (const char* const space_mode : space_modes) {
                kube::Pod pod = pod_with({});
                if (pod_mode) pod.labels[kMode] = pod_mode;
                pod.host_network = bits & 1;
                if (bits & 2) make_ztunnel(pod);
                if (bits & 4) pod.namespace_name = "kube-system";
                if (bits & 8) pod.annotations["sidecar.istio.io/status"] = "{}";
                if (bits & 16) pod.annotations["ambient.istio.io/redirection"] = "disabled";
                const std::string space_says = space_mode;
                kube::Labels space;
                if (!space_says.empty()) space[kMode] = space_says;

                const std::string pod_says = pod_mode ? pod_mode : "";
                const bool expected =
                    bits == 0 &&
                    (pod_says == "ambient" || (pod_says != "none" && space_says == "ambient"));
                CAPTURE(bits);
                CAPTURE(pod_says);
                CAPTURE(space_says);
                const Enrolment got =
                    enrolment_of(kPolicy, pod, space_says == "unknown" ? nullptr : &space);
                CHECK(got.enrolled == expected);
                CHECK_FALSE(got.reason.empty());
            }
        }
    }
}

TEST_CASE("the reason says what decided") {
    const kube::Labels ambient = {{kMode, "ambient"}};
    const kube::Labels plain;
    const auto reason = [&](const kube::Pod& pod, const kube::Labels* space) {
        return enrolment_of(kPolicy, pod, space).reason;
    };
    CHECK(reason(pod_with({}), &ambient) == "namespace label istio.io/dataplane-mode=ambient");
    CHECK(reason(pod_with({{kMode, "ambient"}}), &plain) ==
          "pod label istio.io/dataplane-mode=ambient");
    CHECK(reason(pod_with({{kMode, "none"}}), &ambient) ==
          "pod label istio.io/dataplane-mode=none");
    CHECK(reason(pod_with({}), &plain) ==
          "neither pod nor namespace has label istio.io/dataplane-mode=ambient");
    CHECK(reason(pod_with({}), nullptr) == "namespace default is not known");
    CHECK(reason(pod_with({}, {{"sidecar.istio.io/status", ""}}), &ambient) == "has a sidecar");
    CHECK(reason(pod_with({}, {{"ambient.istio.io/redirection", "disabled"}}), &ambient) ==
          "redirection is disabled by annotation");
    kube::Pod ztunnel = pod_with({});
    make_ztunnel(ztunnel);
    CHECK(reason(ztunnel, &ambient) == "is a ztunnel");
    kube::Pod on_host = pod_with({});
    on_host.host_network = true;
    CHECK(reason(on_host, &ambient) == "host network");
    kube::Pod system = pod_with({});
    system.namespace_name = "istio-system";
    CHECK(reason(system, &ambient) == "namespace istio-system is excluded");
}

TEST_CASE("a redirection annotation with another value changes nothing") {
    const kube::Labels ambient = {{kMode, "ambient"}};
    CHECK(
        enrolment_of(kPolicy, pod_with({}, {{"ambient.istio.io/redirection", "enabled"}}), &ambient)
            .enrolled);
}

TEST_CASE("names of labels and values come from the policy") {
    Policy policy;
    policy.dataplane_label = "example.com/mesh";
    policy.ambient_value = "on";
    policy.excluded_namespaces = {};
    kube::Pod pod = pod_with({{"example.com/mesh", "on"}});
    pod.namespace_name = "kube-system";
    CHECK(enrolment_of(policy, pod, nullptr).enrolled);
    CHECK_FALSE(enrolment_of(policy, pod_with({{kMode, "ambient"}}), nullptr).enrolled);
}

kube::Pod ztunnel(std::string name, std::string ready_since) {
    kube::Pod pod = pod_with({});
    make_ztunnel(pod);
    pod.uid = pod.name = std::move(name);
    pod.ready = !ready_since.empty();
    pod.ready_since = std::move(ready_since);
    return pod;
}

std::vector<std::string> chosen(const std::vector<kube::Pod>& pods) {
    std::vector<const kube::Pod*> pointers;
    for (const kube::Pod& pod : pods)
        pointers.push_back(&pod);
    std::vector<std::string> names;
    for (const kube::Pod* pod : ztunnels(kPolicy, pointers))
        names.push_back(pod->name);
    return names;
}

TEST_CASE("the ztunnel that became ready last is active, the others follow") {
    using Names = std::vector<std::string>;
    const kube::Pod old = ztunnel("old", "2026-01-01T00:00:00Z");
    const kube::Pod fresh = ztunnel("fresh", "2026-01-02T00:00:00Z");
    const kube::Pod unready = ztunnel("unready", "");
    CHECK(chosen({old, fresh}) == Names{"fresh", "old"});
    CHECK(chosen({fresh, old}) == Names{"fresh", "old"});
    CHECK(chosen({unready, old}) == Names{"old", "unready"});
    CHECK(chosen({}) == Names{});
    CHECK(chosen({unready}) == Names{});

    SUBCASE("not a ztunnel, or none that packets could be led to") {
        kube::Pod other = old;
        other.labels["app"] = "sleep";
        kube::Pod on_host = fresh;
        on_host.host_network = true;
        kube::Pod without_address = fresh;
        without_address.addresses.clear();
        kube::Pod finished = fresh;
        finished.phase = "Failed";
        CHECK(chosen({other, on_host, without_address, finished, old}) == Names{"old"});
    }
    SUBCASE("the label alone makes no ztunnel, nor the rest without it") {
        kube::Pod elsewhere = fresh;
        elsewhere.namespace_name = "default";
        kube::Pod of_somebody = fresh;
        of_somebody.service_account = "default";
        kube::Pod unlabelled = fresh;
        unlabelled.labels.clear();
        CHECK(chosen({elsewhere, of_somebody, unlabelled, old}) == Names{"old"});
        CHECK(is_refused_ztunnel(kPolicy, elsewhere));
        CHECK(is_refused_ztunnel(kPolicy, of_somebody));
        CHECK_FALSE(is_refused_ztunnel(kPolicy, unlabelled));
        CHECK_FALSE(is_refused_ztunnel(kPolicy, fresh));
        const kube::Labels ambient = {{kMode, "ambient"}};
        CHECK(enrolment_of(kPolicy, elsewhere, &ambient).enrolled);
    }
    SUBCASE("ready is not enough while the pod is not running") {
        kube::Pod pending = fresh;
        pending.phase = "Pending";
        CHECK(chosen({pending, old}) == Names{"old", "fresh"});
        CHECK(chosen({pending}) == Names{});
    }
    SUBCASE("one on its way out is taken only when no other is ready") {
        kube::Pod leaving = fresh;
        leaving.terminating = true;
        CHECK(chosen({leaving, old}) == Names{"old", "fresh"});
        CHECK(chosen({leaving, unready}) == Names{"fresh", "unready"});
    }
    SUBCASE("ready at the same moment: the uid decides, whatever the order") {
        const kube::Pod twin = ztunnel("twin", fresh.ready_since);
        CHECK(chosen({fresh, twin}) == Names{"twin", "fresh"});
        CHECK(chosen({twin, fresh}) == Names{"twin", "fresh"});
    }
}

TEST_CASE("DNS capture is asked for by ztunnel's environment, exactly") {
    kube::Pod pod = ztunnel("zt", "2026-01-01T00:00:00Z");
    CHECK_FALSE(wants_dns_capture(kPolicy, pod));
    pod.env["ISTIO_META_DNS_CAPTURE"] = "false";
    CHECK_FALSE(wants_dns_capture(kPolicy, pod));
    pod.env["ISTIO_META_DNS_CAPTURE"] = "true";
    CHECK(wants_dns_capture(kPolicy, pod));
}

TEST_CASE("what pods do without ztunnel: the namespace's annotation, else the policy") {
    Policy policy;
    const auto choice = [&](const char* value) {
        const kube::Namespace space{
            .annotations = {{"ambient-cni.dev/without-ztunnel", value}, {"other", "x"}}};
        const auto kept = trimmed(policy, space).annotations;
        CHECK(kept.size() == 1);
        return without_ztunnel(policy, kept);
    };
    CHECK(without_ztunnel(policy, {}) == WithoutZtunnel::wait);
    CHECK(choice("bypass") == WithoutZtunnel::bypass);
    CHECK(choice("reset") == WithoutZtunnel::reset);
    policy.without_ztunnel = WithoutZtunnel::reset;
    CHECK(without_ztunnel(policy, {}) == WithoutZtunnel::reset);
    CHECK(choice("wait") == WithoutZtunnel::wait);
    CHECK(choice("Bypass") == WithoutZtunnel::reset);
}

TEST_CASE("trimming keeps every answer of the policy, and nothing else") {
    const Policy policy;
    kube::Pod pod{
        .namespace_name = "mesh",
        .name = "web",
        .labels = {{"istio.io/dataplane-mode", "ambient"}, {"app", "ztunnel"}, {"x", "y"}},
        .annotations = {{"sidecar.istio.io/status", "{\"revision\":\"default\"}"},
                        {"ambient.istio.io/redirection", "disabled"},
                        {"other", "text"}},
        .env = {{"ISTIO_META_DNS_CAPTURE", "true"}, {"SECRET", "s"}}};
    const auto kept = trimmed(policy, pod);
    CHECK(kept.labels.size() == 2);
    CHECK(kept.annotations.size() == 2);
    CHECK(kept.annotations.at("sidecar.istio.io/status").empty());
    CHECK(kept.env.size() == 1);
    CHECK(wants_dns_capture(policy, kept));
    CHECK(is_ztunnel(policy, kept) == is_ztunnel(policy, pod));
    CHECK(enrolment_of(policy, kept, nullptr) == enrolment_of(policy, pod, nullptr));
    const kube::Namespace space{.name = "mesh",
                                .labels = {{"istio.io/dataplane-mode", "ambient"}, {"a", "b"}},
                                .annotations = {{"sidecar.istio.io/interceptionMode", "TPROXY"},
                                                {"openshift.io/description", "long"}}};
    CHECK(trimmed(policy, space).labels == kube::Labels{{"istio.io/dataplane-mode", "ambient"}});
    CHECK(trimmed(policy, space).annotations ==
          kube::Labels{{"sidecar.istio.io/interceptionMode", "TPROXY"}});
}

}  // namespace
}  // namespace ambient::desired
