// How a sidecar takes its pod's traffic, as the pod says it. Internal to common/desired.
#pragma once

#include <string>

#include "common/desired/sidecar_names.hpp"
#include "common/kube/objects.hpp"

namespace ambient::desired::sidecar {

struct Mode {
    const char* said_by = kMode;
    std::string value = "REDIRECT";
};

// The injector writes the mode into the proxy's environment, by which it listens for as long as it
// runs: that goes before an annotation that somebody has changed since.
inline Mode mode_of(const kube::Pod& pod, const kube::Labels& defaults) {
    const auto in = [](const kube::Labels& labels, const char* name) -> const std::string* {
        const auto found = labels.find(name);
        return found == labels.end() ? nullptr : &found->second;
    };
    if (pod.proxy) {
        const auto* env = in(pod.proxy->env, kModeOfProxy);
        if (env && !env->empty()) return {.said_by = kModeOfProxy, .value = *env};
    }
    if (const auto* own = in(pod.annotations, kMode)) return {.value = *own};
    if (const auto* space = in(defaults, kMode)) return {.value = *space};
    return {};
}

}  // namespace ambient::desired::sidecar
