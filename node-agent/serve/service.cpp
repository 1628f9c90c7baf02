#include "node-agent/serve/service.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

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

// CONTRACT: a pod that shares the node's network is never captured.
Error nodes_own_netns(const rpc::Request& request) {
    return Error{.kind = ErrorKind::invalid_input,
                 .doing = "the network namespace to attach is the node's own; pod",
                 .object = to_string(pod_of(request))};
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
    take_turn(request, std::move(respond));
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
            take_turn(request, respond);
        }
    });
}

void Service::take_turn(const rpc::Request& request, Respond respond) {
    auto begun = begin(request);
    if (begun) {
        if (round_.empty()) round_begun_();
        round_.push_back(
            {.request = request, .respond = std::move(respond), .reply = *std::move(begun)});
        return;
    }
    clock_.dropped(request.attachment);
    respond(refusal(request, std::move(begun).error()));
}

Result<rpc::Reply> Service::begin(const rpc::Request& request) {
    switch (request.verb) {
        case rpc::Verb::add: return begin_add(request);
        case rpc::Verb::added: return begin_added(request);
        case rpc::Verb::del: return begin_del(request);
        case rpc::Verb::check: return decide(request);
        case rpc::Verb::status: return status();
    }
    return std::unexpected(invalid_input("unknown verb"));
}

bool Service::finish_round() {
    const auto round = std::exchange(round_, {});
    if (round.empty()) return false;
    const auto settled = settle(round);
    for (const auto& turn : round) {
        auto reply = finish(turn, settled);
        if (!reply) clock_.dropped(turn.request.attachment);
        turn.respond(reply ? *std::move(reply) : refusal(turn.request, std::move(reply).error()));
    }
    return true;
}

Result<void> Service::settle(const std::vector<Turn>& round) {
    const auto needs_kernel = [](const Turn& turn) {
        return turn.request.verb == rpc::Verb::add || turn.request.verb == rpc::Verb::added;
    };
    // While a failure stands, what is only to be removed waits for the next look at everything.
    if (!keeper_.ready() && !std::ranges::any_of(round, needs_kernel)) return {};
    // Before everything is known nothing is taken out: what is captured stays captured.
    auto addresses = pods_.is_complete() ? pods_.take_changed() : std::set<IpAddress>();
    for (const auto& [request, respond, reply] : round) {
        // The plugin programs these.
        if (request.verb != rpc::Verb::add || !reply.enrolled) continue;
        for (const auto& address : request.addresses)
            addresses.erase(address);
    }
    for (const auto& [request, respond, reply] : round) {
        if (request.verb == rpc::Verb::added)
            addresses.insert(request.addresses.begin(), request.addresses.end());
    }
    return addresses.empty() ? Result<void>{} : keeper_.settle(addresses, true);
}

Result<rpc::Reply> Service::finish(const Turn& turn, const Result<void>& settled) {
    const auto& [request, respond, reply] = turn;
    switch (request.verb) {
        case rpc::Verb::status: return reply;
        case rpc::Verb::check: return reply.enrolled ? with_part(request, reply) : reply;
        case rpc::Verb::add: {
            // A capture that an earlier pod left on the addresses of one that is not enrolled has
            // gone now; what the others get is verified when they were programmed.
            if (!reply.enrolled) TRY(settled);
            auto answer = reply.enrolled ? TRY(with_part(request, reply)) : reply;
            if (reply.enrolled)
                in_progress_.insert(request.addresses.begin(), request.addresses.end());
            clock_.answered(request.attachment, reply.enrolled, Clock::now());
            return answer;
        }
        case rpc::Verb::added:
            TRY(settled);
            if (auto conflict = keeper_.conflict_of(request.addresses))
                return std::unexpected(*std::move(conflict));
            clock_.verified(request.attachment, Clock::now());
            return reply;
        case rpc::Verb::del: TRY(settled); return reply;
    }
    return reply;
}

Result<rpc::Reply> Service::with_part(const rpc::Request& request, rpc::Reply reply) {
    reply.parts.push_back(TRY(keeper_.part_of(request.addresses)));
    return reply;
}

std::vector<IpAddress> Service::ended(const rpc::Request& last) {
    clock_.dropped(last.attachment);
    std::vector<IpAddress> left;
    for (const auto& address : last.addresses) {
        if (in_progress_.erase(address) > 0) left.push_back(address);
    }
    return left;
}

Result<rpc::Reply> Service::decide(const rpc::Request& request) const {
    auto decision = pods_.decide(pod_of(request), request.pod_uid);
    if (!decision) return std::unexpected(unknown_pod(request, pods_.find(pod_of(request))));
    return rpc::Reply{.enrolled = decision->enrolled, .reason = std::move(decision->reason)};
}

Result<rpc::Reply> Service::begin_add(const rpc::Request& request) {
    if (request.netns && request.netns->id() == keeper_.node_netns().id())
        return std::unexpected(nodes_own_netns(request));
    auto reply = TRY(decide(request));
    pods_.attach(request.attachment, pod_of(request), request.addresses);
    for (const auto& address : request.addresses)
        keeper_.forget_link(address);
    log(LogLevel::info, "pod attached",
        {{"pod", to_string(pod_of(request))},
         {"container", request.attachment.container_id},
         {"enrolled", reply.enrolled ? "yes" : "no"},
         {"reason", reply.reason}});
    return reply;
}

rpc::Reply Service::begin_added(const rpc::Request& request) {
    clock_.programmed(request.attachment, Clock::now());
    for (const auto& address : request.addresses)
        in_progress_.erase(address);
    return {.enrolled = true};
}

rpc::Reply Service::begin_del(const rpc::Request& request) {
    for (const auto& address : request.addresses)
        in_progress_.erase(address);
    waiting_.erase(request.attachment);
    clock_.dropped(request.attachment);
    pods_.detach(request.attachment, pod_of(request), request.addresses);
    log(LogLevel::info, "pod detached",
        {{"pod", to_string(pod_of(request))}, {"container", request.attachment.container_id}});
    return {};
}

// As long as an error stands here a runtime that asks starts no pod on the pod network, no ztunnel
// either, and the kubelet calls the node NotReady. So it is one only when captured pods suffer; who
// waits, for a ztunnel or to know everything, answers each ADD itself.
Result<rpc::Reply> Service::status() const {
    const auto datapath = readiness_().datapath;
    if (datapath.state == Ready::broken) return std::unexpected(*datapath.trouble);
    return rpc::Reply{.reason = datapath.trouble ? describe(*datapath.trouble) : "ready"};
}

}  // namespace ambient::agent
