#include "common/netns/run_in.hpp"

#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace ambient {

namespace {

// Where work of this thread is going on: what it calls in turn need not ask again.
thread_local std::optional<NetnsId> inside;

}  // namespace

void call_here(const Netns& netns, const std::function<void()>& work) {
    const auto outside = std::exchange(inside, netns.id());
    work();
    inside = outside;
}

Result<void> enter_and_call(const Netns& netns, const std::function<void()>& work) {
    if (inside == netns.id() || TRY(Netns::current_id()) == netns.id()) {
        call_here(netns, work);
        return {};
    }
    int failure = 0;
    try {
        std::thread([&] {
            if (::setns(netns.fd(), CLONE_NEWNET) != 0) {
                failure = errno;
                return;
            }
            call_here(netns, work);
        }).join();
    } catch (const std::system_error& error) {  // no thread to be had
        failure = error.code().value();
    }
    if (failure != 0) {
        return std::unexpected(errno_error(failure, "enter network namespace", netns.name()));
    }
    return {};
}

Result<UniqueFd> open_socket(const Netns& netns, int domain, int type, int protocol) {
    return run_in(netns, [&]() -> Result<UniqueFd> {
        UniqueFd fd(::socket(domain, type | SOCK_CLOEXEC, protocol));
        if (!fd) return std::unexpected(errno_error(errno, "open socket in", netns.name()));
        return fd;
    });
}

}  // namespace ambient
