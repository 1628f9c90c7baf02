#include <fmt/format.h>

#include "cni-plugin/agent.hpp"
#include "cni-plugin/datapath.hpp"
#include "cni-plugin/pod_netns.hpp"
#include "cni-plugin/verbs.hpp"
#include "common/plan/print.hpp"

namespace ambient::plugin {
namespace {

// The steps that the kernel lacks, as the `ip` and `nft` lines that they equal.
Result<std::string> missing(const rpc::Reply& reply, const Namespaces& namespaces) {
    std::string steps;
    for (const auto& plan : TRY(differences(reply.parts, kernels_of(namespaces))))
        steps += plan::to_string(plan);
    return steps;
}

}  // namespace

cni::Outcome<std::string> check(const Call& call) {
    const auto previous = TRY(call.config.previous);
    const auto namespaces = TRY(open_namespaces(call.environment.netns));
    if (is_excluded(call)) return "";

    const auto reply = [&]() -> Result<rpc::Reply> {
        auto agent = TRY(rpc::Client::connect(call.config.agent_socket, call.config.timeout));
        auto answer = TRY(
            agent.call(request_for(call, rpc::Verb::check, namespaces.pod), call.config.timeout));
        if (answer.error) return std::unexpected(*std::move(answer.error));
        return answer;
    }();
    if (!reply) {
        return std::unexpected(
            cni::failure_of(reply.error(), "the node agent cannot say what must be there"));
    }
    if (!reply->enrolled) return "";
    TRY(require_addresses(previous));

    const auto lacking = missing(*reply, namespaces);
    if (!lacking)
        return std::unexpected(cni::failure_of(lacking.error(), "the kernel cannot be compared"));
    if (lacking->empty()) return "";
    return std::unexpected(
        cni::Failure{.code = cni::Code::not_as_wanted,
                     .message = "the kernel does not hold what captures this pod",
                     .details = *lacking});
}

}  // namespace ambient::plugin
