// The plugin's side of the conversation. Threading: one thread; each call blocks, never longer than
// its timeout.
#pragma once

#include <chrono>
#include <string>

#include "common/base/unique_fd.hpp"
#include "common/rpc/messages.hpp"

namespace ambient::rpc {

class Client {
  public:
    // Error unavailable when nobody listens there or nobody accepts in time.
    static Result<Client> connect(const std::string& path, std::chrono::milliseconds timeout);

    // One request, one reply; the timeout counts from now. Error unavailable when none comes in
    // time: an error that the agent answered is inside the reply.
    Result<Reply> call(const Request& request, std::chrono::milliseconds timeout);

  private:
    Client(UniqueFd socket, std::string path)
        : socket_(std::move(socket)), path_(std::move(path)) {}

    UniqueFd socket_;
    std::string path_;
    std::chrono::microseconds receive_limit_{0};  // 0: none yet
};

}  // namespace ambient::rpc
