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
        // ADD passes without an agent then.
        if (call.config.on_agent_unavailable == cni::WithoutAgent::allow) return "";
        return fail(cni::Code::not_available, "the node agent cannot be reached", reply.error());
    }
    if (!reply->error) return "";
    // The agent has looked at the kernel: either it is not set up yet, or it is not what it must be
    // and the pods that it captures suffer.
    if (reply->error->kind == ErrorKind::unavailable) {
        return fail(cni::Code::not_available, "the datapath is not ready", *reply->error);
    }
    return fail(cni::Code::limited_connectivity, "the datapath is broken", *reply->error);
}

}  // namespace ambient::plugin
