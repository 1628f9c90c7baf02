#include "common/netns/netns.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include <doctest/doctest.h>

#include "common/netns/run_in.hpp"
#include "tests/kernel/sandbox.hpp"

namespace ambient::test {
namespace {

TEST_CASE("a namespace is known by what it is, whatever it was opened by") {
    const auto own = Netns::current();
    REQUIRE(own);
    const auto by_path = Netns::open("/proc/self/ns/net");
    REQUIRE(by_path);
    const auto copy = *own;
    CHECK(own->id() == by_path->id());
    CHECK(own->id() == copy.id());
    CHECK(by_path->name() == "/proc/self/ns/net");
    CHECK(own->id() != new_netns().id());
}

TEST_CASE("a descriptor that came from elsewhere is checked too") {
    const auto netns = new_netns();
    UniqueFd fd(::fcntl(netns.fd(), F_DUPFD_CLOEXEC, 0));
    const auto adopted = Netns::adopt(std::move(fd), "a pod's");
    REQUIRE(adopted);
    CHECK(adopted->id() == netns.id());
    CHECK(adopted->name() == "a pod's");
}

TEST_CASE("what is no network namespace is refused") {
    for (const auto* path : {"/proc/self/ns/mnt", "/proc/self/status", "/tmp", "/dev/null"}) {
        CAPTURE(path);
        const auto netns = Netns::open(path);
        REQUIRE(!netns);
        CHECK(netns.error().kind == ErrorKind::invalid_input);
        CHECK(describe(netns.error()).find(path) != std::string::npos);
    }
    const auto missing = Netns::open("/run/netns/nothere");
    REQUIRE(!missing);
    CHECK(missing.error().kind == ErrorKind::not_found);
}

Result<NetnsId> id_here() { return Netns::current().value().id(); }

TEST_CASE("work runs inside, and the calling thread stays where it is") {
    const auto before = id_here();
    const auto netns = new_netns();
    const auto caller = std::this_thread::get_id();
    std::thread::id worker;
    const auto inside = run_in(netns, [&] {
        worker = std::this_thread::get_id();
        return id_here();
    });
    CHECK(inside == netns.id());
    CHECK(worker != caller);
    CHECK(id_here() == before);
}

TEST_CASE("work in the thread's own namespace needs no other thread") {
    const auto netns = new_netns();
    const Inside inside(netns);
    std::thread::id worker;
    CHECK(run_in(netns, [&] {
              worker = std::this_thread::get_id();
              return id_here();
          }) == netns.id());
    CHECK(worker == std::this_thread::get_id());
}

TEST_CASE("the work's error comes back") {
    const auto outcome =
        run_in(new_netns(), []() -> Result<int> { return std::unexpected(invalid_input("no")); });
    REQUIRE(!outcome);
    CHECK(outcome.error() == invalid_input("no"));
}

TEST_CASE("a socket belongs to the namespace that it was opened in") {
    const auto netns = new_netns();
    const auto socket = open_socket(netns, AF_INET, SOCK_DGRAM, 0);
    REQUIRE(socket);
    const auto other = Netns::adopt(UniqueFd(::ioctl(socket->get(), SIOCGSKNS)), "the socket's");
    REQUIRE(other);
    CHECK(other->id() == netns.id());
    CHECK((::fcntl(socket->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

}  // namespace
}  // namespace ambient::test
