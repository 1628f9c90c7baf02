#include "node-agent/loop/log_sink.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "common/base/unique_fd.hpp"

namespace ambient::agent {
namespace {

struct Pipe {
    Pipe() {
        std::array<int, 2> ends = {};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        reader = UniqueFd(ends[0]);
        writer = UniqueFd(ends[1]);
        REQUIRE(::fcntl(reader.get(), F_SETFL, O_NONBLOCK) == 0);
    }

    std::string read() const {
        std::string all;
        std::array<char, 4096> some;
        for (ssize_t size = 0; (size = ::read(reader.get(), some.data(), some.size())) > 0;)
            all.append(some.data(), static_cast<std::size_t>(size));
        return all;
    }

    UniqueFd reader;
    UniqueFd writer;
};

LogSink sink_of(const Pipe& pipe) {
    return {pipe.writer.get(),
            [](std::size_t lost) { return "lost " + std::to_string(lost) + "\n"; }};
}

TEST_CASE("lines pass at once") {
    const Pipe pipe;
    auto sink = sink_of(pipe);
    sink.write("one\n");
    CHECK(pipe.read() == "one\n");
    const auto long_line = std::string(20'000, 'x') + "\n";
    sink.write(long_line);
    CHECK(pipe.read() == long_line);
}

TEST_CASE("a reader that stands still: what fits is kept in order, and the loss is told") {
    const Pipe pipe;
    auto sink = sink_of(pipe);
    constexpr int kLines = 5'000;
    for (int i = 0; i < kLines; ++i)
        sink.write("line " + std::to_string(i) + " of some length, as lines are\n");
    std::string expected;
    std::string got = pipe.read();
    sink.write("last\n");  // takes what waited along
    got += pipe.read();
    sink.write("after\n");
    got += pipe.read();
    int kept = 0;
    for (; kept < kLines; ++kept) {
        const auto line = "line " + std::to_string(kept) + " of some length, as lines are\n";
        if (!got.starts_with(expected + line)) break;
        expected += line;
    }
    CHECK(kept > 1'000);
    CHECK(kept < kLines);
    CHECK(got == expected + "lost " + std::to_string(kLines - kept) + "\nlast\nafter\n");
}

TEST_CASE("no reader any more") {
    Pipe pipe;
    auto sink = sink_of(pipe);
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    pipe.reader = {};
    for (int i = 0; i < 10'000; ++i)
        sink.write("nobody sees this line\n");
    (void)std::signal(SIGPIPE, before);
}

}  // namespace
}  // namespace ambient::agent
