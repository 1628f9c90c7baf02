// Serves the plugin's connections on the loop: one request and one reply a connection, each within
// a deadline, at most kMaxConnections at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include "common/base/error.hpp"
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

    // Ends with the io_context, which may outlive this only once it has stopped.
    Server(asio::io_context& io, Answer answer, Ended ended);

    // A new connection. Error: too many are open.
    Result<void> serve(UniqueFd socket);

  private:
    struct Connection;
    void await_request(const std::shared_ptr<Connection>& connection);
    void answer_next(const std::shared_ptr<Connection>& connection);
    void end(const std::shared_ptr<Connection>& connection);

    asio::io_context& io_;
    Answer answer_;
    Ended ended_;
    // Connections that are open; theirs, too, since the loop destroys the last of them after us.
    std::shared_ptr<int> connections_ = std::make_shared<int>(0);
};

}  // namespace ambient::agent
