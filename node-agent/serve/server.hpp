// Serves the plugin's socket on the loop: one request and one reply a connection, each within a
// deadline, at most kMaxConnections at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "common/base/unique_fd.hpp"
#include "common/rpc/messages.hpp"

namespace ambient::agent {

inline constexpr int kMaxConnections = 256;

class Server {
  public:
    using Respond = std::function<void(const rpc::Reply&)>;
    // Calls the function once, now or later, on the loop.
    using Answer = std::function<void(const rpc::Request&, Respond)>;
    // The plugin that last asked this has gone, well or not.
    using Ended = std::function<void(const rpc::Request&)>;

    // `listener` is rpc::listen's. Serving starts at once and ends with the io_context, which may
    // outlive this only once it has stopped.
    Server(asio::io_context& io, UniqueFd listener, Answer answer, Ended ended);

  private:
    struct Connection;
    void accept_next();
    void serve(UniqueFd socket);
    void await_request(const std::shared_ptr<Connection>& connection);
    void answer_next(const std::shared_ptr<Connection>& connection);
    void end(const std::shared_ptr<Connection>& connection);

    asio::io_context& io_;
    asio::posix::stream_descriptor listener_;
    Answer answer_;
    Ended ended_;
    // Connections that are open; theirs, too, since the loop destroys the last of them after us.
    std::shared_ptr<int> connections_ = std::make_shared<int>(0);
};

}  // namespace ambient::agent
