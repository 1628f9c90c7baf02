// What the verbs ask the agent.
#pragma once

#include <string>
#include <string_view>

#include "cni-plugin/pod_netns.hpp"
#include "cni-plugin/verbs.hpp"
#include "common/rpc/client.hpp"

namespace ambient::plugin {

// The request about this call's attachment, with the pod's namespace where there is one.
rpc::Request request_for(const Call& call, rpc::Verb verb, PodNetns pod = nullptr);

// Tells the agent that an attachment is gone. One that is slow to answer has heard it: what waits
// at its socket it reads before it judges the kernel again. A failure is only noted on standard
// error.
void tell_gone(const Call& call, const cni::Attachment& attachment);
void tell_gone(const Call& call, const cni::Attachment& attachment, rpc::Client& agent);

// Whether the pod's namespace is one that never waits for the agent.
bool is_excluded(const Call& call);

// Failure when prevResult leaves open which addresses are the pod's: nothing says then that a pod
// which must be captured is.
cni::Outcome<void> require_addresses(const cni::PreviousResult& previous);

// To standard error, as far as somebody reads it.
void write_errors(std::string_view text);

// One line there, which runtimes log.
void note(const std::string& text);

}  // namespace ambient::plugin
