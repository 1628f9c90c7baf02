#include "node-agent/pods/pod_preview.hpp"

#include <sstream>

#include "common/plan/diff.hpp"
#include "common/plan/print.hpp"

namespace ambient::agent {
namespace {

std::string commented(const std::string& text) {
    std::string lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines += "# " + line + "\n";
    return lines;
}

}  // namespace

Result<PodId> pod_id(const std::string& text) {
    const auto slash = text.find('/');
    if (slash == 0 || slash == text.npos || slash + 1 == text.size()) {
        auto error = invalid_input("a pod is named NAMESPACE/NAME");
        error.object = text;
        return std::unexpected(std::move(error));
    }
    return PodId{.space = text.substr(0, slash), .name = text.substr(slash + 1)};
}

Result<std::string> preview(const PodTable& pods, const desired::Policy& policy,
                            std::uint8_t protocol, const PodId& id) {
    const auto* pod = pods.find(id);
    if (pod == nullptr) {
        return std::unexpected(Error{.kind = ErrorKind::not_found,
                                     .doing = "find among this node's pods",
                                     .object = to_string(id)});
    }
    const auto space = pods.namespaces().find(id.space);
    const auto& defaults =
        space == pods.namespaces().end() ? kube::Labels{} : space->second->annotations;
    const auto decision = desired::sidecar_of(policy, *pod, defaults);
    if (!decision.redirect) return commented(to_string(id) + " is left alone: " + decision.reason);
    auto parameters = desired::sidecar_parameters(*pod, defaults);
    if (!parameters) {
        parameters.error().object = "pod " + to_string(id);
        return std::unexpected(std::move(parameters).error());
    }
    std::string text = commented(to_string(id) + ": " + decision.reason);
    if (!policy.redirect_sidecars)
        text += commented("policy.redirect_sidecars is false: nothing of this is made");
    const desired::SidecarNumbers numbers;
    const auto plan =
        TRY(plan::diff_without_conflict(desired::sidecar_state(numbers, protocol, *parameters), {},
                                        desired::sidecar_scope(numbers, protocol)));
    return text + commented(desired::to_string(*parameters)) + plan::to_string(plan);
}

}  // namespace ambient::agent
