// Client and listener talk to each other over a real socket in a scratch folder.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <doctest/doctest.h>

#include "common/rpc/client.hpp"
#include "common/rpc/codec.hpp"
#include "common/rpc/descriptor.hpp"
#include "common/rpc/listener.hpp"

using namespace ambient;
using namespace std::chrono_literals;

namespace {

struct ScratchFolder {
    std::string path = "/tmp/ambient-rpc-XXXXXX";
    ScratchFolder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() { std::filesystem::remove_all(path); }
};

mode_t mode_of(const std::string& path) {
    struct stat status = {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

template <class T>
T must(Result<T> result) {
    if (!result) FAIL(describe(result.error()));
    return *std::move(result);
}

// A client, and the agent's end of its connection.
struct Connected {
    ScratchFolder scratch;
    std::string path = scratch.path + "/agent.sock";
    UniqueFd listener = must(rpc::listen(path));
    rpc::Client client = must(rpc::Client::connect(path, 5s));
    UniqueFd connection = must(rpc::accept(listener.get()));
};

rpc::Request status_request() { return {.verb = rpc::Verb::status}; }

}  // namespace

TEST_CASE("the socket and its folder are root's alone") {
    const ScratchFolder scratch;
    const auto path = scratch.path + "/run/agent.sock";
    REQUIRE(rpc::listen(path));
    CHECK(mode_of(scratch.path + "/run") == 0700);
    CHECK(mode_of(path) == 0600);
}

TEST_CASE_FIXTURE(Connected, "a request gets its reply") {
    Result<rpc::Reply> heard = std::unexpected(Error{});
    std::thread caller([&] { heard = client.call(status_request(), 5s); });
    // The connection does not block: until the request is there it says so.
    Result<rpc::Received> asked = std::unexpected(Error{});
    do
        asked = rpc::receive(connection.get());
    while (!asked && asked.error().kind == ErrorKind::unavailable);
    REQUIRE(asked);
    CHECK(rpc::request_of(*std::move(asked)) == status_request());
    const rpc::Reply reply = {.enrolled = true, .reason = "because"};
    REQUIRE(rpc::send(connection.get(), encode(reply)));
    caller.join();
    CHECK(heard == reply);
}

TEST_CASE_FIXTURE(Connected,
                  "the pod's namespace goes along as an open descriptor, and nothing else does") {
    const auto netns = std::make_shared<const Netns>(Netns::current().value());
    // Nobody answers: what was sent is there all the same.
    REQUIRE(!client.call({.verb = rpc::Verb::status, .netns = netns}, 1ms));
    auto heard = rpc::request_of(rpc::receive(connection.get()).value());
    REQUIRE(heard);
    REQUIRE(heard->netns);
    CHECK(heard->netns->id() == netns->id());
    CHECK(heard->netns->fd() != netns->fd());
    CHECK(::fcntl(heard->netns->fd(), F_GETFD) == FD_CLOEXEC);

    REQUIRE(!client.call(status_request(), 1ms));
    CHECK(!rpc::receive(connection.get()).value().descriptor);

    int ends[2] = {};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    const UniqueFd sender(ends[0]);
    const UniqueFd receiver(ends[1]);
    const UniqueFd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    REQUIRE(rpc::send_with(sender.get(), rpc::encode(status_request()), other.get()) > 0);
    const auto refused = rpc::request_of(rpc::receive(receiver.get()).value());
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::invalid_input);
}

TEST_CASE(
    "an agent that is not there, or does not answer, is unavailable and costs no more than the "
    "timeout") {
    const ScratchFolder scratch;
    const auto path = scratch.path + "/agent.sock";
    const auto absent = rpc::Client::connect(path, 5s);
    REQUIRE(!absent);
    CHECK(absent.error().kind == ErrorKind::unavailable);

    const auto listener = rpc::listen(path);
    REQUIRE(listener);
    auto client = rpc::Client::connect(path, 5s);
    REQUIRE(client);
    const auto begin = std::chrono::steady_clock::now();
    const auto silent = client->call(status_request(), 50ms);
    const auto took = std::chrono::steady_clock::now() - begin;
    REQUIRE(!silent);
    CHECK(silent.error().kind == ErrorKind::unavailable);
    CHECK(took >= 50ms);
    CHECK(took < 2s);
}

TEST_CASE("an agent whose backlog is full is unavailable") {
    const ScratchFolder scratch;
    const auto path = scratch.path + "/agent.sock";
    const auto listener = rpc::listen(path);
    REQUIRE(listener);
    std::vector<rpc::Client> waiting;
    for (;;) {
        auto client = rpc::Client::connect(path, 20ms);
        if (client) {
            waiting.push_back(*std::move(client));
            REQUIRE(waiting.size() < 10'000);
            continue;
        }
        CHECK(client.error().kind == ErrorKind::unavailable);
        break;
    }
    CHECK(waiting.size() >= 100);
}

TEST_CASE("an agent that hangs up is unavailable; one that babbles is wrong") {
    const ScratchFolder scratch;
    const auto path = scratch.path + "/agent.sock";
    const auto listener = rpc::listen(path);
    REQUIRE(listener);
    auto hung = rpc::Client::connect(path, 5s);
    REQUIRE(hung);
    REQUIRE(rpc::accept(listener->get()));  // and closed at once
    CHECK(hung->call(status_request(), 5s).error().kind == ErrorKind::unavailable);

    auto babbled = rpc::Client::connect(path, 5s);
    REQUIRE(babbled);
    const auto connection = rpc::accept(listener->get());
    REQUIRE(connection);
    REQUIRE(rpc::send(connection->get(), "hello"));  // waits in the socket for the call
    CHECK(babbled->call(status_request(), 5s).error().kind == ErrorKind::invalid_input);
}

TEST_CASE("a dead agent's socket is replaced, a living one's is not") {
    const ScratchFolder scratch;
    const auto path = scratch.path + "/agent.sock";
    auto first = rpc::listen(path);
    REQUIRE(first);
    const auto second = rpc::listen(path);
    REQUIRE(!second);
    CHECK(second.error().kind == ErrorKind::conflict);
    CHECK(rpc::Client::connect(path, 5s));

    first = std::unexpected(Error{});  // closed, as by SIGKILL: the file stays
    REQUIRE(std::filesystem::exists(path));
    REQUIRE(rpc::listen(path));
    CHECK(rpc::remove_leftover(path));
    CHECK(!std::filesystem::exists(path));
    CHECK(rpc::remove_leftover(path));
}

TEST_CASE("a file that is no socket is not removed") {
    const ScratchFolder scratch;
    const auto path = scratch.path + "/agent.sock";
    SUBCASE("a folder") { std::filesystem::create_directory(path); }
    SUBCASE("a regular file") { std::ofstream(path) << "somebody's"; }
    SUBCASE("a link to a socket") {
        CHECK(rpc::listen(scratch.path + "/other.sock"));
        std::filesystem::create_symlink("other.sock", path);
    }
    const auto listener = rpc::listen(path);
    REQUIRE(!listener);
    CHECK(listener.error().kind == ErrorKind::conflict);
    CHECK(std::filesystem::symlink_status(path).type() != std::filesystem::file_type::not_found);
}

TEST_CASE("paths that do not fit are refused") {
    for (const auto& path : {std::string(), "/" + std::string(107, 'a')}) {
        const auto listener = rpc::listen(path);
        REQUIRE(!listener);
        CHECK(listener.error().kind == ErrorKind::invalid_input);
        CHECK(rpc::Client::connect(path, 1s).error().kind == ErrorKind::invalid_input);
    }
}

TEST_CASE("messages have a limit on both sides") {
    const ScratchFolder scratch;
    const auto path = scratch.path + "/agent.sock";
    const auto listener = rpc::listen(path);
    REQUIRE(listener);
    auto client = rpc::Client::connect(path, 5s);
    REQUIRE(client);
    const auto connection = rpc::accept(listener->get());
    REQUIRE(connection);
    auto request = status_request();
    request.pod_name = std::string(rpc::kMaxMessage, 'a');
    CHECK(client->call(request, 5s).error().kind == ErrorKind::invalid_input);
    CHECK(!rpc::send(connection->get(), std::string(rpc::kMaxMessage + 1, 'a')));
    CHECK(rpc::accept(listener->get()).error().kind == ErrorKind::unavailable);
}
