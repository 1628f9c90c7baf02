// Whether a pod's annotation is to be written so that it says what the kernel does. Pure.
#pragma once

#include <optional>
#include <string>

#include "common/desired/config.hpp"
#include "common/kube/objects.hpp"
#include "node-agent/report/status/requests.hpp"

namespace ambient::agent {

// What was written and the source has not shown yet.
struct WrittenAnnotation {
    bool enabled = false;          // false is no annotation
    std::string resource_version;  // of the pod that was looked at

    bool operator==(const WrittenAnnotation&) const = default;
};

struct AnnotationWrite {
    PodRef pod;
    std::string resource_version;  // of the pod that was looked at
    bool enabled = false;

    bool operator==(const AnnotationWrite&) const = default;
};

// What is to be written to a pod that the kernel captures or not; `written` may be none. A pod on
// its way out is left alone, and takes its annotation with it; the value "disabled" is its owner's.
std::optional<AnnotationWrite> annotation_write(const desired::Policy& policy, const kube::Pod& pod,
                                                bool captured,
                                                const std::optional<WrittenAnnotation>& written);

// Whether the source has shown what was written by now. "enabled" is accepted for the version that
// was looked at only, so any other version comes after it: whether the annotation is there does not
// matter, somebody may have removed it since.
bool is_shown(const WrittenAnnotation& written, const desired::Policy& policy,
              const kube::Pod& pod);

}  // namespace ambient::agent
