// Requests to a Kubernetes API server: TLS, credentials, deadlines and bounds in one place. What an
// answer means is the caller's business.
//
// On one Asio loop, nothing blocks, except that the files of Access are read for each request. No
// callback is called from within send(), stream() or the destruction of a Call. The loop must
// outlive the client; the client must not be destroyed from one of its callbacks.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <asio/io_context.hpp>

#include "common/base/error.hpp"
#include "common/kubeapi/access.hpp"
#include "common/kubeapi/counters.hpp"

namespace ambient::kubeapi {

struct Request {
    std::string method = "GET";
    std::string path;  // with the query: "/api/v1/pods?limit=500"
    std::string accept = "application/json";
    std::string content_type = {};
    std::string body = {};
    std::chrono::milliseconds deadline{10'000};  // for all of it
};

// An answer of the server, whatever its status.
struct Response {
    int status = 0;
    std::string body = {};  // of a stream: only of an answer other than 200
    std::optional<std::chrono::seconds> retry_after = std::nullopt;
};

inline constexpr std::size_t kMaxBodyBytes = 1 << 20;
// A Retry-After is never longer than this: a proxy's mistake must not blind the node for a day.
inline constexpr std::chrono::seconds kLongestRetryAfter{3600};
// A connection that is older is not used for one more request, so that requests move to servers
// that were added, and away from those that are being drained.
inline constexpr std::chrono::seconds kConnectionLife{300};

// A request under way. Destroying it cancels it: its callbacks are not called any more.
class Call {
  public:
    Call() = default;
    explicit Call(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
    Call(Call&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}
    Call& operator=(Call&& other) noexcept {
        std::swap(cancel_, other.cancel_);
        return *this;
    }
    ~Call() {
        if (cancel_) cancel_();
    }

  private:
    std::function<void()> cancel_;
};

class Client {
  public:
    // Once. Errors: unavailable (no connection, broken off, deadline), with what was asked for;
    // invalid_input (an answer beyond kMaxBodyBytes).
    using Done = std::function<void(Result<Response>)>;
    using OnData = std::function<void(std::string_view bytes)>;

    static Result<std::unique_ptr<Client>> open(
        asio::io_context& io, Access access,
        std::chrono::seconds connection_life = kConnectionLife);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] Call send(Request request, Done done);
    // The body of an answer 200 goes to `on_data` as it comes, without bound.
    [[nodiscard]] Call stream(Request request, OnData on_data, Done done);

    [[nodiscard]] const Counters& counters() const;

  private:
    class Loop;

    explicit Client(std::shared_ptr<Loop> loop);

    std::shared_ptr<Loop> loop_;
};

}  // namespace ambient::kubeapi
