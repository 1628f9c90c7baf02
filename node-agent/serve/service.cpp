#include "node-agent/serve/service.hpp"

#include <chrono>

#include <fmt/format.h>

#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

using Clock = std::chrono::steady_clock;

PodId pod_of(const rpc::Request& request) { return {request.pod_namespace, request.pod_name}; }

// `shown` is what the source shows under this name, or null.
Error unknown_pod(const rpc::Request& request, const kube::Pod* shown) {
    Error error = {.kind = ErrorKind::unavailable,
                   .doing = "the source does not show this pod yet; try again",
                   .object = to_string(pod_of(request))};
    if (shown != nullptr && !kube::may_have_uid(*shown, request.pod_uid)) {
        error.doing = fmt::format(
            "the source shows uid {} under this name, the runtime asks for uid {}: one of them is "
            "the other's successor; try again",
            kube::runtime_uid(*shown), request.pod_uid);
    }
    return error;
}

rpc::Reply refusal(const rpc::Request& request, Error error) {
    if (request.verb != rpc::Verb::status) {
        log(LogLevel::warning, "request refused",
            {{"pod", to_string(pod_of(request))},
             {"container", request.attachment.container_id},
             {"error", describe(error)}});
    }
    return {.error = std::move(error)};
}

}  // namespace

void Service::answer(const rpc::Request& request, Respond respond) {
    const auto id = pod_of(request);
    if (request.verb == rpc::Verb::add) clock_.asked(request.attachment, Clock::now());
    const bool unshown =
        request.verb == rpc::Verb::add && id != PodId{} && !pods_.shows(id, request.pod_uid);
    if (unshown) return add_when_shown(request, std::move(respond));
    respond(answer_now(request));
}

void Service::add_when_shown(const rpc::Request& request, Respond respond) {
    waiting_.insert(request.attachment);
    source_.fetch(pod_of(request), [this, request,
                                    respond = std::move(respond)](const Result<void>& fetched) {
        clock_.shown(request.attachment, Clock::now());
        if (waiting_.erase(request.attachment) == 0) {
            respond(refusal(request, Error{.kind = ErrorKind::unavailable,
                                           .doing = "detached while it was attached",
                                           .object = to_string(pod_of(request))}));
        } else if (!fetched) {
            clock_.dropped(request.attachment);
            auto error = fetched.error();
            error.kind = ErrorKind::unavailable;  // to be tried again, whatever it was
            respond(refusal(request, std::move(error)));
        } else {
            respond(answer_now(request));
        }
    });
}

rpc::Reply Service::answer_now(const rpc::Request& request) {
    auto reply = [&]() -> Result<rpc::Reply> {
        switch (request.verb) {
            case rpc::Verb::add: return add(request);
            case rpc::Verb::added: return added(request);
            case rpc::Verb::del: return del(request);
            case rpc::Verb::check: return check(request);
            case rpc::Verb::status: return status();
        }
        return std::unexpected(invalid_input("unknown verb"));
    }();
    if (reply) return *std::move(reply);
    clock_.dropped(request.attachment);
    return refusal(request, std::move(reply).error());
}

std::vector<IpAddress> Service::ended(const rpc::Request& last) {
    clock_.dropped(last.attachment);
    std::vector<IpAddress> left;
    for (const auto& address : last.addresses) {
        if (in_progress_.erase(address) > 0) left.push_back(address);
    }
    return left;
}

Result<rpc::Reply> Service::add(const rpc::Request& request) {
    const auto decision = pods_.decide(pod_of(request), request.pod_uid);
    if (!decision) return std::unexpected(unknown_pod(request, pods_.find(pod_of(request))));
    pods_.attach(request.attachment, pod_of(request), request.addresses);
    for (const auto& address : request.addresses)
        keeper_.forget_link(address);
    log(LogLevel::info, "pod attached",
        {{"pod", to_string(pod_of(request))},
         {"container", request.attachment.container_id},
         {"enrolled", decision->enrolled ? "yes" : "no"},
         {"reason", decision->reason}});
    if (!decision->enrolled) {
        // A capture that an earlier pod left on these addresses goes first.
        TRY(settle_changes());
        clock_.answered(request.attachment, false, Clock::now());
        return rpc::Reply{.enrolled = false, .reason = decision->reason};
    }
    TRY(settle_changes(request.addresses));
    auto part = TRY(keeper_.part_of(request.addresses));
    in_progress_.insert(request.addresses.begin(), request.addresses.end());
    clock_.answered(request.attachment, true, Clock::now());
    return rpc::Reply{.enrolled = true,
                      .reason = decision->reason,
                      .wanted = std::move(part.wanted),
                      .scope = std::move(part.scope)};
}

Result<rpc::Reply> Service::added(const rpc::Request& request) {
    clock_.programmed(request.attachment, Clock::now());
    for (const auto& address : request.addresses)
        in_progress_.erase(address);
    TRY(keeper_.settle({request.addresses.begin(), request.addresses.end()}, true));
    clock_.verified(request.attachment, Clock::now());
    return rpc::Reply{.enrolled = true};
}

Result<rpc::Reply> Service::del(const rpc::Request& request) {
    for (const auto& address : request.addresses)
        in_progress_.erase(address);
    waiting_.erase(request.attachment);
    clock_.dropped(request.attachment);
    pods_.detach(request.attachment, pod_of(request), request.addresses);
    log(LogLevel::info, "pod detached",
        {{"pod", to_string(pod_of(request))}, {"container", request.attachment.container_id}});
    TRY(settle_changes());
    return rpc::Reply{};
}

Result<rpc::Reply> Service::check(const rpc::Request& request) {
    const auto decision = pods_.decide(pod_of(request), request.pod_uid);
    if (!decision) return std::unexpected(unknown_pod(request, pods_.find(pod_of(request))));
    if (!decision->enrolled) return rpc::Reply{.enrolled = false, .reason = decision->reason};
    auto part = TRY(keeper_.part_of(request.addresses));
    return rpc::Reply{.enrolled = true,
                      .reason = decision->reason,
                      .wanted = std::move(part.wanted),
                      .scope = std::move(part.scope)};
}

// As long as an error stands here a runtime that asks starts no pod on the pod network, no ztunnel
// either, and the kubelet calls the node NotReady. So it is one only when captured pods suffer; who
// waits, for a ztunnel or to know everything, answers each ADD itself.
Result<rpc::Reply> Service::status() const {
    const auto datapath = readiness_().datapath;
    if (datapath.state == Ready::broken) return std::unexpected(*datapath.trouble);
    return rpc::Reply{.reason = datapath.trouble ? describe(*datapath.trouble) : "ready"};
}

Result<void> Service::settle_changes(const std::vector<IpAddress>& except) {
    // Before everything is known nothing is taken out: what is captured stays captured.
    if (!pods_.is_complete()) return {};
    auto changed = pods_.take_changed();
    for (const auto& address : except)
        changed.erase(address);
    return changed.empty() ? Result<void>{} : keeper_.settle(changed, true);
}

}  // namespace ambient::agent
