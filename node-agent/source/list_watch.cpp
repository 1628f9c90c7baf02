#include "node-agent/source/list_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "common/kubeapi/path.hpp"
#include "node-agent/loop/log.hpp"
#include "node-agent/source/refusal.hpp"
#include "node-agent/source/version.hpp"

namespace ambient::agent {
namespace {

constexpr int kOk = 200;
constexpr int kBadRequest = 400;
constexpr int kGone = 410;
constexpr int kTooManyRequests = 429;
constexpr std::array kVersionRefused = {kBadRequest, kGone, 422, 504};
// client-go's default, too (tools/pager).
constexpr int kChunk = 500;
// A watch that lived so long was a success, even if it told nothing and broke then.
constexpr std::chrono::seconds kLived{5};
// One that the server ends sooner than this must not be tried in a loop.
constexpr std::chrono::seconds kAtOnce{1};
// A server may refuse a version in other words than 410, say after its data was restored from a
// backup ("Too large resource version", 504).
constexpr unsigned kRefusalsUntilList = 3;

}  // namespace

ListWatch::ListWatch(asio::io_context& io, kubeapi::Client& client, Collection collection,
                     Audience audience, const Timing& timing)
    : client_(client),
      collection_(std::move(collection)),
      audience_(std::move(audience)),
      timing_(timing),
      backoff_(timing.backoff),
      random_(std::random_device{}()),
      timer_(io),
      silence_(io) {}

void ListWatch::list_anew() {
    version_.clear();
    continue_token_.clear();
    audience_.list_begins();
    list_chunk();
}

// The first list is of now ("most recent"): what the kernel captures from before us may be younger
// than a server's cache. After a watch that expired it need only be as new as what that watch told:
// a server answers this from its cache, and etcd is not asked by every node at once. In one piece:
// chunks come from etcd. (API concepts, "Semantics for get and list".)
void ListWatch::list_chunk() {
    kubeapi::Query query;
    if (!collection_.selector.empty()) query.add("fieldSelector", collection_.selector);
    if (!continue_token_.empty()) {
        query.add("continue", continue_token_);
    } else if (!not_older_than_.empty()) {
        query.add("resourceVersion", not_older_than_);
        query.add("resourceVersionMatch", "NotOlderThan");
    }
    if (!in_one_piece_ && not_older_than_.empty()) query.add("limit", fmt::to_string(kChunk));
    list_ = std::make_unique<kube::ListReader>(collection_.kind, [this](kube::Received received) {
        audience_.shown(std::move(received));
    });
    call_ = client_.stream(
        {.path = collection_.path + query.text(),
         .accept = collection_.list_accept,
         .deadline = timing_.list_deadline},
        [this](std::string_view bytes) { on_list_data(bytes); },
        [this](const auto& result) { on_list_done(result); });
}

void ListWatch::on_list_data(std::string_view bytes) {
    if (auto pushed = list_->push(bytes); !pushed) {
        call_ = {};
        retry(pushed.error());
    }
}

void ListWatch::on_list_done(const Result<kubeapi::Response>& result) {
    if (!result) return retry(result.error());
    if (result->status == kGone && !continue_token_.empty()) {
        // The chunks took longer than the server remembers: all at once then, as client-go does
        // (tools/pager, FullListIfExpired).
        in_one_piece_ = true;
        return list_anew();
    }
    if (result->status != kOk) {
        // "invalid continue token", from a server of another version than the one that gave it.
        if (result->status == kBadRequest) continue_token_.clear();
        // A version that this server does not have: data from a backup ("Too large resource
        // version"), a cache that lags, or a server that does not know what we ask for.
        if (std::ranges::find(kVersionRefused, result->status) != kVersionRefused.end())
            not_older_than_.clear();
        return retry(refusal("list " + collection_.name, *result), result->retry_after);
    }
    auto end = list_->end();
    if (!end) return retry(end.error());
    if (is_older(end->resource_version, not_older_than_)) {
        not_older_than_.clear();
        return retry(invalid_input("the list of " + collection_.name + " is of version " +
                                   end->resource_version + ", older than what was told before"));
    }
    audience_.changed();
    continue_token_ = std::move(end->continue_token);
    if (!continue_token_.empty()) return list_chunk();
    if (end->resource_version.empty()) {
        return retry(invalid_input("list of " + collection_.name + " without a resourceVersion"));
    }
    version_ = std::move(end->resource_version);
    not_older_than_.clear();
    in_one_piece_ = false;
    list_.reset();
    trouble_over();
    audience_.listed();
    audience_.changed();
    watch();
}

void ListWatch::watch() {
    std::uniform_int_distribution<std::chrono::seconds::rep> spread(timing_.watch_least.count(),
                                                                    timing_.watch_most.count());
    const std::chrono::seconds seconds(spread(random_));
    kubeapi::Query query;
    if (!collection_.selector.empty()) query.add("fieldSelector", collection_.selector);
    query.add("watch", "true");
    query.add("allowWatchBookmarks", "true");
    query.add("resourceVersion", version_);
    query.add("timeoutSeconds", fmt::to_string(seconds.count()));
    heard_ = false;
    error_event_.reset();
    watch_began_ = last_byte_ = Clock::now();
    events_ = std::make_unique<kube::EventReader>(
        collection_.kind, [this](kube::Event event) { on_event(std::move(event)); });
    call_ = client_.stream(
        {.path = collection_.path + query.text(),
         .accept = collection_.watch_accept,
         .deadline = seconds + timing_.watch_margin},
        [this](std::string_view bytes) { on_watch_data(bytes); },
        [this](const auto& result) { on_watch_done(result); });
    listen_for_silence();
}

// Ends a watch on a connection that lives while nobody at its other end speaks any more, as behind
// a load balancer that lost its server.
void ListWatch::listen_for_silence() {
    silence_.expires_at(last_byte_ + timing_.watch_silence);
    silence_.async_wait([this](const asio::error_code& code) {
        if (code || !events_) return;
        if (Clock::now() < last_byte_ + timing_.watch_silence) return listen_for_silence();
        call_ = {};
        backoff_.reset();
        watch_failed("timeout", Error{.kind = ErrorKind::unavailable,
                                      .doing = "watch " + collection_.name,
                                      .errno_value = ETIMEDOUT});
    });
}

void ListWatch::on_event(kube::Event event) {
    using Type = kube::Event::Type;
    if (error_event_) return;
    if (event.type == Type::error) {
        error_event_ = std::move(event.status);
        return;
    }
    if (!event.received.resource_version.empty()) version_ = event.received.resource_version;
    if (event.type == Type::added || event.type == Type::modified)
        audience_.shown(std::move(event.received));
    if (event.type == Type::deleted) audience_.gone(std::move(event.received));
}

void ListWatch::on_watch_data(std::string_view bytes) {
    last_byte_ = Clock::now();
    const auto pushed = events_->push(bytes);
    if (!error_event_ && pushed) well();
    audience_.changed();
    if (error_event_) {
        call_ = {};
        const Error error = refusal("watch " + collection_.name, *error_event_);
        if (error_event_->code == kGone) return expired(error);
        // What else it may be, a list mends.
        version_.clear();
        return watch_failed("error", error);
    }
    if (!pushed) {
        call_ = {};
        watch_failed("error", pushed.error());
    }
}

void ListWatch::on_watch_done(const Result<kubeapi::Response>& result) {
    const auto age = Clock::now() - watch_began_;
    const bool lived = heard_ || age >= kLived;
    if (lived) backoff_.reset();
    if (!result) {
        const bool silent = lived && result.error().errno_value == ETIMEDOUT;
        return watch_failed(silent ? "timeout" : "error", result.error());
    }
    if (result->status == kGone) return expired(refusal("watch " + collection_.name, *result));
    if (result->status != kOk) {
        if (result->status != kTooManyRequests && ++refused_in_row_ >= kRefusalsUntilList)
            version_.clear();
        return watch_failed("error", refusal("watch " + collection_.name, *result),
                            result->retry_after);
    }
    if (!events_->whole()) {
        return watch_failed("error", invalid_input("the watch of " + collection_.name +
                                                   " ended in the middle of an event"));
    }
    if (!heard_ && age < kAtOnce) {
        return watch_failed("end",
                            invalid_input("the watch of " + collection_.name + " ended at once"));
    }
    ++restarts_["end"];
    well();
    watch();
}

void ListWatch::expired(const Error& error) {
    ++restarts_["expired"];
    not_older_than_ = std::exchange(version_, "");
    // The server is well, and usually just started anew. But not for a list at every breath.
    if (!std::exchange(expired_before_, true)) backoff_.reset();
    std::uniform_int_distribution<std::chrono::milliseconds::rep> spread(
        0, timing_.relist_spread.count());
    retry_after(backoff_.next() + std::chrono::milliseconds(spread(random_)), error);
}

void ListWatch::watch_failed(const char* reason, const Error& error,
                             std::optional<std::chrono::seconds> retry_after) {
    ++restarts_[reason];
    retry(error, retry_after);
}

void ListWatch::retry(const Error& error, std::optional<std::chrono::seconds> retry_after) {
    const auto asked = retry_after.value_or(std::chrono::seconds(0));
    patient_until_ = Clock::now() + asked;
    // Not all nodes that were asked to wait come back at once.
    this->retry_after(asked + backoff_.next(), error);
}

void ListWatch::retry_after(std::chrono::milliseconds wait, const Error& error) {
    events_.reset();
    silence_.cancel();
    // Each kind of trouble is told once; the words of one kind vary with each try.
    const bool is_new = std::exchange(trouble_, error.kind) != error.kind;
    log(is_new ? LogLevel::warning : LogLevel::debug, collection_.name + " not followed", error);
    timer_.expires_after(wait);
    timer_.async_wait([this](const asio::error_code& code) {
        if (!code) again();
    });
}

void ListWatch::hurry() {
    if (Clock::now() >= patient_until_ && timer_.cancel() > 0) again();
}

void ListWatch::well() {
    heard_ = true;
    refused_in_row_ = 0;
    expired_before_ = false;
    backoff_.reset();
    trouble_over();
}

void ListWatch::trouble_over() {
    if (!std::exchange(trouble_, std::nullopt)) return;
    log(LogLevel::info, collection_.name + " followed again");
}

void ListWatch::again() {
    if (!version_.empty()) return watch();
    if (continue_token_.empty()) return list_anew();
    list_chunk();
}

}  // namespace ambient::agent
