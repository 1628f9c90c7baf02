#include "common/kube/draft.hpp"

#include <utility>

#include <fmt/format.h>

namespace ambient::kube {
namespace {

std::optional<Problem> problem_of(const Draft& draft, const char* kind) {
    if (draft.problem) return draft.problem;
    if (!draft.pod.name.empty()) return std::nullopt;
    return Problem{draft.place, fmt::format("{} has no metadata.name", kind)};
}

}  // namespace

std::expected<Pod, Problem> take_pod(Draft& draft) {
    if (auto problem = problem_of(draft, "Pod")) return std::unexpected(*std::move(problem));
    Pod pod = std::move(draft.pod);
    if (pod.namespace_name.empty()) pod.namespace_name = "default";  // as kubectl does
    if (pod.addresses.empty() && draft.pod_ip) pod.addresses.push_back(*draft.pod_ip);
    // Files written by hand often leave the transition out.
    if (pod.ready && pod.ready_since.empty()) pod.ready_since = std::move(draft.created);
    return pod;
}

std::expected<Namespace, Problem> take_namespace(Draft& draft) {
    if (auto problem = problem_of(draft, "Namespace")) return std::unexpected(*std::move(problem));
    return Namespace{.name = std::move(draft.pod.name),
                     .labels = std::move(draft.pod.labels),
                     .annotations = std::move(draft.pod.annotations)};
}

}  // namespace ambient::kube
