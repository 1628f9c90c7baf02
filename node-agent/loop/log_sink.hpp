// Standard error, never waited for: a reader that has stopped would stop the agent.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace ambient::agent {

// Whole lines wait here, at most kMaxBytes of them, until the descriptor takes them; what does not
// fit is lost, and how many lines were is told as soon as there is room again. Descriptors that
// fail (a pipe without a reader) lose lines, too. One thread.
class LogSink {
  public:
    static constexpr std::size_t kMaxBytes = std::size_t{64} * 1024;
    // How the loss is told, as a line.
    using Told = std::function<std::string(std::size_t lost)>;

    LogSink(int fd, Told told) : fd_(fd), told_(std::move(told)) {}

    void write(std::string_view line);

  private:
    void flush();

    int fd_;
    Told told_;
    std::string waiting_;
    std::size_t lost_ = 0;
};

}  // namespace ambient::agent
