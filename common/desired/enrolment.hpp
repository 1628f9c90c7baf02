// Who is captured, and by which ztunnel: pure policy (CONTRACT, enrolled, active ztunnel).
#pragma once

#include <string>
#include <vector>

#include "common/desired/config.hpp"
#include "common/kube/objects.hpp"

namespace ambient::desired {

// `reason` says in a few words why, for logs, for `explain` and for the plugin's answer.
struct Enrolment {
    bool enrolled = false;
    std::string reason;

    bool operator==(const Enrolment&) const = default;
};

// Whether a pod is captured, its addresses and phase left aside: labels, annotations, host network,
// excluded namespaces. `space_labels` may be null: the namespace is not known.
Enrolment enrolment_of(const Policy& policy, const kube::Pod& pod,
                       const kube::Labels* space_labels);

// Whether its containers ended for good: its addresses may be another pod's by now.
bool is_finished(const kube::Pod& pod);

// What counts of a Kubernetes namespace: it says things for all its pods.
struct Space {
    kube::Labels labels;
    kube::Labels annotations;

    auto operator<=>(const Space&) const = default;
};

// What the pods of a namespace do without a ztunnel; `annotations` are the namespace's. A value
// that is none of the three says nothing.
WithoutZtunnel without_ztunnel(const Policy& policy, const kube::Labels& annotations);

// Only what this policy reads, which is a small part: labels, annotations and environment by name.
kube::Pod trimmed(const Policy& policy, kube::Pod pod);
Space trimmed(const Policy& policy, const kube::Namespace& space);

// Whether the pod is a ztunnel: by its label, which anyone may write who may create pods, and by
// its namespace and service account, which not everyone may use.
bool is_ztunnel(const Policy& policy, const kube::Pod& pod);
// Whether it has ztunnel's label and is none: to us a pod as any other.
bool is_refused_ztunnel(const Policy& policy, const kube::Pod& pod);

// Of `pods`, the ztunnel pods, the active one first: Running and ready, the one that became ready
// last; then the others that have an address. Empty when none is ready.
std::vector<const kube::Pod*> ztunnels(const Policy& policy,
                                       const std::vector<const kube::Pod*>& pods);

// Whether the ztunnel's environment asks for DNS capture.
bool wants_dns_capture(const Policy& policy, const kube::Pod& ztunnel);

}  // namespace ambient::desired
