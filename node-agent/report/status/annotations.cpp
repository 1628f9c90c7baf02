#include "node-agent/report/status/annotations.hpp"

namespace ambient::agent {
namespace {

std::string annotation_of(const desired::Policy& policy, const kube::Pod& pod) {
    const auto found = pod.annotations.find(policy.redirection_annotation);
    return found == pod.annotations.end() ? std::string() : found->second;
}

bool is_shown(const desired::Policy& policy, const kube::Pod& pod,
              const WrittenAnnotation& written) {
    return written.enabled ? pod.resource_version != written.resource_version
                           : annotation_of(policy, pod) != kRedirectionEnabled;
}

}  // namespace

std::vector<AnnotationWrite> annotation_writes(const desired::Policy& policy,
                                               const std::vector<const kube::Pod*>& shown,
                                               const PodCaptures& captures,
                                               const Written& written) {
    std::vector<AnnotationWrite> writes;
    for (const auto* pod : shown) {
        const auto ref = ref_of(*pod);
        const auto value = annotation_of(policy, *pod);
        if (pod->terminating || value == policy.redirection_disabled) continue;
        const auto ours = written.find(ref);
        const bool is_enabled =
            ours == written.end() ? value == kRedirectionEnabled : ours->second.enabled;
        const auto capture = captures.find(ref.id);
        const bool captured = capture != captures.end() && capture->second.captured;
        if (captured == is_enabled) continue;
        writes.push_back(
            {.pod = ref, .resource_version = pod->resource_version, .enabled = captured});
    }
    return writes;
}

void forget_shown(Written& written, const desired::Policy& policy,
                  const std::vector<const kube::Pod*>& shown) {
    if (written.empty()) return;
    Written kept;
    for (const auto* pod : shown) {
        const auto ours = written.find(ref_of(*pod));
        if (ours != written.end() && !is_shown(policy, *pod, ours->second)) kept.insert(*ours);
    }
    written = std::move(kept);
}

}  // namespace ambient::agent
