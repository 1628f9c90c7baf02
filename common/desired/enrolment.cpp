#include "common/desired/enrolment.hpp"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

#include "common/desired/sidecar.hpp"
#include "common/desired/sidecar_names.hpp"

namespace ambient::desired {
namespace {

// Null when there is no such label.
const std::string* value_of(const kube::Labels& labels, const std::string& name) {
    const auto found = labels.find(name);
    return found == labels.end() ? nullptr : &found->second;
}

bool has(const kube::Labels& labels, const std::string& name, const std::string& value) {
    const std::string* found = value_of(labels, name);
    return found && *found == value;
}

template <class Names = std::initializer_list<std::string_view>>
kube::Labels only(const kube::Labels& labels, const Names& names) {
    kube::Labels kept;
    for (const auto& name : names) {
        const auto found = labels.find(std::string(name));
        if (found != labels.end()) kept.insert(*found);
    }
    return kept;
}

bool is_ready(const kube::Pod& pod) { return pod.phase == "Running" && pod.ready; }

// Why a pod is never captured, whatever dataplane mode it asks for; empty when it may be.
std::string obstacle(const Policy& policy, const kube::Pod& pod) {
    if (pod.host_network) return "host network";
    if (is_ztunnel(policy, pod)) return "is a ztunnel";
    if (std::ranges::find(policy.excluded_namespaces, pod.namespace_name) !=
        policy.excluded_namespaces.end()) {
        return "namespace " + pod.namespace_name + " is excluded";
    }
    if (value_of(pod.annotations, policy.sidecar_annotation)) return "has a sidecar";
    if (has(pod.annotations, policy.redirection_annotation, policy.redirection_disabled)) {
        return "redirection is disabled by annotation";
    }
    return {};
}

}  // namespace

// A pod label with any other value than these two decides nothing, as an absent one.
Enrolment enrolment_of(const Policy& policy, const kube::Pod& pod,
                       const kube::Labels* space_labels) {
    if (std::string why_not = obstacle(policy, pod); !why_not.empty()) {
        return {.enrolled = false, .reason = std::move(why_not)};
    }
    const std::string& label = policy.dataplane_label;
    if (has(pod.labels, label, policy.none_value)) {
        return {.enrolled = false, .reason = "pod label " + label + "=" + policy.none_value};
    }
    if (has(pod.labels, label, policy.ambient_value)) {
        return {.enrolled = true, .reason = "pod label " + label + "=" + policy.ambient_value};
    }
    if (!space_labels) {
        return {.enrolled = false, .reason = "namespace " + pod.namespace_name + " is not known"};
    }
    if (has(*space_labels, label, policy.ambient_value)) {
        return {.enrolled = true,
                .reason = "namespace label " + label + "=" + policy.ambient_value};
    }
    return {.enrolled = false,
            .reason = "neither pod nor namespace has label " + label + "=" + policy.ambient_value};
}

bool is_finished(const kube::Pod& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

kube::Pod trimmed(const Policy& policy, kube::Pod pod) {
    auto labels = only(pod.labels, {policy.dataplane_label, policy.ztunnel_label});
    auto annotations = only(pod.annotations, {policy.redirection_annotation});
    if (pod.annotations.contains(policy.sidecar_annotation)) {
        labels.merge(only(pod.labels, {sidecar::kInject, kUninitialized}));
        annotations.merge(only(pod.annotations, sidecar::kAnnotations));
        // Only its presence counts; the text is some hundred bytes in every pod with a sidecar.
        annotations.try_emplace(policy.sidecar_annotation);
        if (pod.proxy) pod.proxy->env = only(pod.proxy->env, sidecar::kVariables);
    } else {
        pod.proxy.reset();
    }
    pod.labels = std::move(labels);
    pod.annotations = std::move(annotations);
    pod.env = only(pod.env, {policy.dns_capture_env});
    return pod;
}

Space trimmed(const Policy& policy, const kube::Namespace& space) {
    auto annotations = only(space.annotations, sidecar::kAnnotations);
    annotations.merge(only(space.annotations, {policy.without_ztunnel_annotation}));
    return {.labels = only(space.labels, {policy.dataplane_label}),
            .annotations = std::move(annotations)};
}

WithoutZtunnel without_ztunnel(const Policy& policy, const kube::Labels& annotations) {
    const std::string* value = value_of(annotations, policy.without_ztunnel_annotation);
    const auto* word = value ? std::ranges::find(kWithoutZtunnel, *value) : kWithoutZtunnel.end();
    if (word == kWithoutZtunnel.end()) return policy.without_ztunnel;
    return static_cast<WithoutZtunnel>(word - kWithoutZtunnel.begin());
}

bool is_ztunnel(const Policy& policy, const kube::Pod& pod) {
    return has(pod.labels, policy.ztunnel_label, policy.ztunnel_value) &&
           pod.namespace_name == policy.ztunnel_namespace &&
           pod.service_account == policy.ztunnel_service_account;
}

bool is_refused_ztunnel(const Policy& policy, const kube::Pod& pod) {
    return has(pod.labels, policy.ztunnel_label, policy.ztunnel_value) && !is_ztunnel(policy, pod);
}

std::vector<const kube::Pod*> ztunnels(const Policy& policy,
                                       const std::vector<const kube::Pod*>& pods) {
    // A ztunnel on the host network has no veth to lead traffic to.
    const auto usable = [&](const kube::Pod* pod) {
        return is_ztunnel(policy, *pod) && !pod->host_network && !is_finished(*pod) &&
               !pod->addresses.empty();
    };
    std::vector<const kube::Pod*> found;
    std::ranges::copy_if(pods, std::back_inserter(found), usable);
    // A ztunnel on its way out is still Ready for a while; it is taken only when it is the last
    // one. The uid makes the order the same in every run.
    const auto rank = [](const kube::Pod* pod) {
        return std::tuple(is_ready(*pod), !pod->terminating, pod->ready_since, pod->uid);
    };
    std::ranges::sort(found, std::ranges::greater{}, rank);
    if (!found.empty() && !is_ready(*found.front())) found.clear();
    return found;
}

bool wants_dns_capture(const Policy& policy, const kube::Pod& ztunnel) {
    return has(ztunnel.env, policy.dns_capture_env, "true");
}

}  // namespace ambient::desired
