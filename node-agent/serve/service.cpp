#include "node-agent/serve/service.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
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

Error no_netns(const rpc::Request& request) {
    return Error{.kind = ErrorKind::invalid_input,
                 .doing = "the request brings no network namespace of the sidecar's pod",
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
            {.request = request, .respond = std::move(respond), .verdict = *std::move(begun)});
        return;
    }
    clock_.dropped(request.attachment);
    respond(refusal(request, std::move(begun).error()));
}

Result<Service::Verdict> Service::begin(const rpc::Request& request) {
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
        note(turn);
    }
    return true;
}

// Once the plugin has its answer: who reads the log is woken by it, and may run before us.
void Service::note(const Turn& turn) {
    const auto& [request, respond, verdict] = turn;
    if (request.verb == rpc::Verb::add) {
        log(LogLevel::info, "pod attached",
            {{"pod", to_string(pod_of(request))},
             {"container", request.attachment.container_id},
             {"enrolled", verdict.reply.enrolled ? "yes" : "no"},
             {"reason", verdict.reply.reason}});
    } else if (request.verb == rpc::Verb::del) {
        log(LogLevel::info, "pod detached",
            {{"pod", to_string(pod_of(request))}, {"container", request.attachment.container_id}});
    }
}

Result<void> Service::settle(const std::vector<Turn>& round) {
    const auto needs_kernel = [](const Turn& turn) {
        return turn.request.verb == rpc::Verb::add || turn.request.verb == rpc::Verb::added;
    };
    // While a failure stands, what is only to be removed waits for the next look at everything.
    if (!keeper_.ready() && !std::ranges::any_of(round, needs_kernel)) return {};
    // Before everything is known nothing is taken out: what is captured stays captured.
    auto addresses = pods_.is_complete() ? pods_.take_changed() : std::set<IpAddress>();
    for (const auto& [request, respond, verdict] : round) {
        if (verdict.way != Way::node) continue;
        for (const auto& address : request.addresses) {
            if (request.verb == rpc::Verb::add)
                addresses.erase(address);  // the plugin's to program
            if (request.verb == rpc::Verb::added) addresses.insert(address);
        }
    }
    return addresses.empty() ? Result<void>{} : keeper_.settle(addresses, true);
}

Result<rpc::Reply> Service::finish(const Turn& turn, const Result<void>& settled) {
    switch (turn.request.verb) {
        case rpc::Verb::status: break;
        case rpc::Verb::check: return with_parts(turn);
        case rpc::Verb::add: return finish_add(turn, settled);
        case rpc::Verb::added:
            TRY(verify(turn, settled));
            clock_.verified(turn.request.attachment, Clock::now());
            break;
        case rpc::Verb::del: TRY(settled); break;
    }
    return turn.verdict.reply;
}

Result<rpc::Reply> Service::finish_add(const Turn& turn, const Result<void>& settled) {
    const auto& [request, respond, verdict] = turn;
    // A capture that an earlier pod left on the addresses of one that the node does not capture has
    // gone now; what the others get is verified when they were programmed.
    if (verdict.way != Way::node) TRY(settled);
    auto answer = TRY(with_parts(turn));
    if (verdict.way == Way::node)
        in_progress_.insert(request.addresses.begin(), request.addresses.end());
    if (verdict.way == Way::sidecar) sidecars_.programming(pod_of(request));
    clock_.answered(request.attachment, answer.enrolled, Clock::now());
    return answer;
}

Result<void> Service::verify(const Turn& turn, const Result<void>& settled) {
    const auto& [request, respond, verdict] = turn;
    if (verdict.way == Way::sidecar) return sidecars_.verify(pod_of(request), *request.netns);
    TRY(settled);
    if (auto conflict = keeper_.conflict_of(request.addresses))
        return std::unexpected(*std::move(conflict));
    return {};
}

Result<rpc::Reply> Service::with_parts(const Turn& turn) {
    const auto& [request, respond, verdict] = turn;
    auto reply = verdict.reply;
    if (verdict.way == Way::node) reply.parts.push_back(TRY(keeper_.part_of(request.addresses)));
    if (verdict.way == Way::sidecar)
        reply.parts.push_back(TRY(sidecars_.part_of(pod_of(request), *request.netns)));
    return reply;
}

std::vector<IpAddress> Service::ended(const rpc::Request& last) {
    clock_.dropped(last.attachment);
    std::vector<IpAddress> left;
    for (const auto& address : last.addresses) {
        if (in_progress_.erase(address) > 0) left.push_back(address);
    }
    sidecars_.given_up(pod_of(last));
    return left;
}

Result<Service::Verdict> Service::decide(const rpc::Request& request) const {
    const auto id = pod_of(request);
    auto decision = pods_.decide(id, request.pod_uid);
    if (!decision) return std::unexpected(unknown_pod(request, pods_.find(id)));
    if (const auto sidecar = pods_.sidecar_of(id)) {
        TRY(*sidecar);
        if (!request.netns) return std::unexpected(no_netns(request));
        return Verdict{.way = Way::sidecar, .reply = {.enrolled = true, .reason = "has a sidecar"}};
    }
    return Verdict{
        .way = decision->enrolled ? Way::node : Way::none,
        .reply = {.enrolled = decision->enrolled, .reason = std::move(decision->reason)}};
}

Result<Service::Verdict> Service::begin_add(const rpc::Request& request) {
    if (request.netns && request.netns->id() == keeper_.node_netns().id())
        return std::unexpected(nodes_own_netns(request));
    auto verdict = TRY(decide(request));
    pods_.attach(request.attachment, pod_of(request), request.addresses);
    for (const auto& address : request.addresses)
        keeper_.forget_link(address);
    return verdict;
}

Result<Service::Verdict> Service::begin_added(const rpc::Request& request) {
    clock_.programmed(request.attachment, Clock::now());
    for (const auto& address : request.addresses)
        in_progress_.erase(address);
    const bool sidecar = pods_.sidecar_of(pod_of(request)).has_value();
    if (sidecar && !request.netns) return std::unexpected(no_netns(request));
    return Verdict{.way = sidecar ? Way::sidecar : Way::node, .reply = {.enrolled = true}};
}

Service::Verdict Service::begin_del(const rpc::Request& request) {
    for (const auto& address : request.addresses)
        in_progress_.erase(address);
    waiting_.erase(request.attachment);
    clock_.dropped(request.attachment);
    sidecars_.given_up(pod_of(request));
    pods_.detach(request.attachment, pod_of(request), request.addresses);
    return {};
}

// As long as an error stands here a runtime that asks starts no pod on the pod network, no ztunnel
// either, and the kubelet calls the node NotReady. So it is one only when captured pods suffer; who
// waits, for a ztunnel or to know everything, answers each ADD itself.
Result<Service::Verdict> Service::status() const {
    const auto datapath = readiness_().datapath;
    if (datapath.state == Ready::broken) return std::unexpected(*datapath.trouble);
    return Verdict{.reply = {.reason = datapath.trouble ? describe(*datapath.trouble) : "ready"}};
}

}  // namespace ambient::agent
