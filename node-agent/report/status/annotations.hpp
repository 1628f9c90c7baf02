// Which pods' annotations are to be written so that each says what the kernel does. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/desired/config.hpp"
#include "common/kube/objects.hpp"
#include "node-agent/pods/pod_captures.hpp"
#include "node-agent/report/status/requests.hpp"

namespace ambient::agent {

// What was written and the source has not shown yet.
struct WrittenAnnotation {
    bool enabled = false;          // false is no annotation
    std::string resource_version;  // of the pod that was looked at

    bool operator==(const WrittenAnnotation&) const = default;
};
using Written = std::map<PodRef, WrittenAnnotation>;

struct AnnotationWrite {
    PodRef pod;
    std::string resource_version;  // of the pod that was looked at
    bool enabled = false;

    bool operator==(const AnnotationWrite&) const = default;
};

// `shown` is every pod that the source shows. A pod on its way out is left alone, and takes its
// annotation with it; the value "disabled" is its owner's.
std::vector<AnnotationWrite> annotation_writes(const desired::Policy& policy,
                                               const std::vector<const kube::Pod*>& shown,
                                               const PodCaptures& captures, const Written& written);

// Forgets what the source has shown by now, and what pods have that are gone. "enabled" is accepted
// for the version that was looked at only, so any other version comes after it: whether the
// annotation is there does not matter, somebody may have removed it since.
void forget_shown(Written& written, const desired::Policy& policy,
                  const std::vector<const kube::Pod*>& shown);

}  // namespace ambient::agent
