#include "cni-plugin/agent.hpp"
#include "cni-plugin/verbs.hpp"

namespace ambient::plugin {

cni::Outcome<std::string> status(const Call& call) {
    const auto fail = [](cni::Code code, std::string message, const Error& error) {
        return std::unexpected(
            cni::Failure{.code = code, .message = std::move(message), .details = describe(error)});
    };
    const auto reply = [&]() -> Result<rpc::Reply> {
        auto agent = TRY(rpc::Client::connect(call.config.agent_socket, call.config.timeout));
        return agent.call({.verb = rpc::Verb::status}, call.config.timeout);
    }();
    if (!reply) {
        // An agent that is being replaced, or has crashed. While this fails the kubelet calls the
        // node NotReady: all its pods, also those outside the mesh, leave their Services at once
        // and are evicted after five minutes. Captured traffic flows on, and ADD answers "try again
        // later" by itself: nothing starts uncaptured.
        note("STATUS: the node agent cannot be reached: " + describe(reply.error()));
        return "";
    }
    if (!reply->error) return "";
    // The agent has looked at the kernel, and it is not what it must be.
    if (reply->error->kind == ErrorKind::unavailable) {
        return fail(cni::Code::not_available, "the datapath is not ready", *reply->error);
    }
    return fail(cni::Code::limited_connectivity, "the datapath is broken", *reply->error);
}

}  // namespace ambient::plugin
