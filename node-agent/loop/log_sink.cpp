#include "node-agent/loop/log_sink.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace ambient::agent {
namespace {

// A pipe that polls as writable has room for one page (fs/pipe.c, pipe_poll), and PIPE_BUF bytes
// are one page. The descriptor itself cannot be made non-blocking: others may share it.
bool takes_some(int fd) {
    pollfd asked = {.fd = fd, .events = POLLOUT, .revents = 0};
    return ::poll(&asked, 1, 0) == 1 && (asked.revents & POLLOUT) != 0;
}

}  // namespace

void LogSink::write(std::string_view line) {
    flush();
    auto text = lost_ > 0 ? told_(lost_) : std::string();
    text += line;
    if (waiting_.size() + text.size() > kMaxBytes) {
        ++lost_;
        return;
    }
    lost_ = 0;
    waiting_ += text;
    flush();
}

void LogSink::flush() {
    std::size_t written = 0;
    while (written < waiting_.size() && takes_some(fd_)) {
        const auto size = std::min<std::size_t>(waiting_.size() - written, PIPE_BUF);
        const auto count = ::write(fd_, waiting_.data() + written, size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) break;
        written += static_cast<std::size_t>(count);
    }
    waiting_.erase(0, written);
}

}  // namespace ambient::agent
