#include "node-agent/report/status/annotations.hpp"

namespace ambient::agent {
namespace {

std::string annotation_of(const desired::Policy& policy, const kube::Pod& pod) {
    const auto found = pod.annotations.find(policy.redirection_annotation);
    return found == pod.annotations.end() ? std::string() : found->second;
}

}  // namespace

std::optional<AnnotationWrite> annotation_write(const desired::Policy& policy, const kube::Pod& pod,
                                                bool captured,
                                                const std::optional<WrittenAnnotation>& written) {
    const auto value = annotation_of(policy, pod);
    if (pod.terminating || value == policy.redirection_disabled) return std::nullopt;
    const bool is_enabled = written ? written->enabled : value == kRedirectionEnabled;
    if (captured == is_enabled) return std::nullopt;
    return AnnotationWrite{
        .pod = ref_of(pod), .resource_version = pod.resource_version, .enabled = captured};
}

bool is_shown(const WrittenAnnotation& written, const desired::Policy& policy,
              const kube::Pod& pod) {
    return written.enabled ? pod.resource_version != written.resource_version
                           : annotation_of(policy, pod) != kRedirectionEnabled;
}

}  // namespace ambient::agent
