// Client and listener talk to each other over a real socket in a scratch folder.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <doctest/doctest.h>

#include "common/rpc/client.hpp"
#include "common/rpc/codec.hpp"
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

rpc::Request status_request() { return {.verb = rpc::Verb::status}; }

}  // namespace

TEST_CASE("the socket and its folder are root's alone") {
    const ScratchFolder scratch;
    const auto path = scratch.path + "/run/agent.sock";
    REQUIRE(rpc::listen(path));
    CHECK(mode_of(scratch.path + "/run") == 0700);
    CHECK(mode_of(path) == 0600);
}

TEST_CASE("a request gets its reply") {
    const ScratchFolder scratch;
    const auto path = scratch.path + "/agent.sock";
    auto listener = rpc::listen(path);
    REQUIRE(listener);
    auto client = rpc::Client::connect(path, 5s);
    REQUIRE(client);
    auto connection = rpc::accept(listener->get());
    REQUIRE(connection);

    Result<rpc::Reply> heard = std::unexpected(Error{});
    std::thread caller([&] { heard = client->call(status_request(), 5s); });
    // The connection does not block: until the request is there it says so.
    Result<std::string> asked = std::unexpected(Error{});
    do
        asked = rpc::receive(connection->get());
    while (!asked && asked.error().kind == ErrorKind::unavailable);
    REQUIRE(asked);
    CHECK(rpc::decode_request(*asked) == status_request());
    const rpc::Reply reply = {.enrolled = true, .reason = "because"};
    REQUIRE(rpc::send(connection->get(), encode(reply)));
    caller.join();
    CHECK(heard == reply);
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
