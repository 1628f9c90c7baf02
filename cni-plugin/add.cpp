#include <algorithm>

#include <fmt/format.h>

#include "cni-plugin/agent.hpp"
#include "cni-plugin/datapath.hpp"
#include "cni-plugin/pod_netns.hpp"
#include "cni-plugin/verbs.hpp"

namespace ambient::plugin {
namespace {

// The configured answer when no agent can be asked, or none that we understand: during an update
// of the two programs that passes too.
cni::Outcome<std::string> without_agent(const Call& call, const Error& error) {
    if (call.config.on_agent_unavailable == cni::WithoutAgent::deny) {
        return std::unexpected(cni::Failure{
            .code = cni::Code::try_again_later,
            .message = "the node agent cannot be asked whether this pod is captured: try again",
            .details = describe(error)});
    }
    note(fmt::format("the pod starts uncaptured, as on_agent_unavailable allows: {}",
                     describe(error)));
    return call.config.previous->text;
}

// Programs the pod and has the agent verify it. On failure the agent hears first that the pod is
// gone, so that it does not take the removal for drift.
cni::Outcome<std::string> capture(const Call& call, rpc::Client& agent,
                                  const Namespaces& namespaces, const rpc::Reply& reply) {
    const auto& attachment = call.environment.attachment;
    const auto kernels = kernels_of(namespaces);
    // It is the agent that looks at what we made, before the pod starts. What fails here has
    // restored what was there before.
    const auto programmed = reconcile(reply.parts, kernels, Verified::elsewhere);
    if (!programmed) {
        tell_gone(call, attachment, agent);
        return std::unexpected(
            cni::failure_of(programmed.error(), "the pod's traffic cannot be captured"));
    }
    const auto verified =
        agent.call(request_for(call, rpc::Verb::added, namespaces.pod), call.config.timeout);
    if (verified && !verified->error) return call.config.previous->text;

    tell_gone(call, attachment, agent);
    if (const auto undone = take_back(reply.parts, *programmed, kernels); !undone) {
        return std::unexpected(
            cni::failure_of(undone.error(), "the pod's capture, not verified, cannot be undone"));
    }
    if (!verified) return without_agent(call, verified.error());
    return std::unexpected(
        cni::failure_of(*verified->error, "the agent found the pod's capture wrong; it is undone"));
}

}  // namespace

cni::Outcome<std::string> add(const Call& call) {
    const auto previous = TRY(call.config.previous);
    const auto namespaces = TRY(open_namespaces(call.environment.netns));
    if (is_excluded(call)) return previous.text;
    auto agent = rpc::Client::connect(call.config.agent_socket, call.config.timeout);
    if (!agent) return without_agent(call, agent.error());
    const auto reply =
        agent->call(request_for(call, rpc::Verb::add, namespaces.pod), call.config.timeout);
    if (!reply) return without_agent(call, reply.error());
    if (reply->error) {
        return std::unexpected(cni::failure_of(*reply->error, "the node agent refused the pod"));
    }
    if (!reply->enrolled) return previous.text;
    // Rules in the pod's own namespace do not ask for them.
    const bool by_address =
        std::ranges::any_of(reply->parts, [](const model::Part& part) { return !part.where.pod; });
    if (const auto known = require_addresses(previous); by_address && !known) {
        tell_gone(call, call.environment.attachment, *agent);
        return std::unexpected(known.error());
    }
    return capture(call, *agent, namespaces, *reply);
}

}  // namespace ambient::plugin
