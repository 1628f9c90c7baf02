// Serves the plugin's connections on the loop: requests and replies in turn, each request within a
// deadline, kMaxConnections at a time.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include <asio/io_context.hpp>

#include "common/base/unique_fd.hpp"
#include "common/rpc/messages.hpp"

namespace ambient::agent {

inline constexpr int kMaxConnections = 512;

class Server {
  public:
    using Respond = std::function<void(const rpc::Reply&)>;
    // Calls the function once, now or later, on the loop.
    using Answer = std::function<void(const rpc::Request&, Respond)>;
    // The plugin that last asked this has gone, well or not.
    using Ended = std::function<void(const rpc::Request&)>;

    // Ends with the io_context, which may outlive this only once it has stopped.
    Server(asio::io_context& io, Answer answer, Ended ended);

    [[nodiscard]] bool has_room() const { return *connections_ < kMaxConnections; }
    // A new connection.
    void serve(UniqueFd socket);
    // Reads every request that has come and is not read yet. What plugins have said counts before
    // what they have done: a change that one has told of is not drift.
    void read_waiting();

  private:
    struct Connection;
    void await_request(const std::shared_ptr<Connection>& connection);
    void watch(const std::shared_ptr<Connection>& connection);
    void read(const std::shared_ptr<Connection>& connection);
    void end(const std::shared_ptr<Connection>& connection);

    asio::io_context& io_;
    Answer answer_;
    Ended ended_;
    std::set<std::shared_ptr<Connection>> awaited_;  // the peer's turn
    // Connections that are open; theirs, too, since the loop destroys the last of them after us.
    std::shared_ptr<int> connections_ = std::make_shared<int>(0);
};

}  // namespace ambient::agent
