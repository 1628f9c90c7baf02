// Follows one collection of the API server: lists it in chunks, then watches it, for ever. On the
// agent's loop.
//
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "common/kube/stream.hpp"
#include "common/kubeapi/client.hpp"
#include "node-agent/loop/backoff.hpp"

namespace ambient::agent {

struct Collection {
    kube::Kind kind;
    std::string name;         // "pods"
    std::string path;         // "/api/v1/pods"
    std::string selector;     // of fields; empty: all
    std::string list_accept;  // media types of a list and of a watch
    std::string watch_accept;
};

class ListWatch {
  public:
    // What it tells, on the loop. It may not be destroyed from there.
    struct Audience {
        std::function<void()> list_begins;
        std::function<void(kube::Received)> shown;
        std::function<void(kube::Received)> gone;
        // The list is whole: what it did not show is gone.
        std::function<void()> listed;
        // Something was told since the last time, and nothing more is at hand.
        std::function<void()> changed;
    };
    struct Timing {
        // The server ends a watch after so long, a new choice each time.
        std::chrono::seconds watch_least{300};
        std::chrono::seconds watch_most{600};
        // A watch that the server has not ended so long after is dead.
        std::chrono::milliseconds watch_margin{30'000};
        // A watch that told nothing for so long, not even a bookmark, is dead: kube-apiserver sends
        // one every 60 to 75 s (cacher.go, defaultBookmarkFrequency).
        std::chrono::milliseconds watch_silence{180'000};
        std::chrono::milliseconds list_deadline{60'000};  // of one chunk
        // After "expired" each node waits for a moment of its own within this: an API server that
        // was started anew says it to all of them at once.
        std::chrono::milliseconds relist_spread{3'000};
        Backoff::Bounds backoff = {};
    };
    // Why a watch ended: "end" (the server's timeout), "expired" (410), "error", "timeout".
    using Restarts = std::map<std::string, std::uint64_t>;

    ListWatch(asio::io_context& io, kubeapi::Client& client, Collection collection,
              Audience audience, const Timing& timing);

    void start() { list_anew(); }
    // Does not wait any longer before the next try: the server is known to answer. When it asked
    // for patience, that counts.
    void hurry();

    // Until the list is whole.
    [[nodiscard]] bool is_listing() const { return version_.empty(); }
    // That list may be older than what others were told meanwhile, though not than what was told
    // here.
    [[nodiscard]] bool may_lag() const { return !not_older_than_.empty(); }
    [[nodiscard]] const Restarts& restarts() const { return restarts_; }

  private:
    using Clock = std::chrono::steady_clock;

    void list_anew();
    void list_chunk();
    void on_list_data(std::string_view bytes);
    void on_list_done(const Result<kubeapi::Response>& result);
    void watch();
    void on_event(kube::Event event);
    void on_watch_data(std::string_view bytes);
    void on_watch_done(const Result<kubeapi::Response>& result);
    void listen_for_silence();
    void watch_failed(const char* reason, const Error& error,
                      std::optional<std::chrono::seconds> retry_after = std::nullopt);
    void expired(const Error& error);
    void retry(const Error& error, std::optional<std::chrono::seconds> retry_after = std::nullopt);
    void retry_after(std::chrono::milliseconds wait, const Error& error);
    void again();
    void well();
    void trouble_over();

    kubeapi::Client& client_;
    Collection collection_;
    Audience audience_;
    Timing timing_;
    Backoff backoff_;
    std::minstd_rand random_;
    asio::steady_timer timer_;
    asio::steady_timer silence_;
    Clock::time_point patient_until_;  // as the server asked

    kubeapi::Call call_;
    std::unique_ptr<kube::ListReader> list_;
    std::unique_ptr<kube::EventReader> events_;
    std::string version_;         // to watch from; empty: the list is not whole yet
    std::string not_older_than_;  // what the list must show at least; empty: what is now
    std::string continue_token_;  // of the list's next chunk
    bool in_one_piece_ = false;   // list without chunks
    Clock::time_point watch_began_;
    Clock::time_point last_byte_;
    bool heard_ = false;                       // this watch has told something
    std::optional<kube::Status> error_event_;  // that this watch ended with
    unsigned refused_in_row_ = 0;              // watches
    bool expired_before_ = false;              // and no watch went well since
    std::optional<ErrorKind> trouble_;         // that was logged, until all is well
    Restarts restarts_;
};

}  // namespace ambient::agent
