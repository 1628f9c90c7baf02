#include "cni-plugin/agent.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include <fmt/format.h>

namespace ambient::plugin {
namespace {

// A pod's end does not wait for an agent that hangs.
std::chrono::milliseconds farewell_timeout(const Call& call) {
    constexpr std::chrono::milliseconds kMost{2000};
    return std::min(call.config.timeout, kMost);
}

void note_untold(const cni::Attachment& attachment, const Error& error) {
    note(fmt::format("the agent was not told that {} {} is gone: {}", attachment.container_id,
                     attachment.ifname, describe(error)));
}

}  // namespace

rpc::Request request_for(const Call& call, rpc::Verb verb, PodNetns netns) {
    const auto& [command, attachment, path, pod] = call.environment;
    rpc::Request request = {.verb = verb,
                            .attachment = attachment,
                            .pod_namespace = pod.namespace_name,
                            .pod_name = pod.name,
                            .pod_uid = pod.uid,
                            .netns = std::move(netns)};
    if (call.config.previous) request.addresses = call.config.previous->addresses;
    return request;
}

void tell_gone(const Call& call, const cni::Attachment& attachment) {
    auto agent = rpc::Client::connect(call.config.agent_socket, farewell_timeout(call));
    if (agent) return tell_gone(call, attachment, *agent);
    note_untold(attachment, agent.error());
}

void tell_gone(const Call& call, const cni::Attachment& attachment, rpc::Client& agent) {
    auto request = request_for(call, rpc::Verb::del);
    request.attachment = attachment;
    const auto reply = agent.call(request, farewell_timeout(call));
    if (!reply) return note_untold(attachment, reply.error());
    if (reply->error) note_untold(attachment, *reply->error);
}

bool is_excluded(const Call& call) {
    const auto& name = call.environment.pod.namespace_name;
    return !name.empty() && std::ranges::count(call.config.exclude_namespaces, name) > 0;
}

cni::Outcome<void> require_addresses(const cni::PreviousResult& previous) {
    if (!previous.doubt) return {};
    return std::unexpected(cni::Failure{
        .code = cni::Code::invalid_config,
        .message =
            "the pod must be captured, but not all its addresses are known: " + *previous.doubt});
}

void write_errors(std::string_view text) {
    // A reader that has gone must not end us: what is to be done is done nevertheless.
    std::signal(SIGPIPE, SIG_IGN);
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

void note(const std::string& text) { write_errors(fmt::format("ambient-cni: {}\n", text)); }

}  // namespace ambient::plugin
