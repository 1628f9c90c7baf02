// Doing something inside a network namespace. Only opening needs it: a socket, and a file under
// /proc/sys/net, serve the namespace of the thread that opened them, from any thread, from then on.
#pragma once

#include <functional>
#include <type_traits>

#include "common/netns/netns.hpp"

namespace ambient {

// Calls `work` on a thread whose network namespace is `netns`, and waits for it: on the calling
// thread when that is already there, otherwise on one that ends afterwards, so that no thread is
// ever left behind in a foreign namespace. Error when the namespace cannot be entered; `work` was
// not called then.
Result<void> enter_and_call(const Netns& netns, const std::function<void()>& work);

// Calls `work` where the caller knows that it is in `netns` already: it is not asked for, not by
// what `work` calls in turn either.
void call_here(const Netns& netns, const std::function<void()>& work);

// enter_and_call() for work that returns a Result.
template <class Work>
std::invoke_result_t<Work> run_in(const Netns& netns, Work&& work) {
    std::invoke_result_t<Work> outcome = std::unexpected(Error{});
    const auto entered = enter_and_call(netns, [&] { outcome = work(); });
    if (!entered) return std::unexpected(entered.error());
    return outcome;
}

// A socket of that namespace, close-on-exec.
Result<UniqueFd> open_socket(const Netns& netns, int domain, int type, int protocol);

}  // namespace ambient
