// ambient-cni: a chained CNI plugin that captures ambient pods' traffic. See README.md of this
// folder.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "cni-plugin/agent.hpp"
#include "cni-plugin/plugin.hpp"
#include "common/cni/json.hpp"

namespace {

using ambient::cni::Outcome;

constexpr std::string_view kAbout =
    "CNI plugin ambient-cni " AMBIENT_RELEASE
    "\n"
    "CNI versions 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0; commands ADD DEL CHECK GC STATUS VERSION\n"
    "\n"
    "A container runtime runs this program, not a person: it sets CNI_COMMAND and friends and "
    "writes a network\n"
    "configuration to standard input. The program stands in a configuration list behind the plugin "
    "that creates the\n"
    "pod's interface:\n"
    "    {\"type\": \"ambient-cni\", \"agent_socket\": \"/run/ambient-cni/agent.sock\", "
    "\"timeout_ms\": 2000,\n"
    "     \"exclude_namespaces\": [\"kube-system\", \"istio-system\"], \"on_agent_unavailable\": "
    "\"deny\"}\n"
    "To see it answer: CNI_COMMAND=VERSION ambient-cni </dev/null\n";

std::string_view variable(std::string_view name) {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::string_view() : value;
}

// Whether all of it went out.
bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// Up to one byte more than the parser takes, so that it sees that there was too much.
Outcome<std::string> read_input(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};  // a configuration is smaller
    while (text.size() <= ambient::cni::kMaxJsonBytes) {
        const auto received = ::read(fd, buffer.data(), buffer.size());
        if (received < 0 && errno == EINTR) continue;
        if (received < 0) {
            return std::unexpected(ambient::cni::Failure{
                .code = ambient::cni::Code::io_failure,
                .message = "the network configuration cannot be read from standard input",
                .details = describe(ambient::errno_error(errno, "read standard input"))});
        }
        if (received == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(received));
    }
    return text;
}

// A standard stream that came closed is taken by something that no file can be opened as later:
// else the socket to the agent becomes standard error, and hears our notes.
void occupy_standard_streams() {
    std::array<pollfd, 3> streams = {{{.fd = STDIN_FILENO, .events = 0, .revents = 0},
                                      {.fd = STDOUT_FILENO, .events = 0, .revents = 0},
                                      {.fd = STDERR_FILENO, .events = 0, .revents = 0}}};
    if (::poll(streams.data(), streams.size(), 0) <= 0) return;
    for (const auto& stream : streams) {
        // The lowest number that is free, which is this one (open(2)).
        if ((stream.revents & POLLNVAL) != 0) (void)::open("/", O_PATH);
    }
}

// A person at a terminal writes no configuration; nobody stands there for the other commands.
bool has_input(std::string_view command) {
    return (!command.empty() && command != "VERSION") || ::isatty(STDIN_FILENO) == 0;
}

// What cannot be caught (the JSON library's destructors want memory) is answered without asking for
// any more.
[[noreturn]] void last_words() {
    write_all(STDOUT_FILENO,
              R"({"cniVersion":"1.1.0","code":103,"msg":"the plugin ran out of memory"})"
              "\n");
    ::_exit(1);
}

// What libraries throw is a defect of ours or a want of memory, and is answered all the same.
ambient::plugin::Answer answer() {
    std::string what;
    try {
        const auto command = variable("CNI_COMMAND");
        if (command.empty()) ambient::plugin::write_errors(kAbout);
        return ambient::plugin::run(
            variable, has_input(command) ? read_input(STDIN_FILENO) : Outcome<std::string>(""));
    } catch (const std::exception& error) {
        what = ambient::cni::words_of(error);
    }
    return {.exit_status = 1,
            .output = to_json(
                {.message = "the plugin ran out of memory, or has a defect", .details = what},
                ambient::cni::kLatestVersion)};
}

}  // namespace

int main(int argc, char**) {
    std::set_terminate(last_words);
    occupy_standard_streams();
    if (argc > 1)  // --help and the like: a runtime passes no arguments
        return write_all(STDOUT_FILENO, kAbout) ? 0 : 1;
    const auto [exit_status, output] = answer();
    // Without our answer the runtime must not take this for a success.
    if (!output.empty() && !write_all(STDOUT_FILENO, output + "\n")) return 1;
    return exit_status;
}
