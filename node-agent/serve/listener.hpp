// The plugin's way to us: a socket at a path where others can remove it. It is made again then.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"
#include "node-agent/loop/backoff.hpp"
#include "node-agent/loop/folder_hint.hpp"

namespace ambient::agent {

class Listener {
  public:
    using Connected = std::function<void(UniqueFd)>;
    // Whether one more connection can be taken.
    using HasRoom = std::function<bool()>;
    // trouble() is another one.
    using Changed = std::function<void()>;

    // Errors: those of rpc::listen.
    static Result<std::unique_ptr<Listener>> open(asio::io_context& io, std::string path);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() = default;

    // Accepts from now on. Without room, or out of descriptors, it pauses: who connects waits in
    // the backlog.
    void serve(HasRoom has_room, Connected connected, Changed changed);
    // Accepts who waits now; false when some may be left.
    bool accept_waiting();
    // At every resync, too: whether the path still leads here.
    void look();
    // Why nobody can reach us; null when they can.
    [[nodiscard]] const Error* trouble() const { return trouble_ ? &*trouble_ : nullptr; }

  private:
    Listener(asio::io_context& io, std::string path);

    Result<void> make();
    [[nodiscard]] bool stands() const;
    void accept_next();
    void accept_later();
    void refused(const Error& error);
    void set_trouble(std::optional<Error> trouble);

    std::string path_;
    asio::posix::stream_descriptor socket_;
    struct stat made_ = {};  // the file as we made it
    asio::steady_timer pause_;
    asio::steady_timer again_;
    Backoff retries_;
    FolderHint hint_;
    bool told_of_hint_ = false;
    HasRoom has_room_;
    Connected connected_;
    Changed changed_;
    std::optional<Error> trouble_;
    std::chrono::steady_clock::time_point quiet_until_;
    std::uint64_t unsaid_ = 0;  // refusals since the last one that was logged
};

}  // namespace ambient::agent
