#include <algorithm>

#include "common/desired/boolean.hpp"
#include "common/desired/shown.hpp"
#include "common/desired/sidecar.hpp"
#include "common/desired/sidecar_mode.hpp"
#include "common/desired/sidecar_names.hpp"

namespace ambient::desired {
namespace {

using namespace sidecar;

const std::string* find(const kube::Labels& labels, const std::string& name) {
    const auto found = labels.find(name);
    return found == labels.end() ? nullptr : &found->second;
}

bool is(const std::string* text, bool value) { return text && parse_boolean(*text) == value; }

// The label goes before the annotation.
const std::string* injection_of(const kube::Pod& pod) {
    const auto* label = find(pod.labels, kInject);
    return label ? label : find(pod.annotations, kInject);
}

std::string why_not(const Policy& policy, const kube::Pod& pod, const kube::Labels& defaults) {
    if (pod.host_network) return "host network";
    if (std::ranges::count(policy.excluded_namespaces, pod.namespace_name) > 0)
        return "namespace " + pod.namespace_name + " is excluded";
    if (pod.has_istio_init) return "its init container istio-init makes the rules";
    if (!find(pod.annotations, policy.sidecar_annotation))
        return "has no annotation " + policy.sidecar_annotation;
    if (!pod.proxy) return "has no container istio-proxy";
    if (is(find(pod.proxy->env, kDisableEnvoy), true))
        return std::string(kDisableEnvoy) + " is true";
    const auto& args = pod.proxy->args;
    if (args.size() == 2 && args[0] == "proxy" && args[1] != "sidecar")
        return "its istio-proxy is a " + shown(args[1]) + ", no sidecar";
    if (is(injection_of(pod), false)) return std::string(kInject) + " is false";
    // The injector takes this value, and leaves the pod's traffic alone.
    const auto mode = mode_of(pod, defaults);
    if (mode.value == "NONE") return std::string(mode.said_by) + " is NONE";
    return {};
}

}  // namespace

SidecarDecision sidecar_of(const Policy& policy, const kube::Pod& pod,
                           const kube::Labels& defaults) {
    if (auto reason = why_not(policy, pod, defaults); !reason.empty())
        return {.redirect = false, .reason = std::move(reason)};
    return {.redirect = true, .reason = "has a sidecar"};
}

}  // namespace ambient::desired
