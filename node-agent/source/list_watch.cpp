#include "node-agent/source/list_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "common/kubeapi/path.hpp"
#include "node-agent/loop/log.hpp"
#include "node-agent/source/refusal.hpp"

namespace ambient::agent {
namespace {

constexpr int kOk = 200;
constexpr int kBadRequest = 400;
constexpr int kGone = 410;
constexpr int kTooManyRequests = 429;
// client-go's default, too (tools/pager).
constexpr int kChunk = 500;
// A watch that lived so long was a success, even if it told nothing and broke then.
constexpr std::chrono::seconds kLived{5};
// One that the server ends sooner than this must not be tried in a loop.
constexpr std::chrono::seconds kAtOnce{1};
// A server may refuse a version in other words than 410, say after its data was restored from a
// backup ("Too large resource version", 504).
constexpr unsigned kRefusalsUntilList = 3;
// Of a Retry-After.
constexpr std::chrono::seconds kMostAsked{120};

}  // namespace

ListWatch::ListWatch(asio::io_context& io, kubeapi::Client& client, Collection collection,
                     Audience audience, const Timing& timing)
    : client_(client),
      collection_(std::move(collection)),
      audience_(std::move(audience)),
      timing_(timing),
      backoff_(timing.backoff),
      random_(std::random_device{}()),
      timer_(io) {}

void ListWatch::list_anew() {
    version_.clear();
    continue_token_.clear();
    audience_.list_begins();
    list_chunk();
}

// No resourceVersion is asked for: the list is of now ("most recent"). A list from a server's cache
// ("0") would be cheaper for it, but may be older than what we, or the plugin, saw before, and pods
// that it does not know yet would lose their capture.
void ListWatch::list_chunk() {
    kubeapi::Query query;
    if (!collection_.selector.empty()) query.add("fieldSelector", collection_.selector);
    if (!in_one_piece_) query.add("limit", fmt::to_string(kChunk));
    if (!continue_token_.empty()) query.add("continue", continue_token_);
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
        return retry(refusal("list " + collection_.name, *result), result->retry_after);
    }
    auto end = list_->end();
    if (!end) return retry(end.error());
    audience_.changed();
    continue_token_ = std::move(end->continue_token);
    if (!continue_token_.empty()) return list_chunk();
    if (end->resource_version.empty()) {
        return retry(invalid_input("list of " + collection_.name + " without a resourceVersion"));
    }
    version_ = std::move(end->resource_version);
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
    watch_began_ = Clock::now();
    events_ = std::make_unique<kube::EventReader>(
        collection_.kind, [this](kube::Event event) { on_event(std::move(event)); });
    call_ = client_.stream(
        {.path = collection_.path + query.text(),
         .accept = collection_.watch_accept,
         .deadline = seconds + timing_.watch_margin},
        [this](std::string_view bytes) { on_watch_data(bytes); },
        [this](const auto& result) { on_watch_done(result); });
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
    version_.clear();
    // The server is well, and usually just started anew. But not for a list at every breath.
    if (!std::exchange(expired_before_, true)) backoff_.reset();
    watch_failed("expired", error);
}

void ListWatch::watch_failed(const char* reason, const Error& error,
                             std::optional<std::chrono::seconds> retry_after) {
    ++restarts_[reason];
    retry(error, retry_after);
}

void ListWatch::retry(const Error& error, std::optional<std::chrono::seconds> retry_after) {
    // Each kind of trouble is told once; the words of one kind vary with each try.
    const bool is_new = std::exchange(trouble_, error.kind) != error.kind;
    log(is_new ? LogLevel::warning : LogLevel::debug, collection_.name + " not followed", error);
    // At least as long as the server asks for, within reason.
    const auto asked = std::min(retry_after.value_or(std::chrono::seconds(0)), kMostAsked);
    timer_.expires_after(asked + backoff_.next());
    timer_.async_wait([this](const asio::error_code& code) {
        if (!code) again();
    });
}

void ListWatch::hurry() {
    if (timer_.cancel() > 0) again();
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
