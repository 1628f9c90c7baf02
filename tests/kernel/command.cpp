#include "tests/kernel/command.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include <doctest/doctest.h>

#include "common/base/unique_fd.hpp"

extern char** environ;

namespace ambient::test {
namespace {

// A child's stdout and stderr on one pipe.
class Actions {
  public:
    explicit Actions(int output) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_;
};

std::vector<std::string> words(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
        words.push_back(word);
    return words;
}

}  // namespace

Outcome run(const std::vector<std::string>& arguments) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd reading(ends[0]);
    pid_t child = 0;
    {
        const UniqueFd writing(ends[1]);
        std::vector<char*> pointers;
        for (const auto& argument : arguments)
            pointers.push_back(const_cast<char*>(argument.c_str()));
        pointers.push_back(nullptr);
        const Actions actions(writing.get());
        REQUIRE(::posix_spawnp(&child, pointers[0], actions.get(), nullptr, pointers.data(),
                               environ) == 0);
    }
    Outcome outcome;
    std::array<char, 4096> buffer{};
    while (true) {
        const auto got = ::read(reading.get(), buffer.data(), buffer.size());
        if (got <= 0) break;
        outcome.output.append(buffer.data(), static_cast<std::size_t>(got));
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

std::string must_run(const std::string& line) {
    auto outcome = run(words(line));
    INFO(line);
    INFO(outcome.output);
    REQUIRE(outcome.status == 0);
    return outcome.output;
}

nlohmann::json ip_json(const std::string& line) {
    return nlohmann::json::parse(must_run("ip -json -details " + line));
}

}  // namespace ambient::test
