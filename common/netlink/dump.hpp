// The answer to a dump request, and the rule for interrupted ones. Pure: fed with datagrams, it
// needs no socket.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "common/netlink/netlink_socket.hpp"

namespace ambient::netlink {

// Collects the messages of one dump. `sequence` is the request's: anything else (a late answer to
// an earlier request) is passed over.
class Dump {
  public:
    explicit Dump(std::uint32_t sequence) : sequence_(sequence) {}

    // True once the dump has ended. Errors: what the kernel ended it with; interrupted, at the end,
    // when the kernel said that objects changed meanwhile (NLM_F_DUMP_INTR), so that some may be
    // missing or be there twice.
    Result<bool> feed(std::span<const std::byte> datagram);
    // Messages were lost: the end will be an error too.
    void mark_interrupted() { interrupted_ = true; }

    [[nodiscard]] auto begin() const { return Messages(bytes_).begin(); }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

  private:
    std::uint32_t sequence_;
    bool interrupted_ = false;
    std::vector<std::byte> bytes_;
};

inline constexpr int kDumpAttempts = 5;

// Runs `attempt` again while it says interrupted, at most kDumpAttempts times in all.
template <class Attempt>
std::invoke_result_t<Attempt> retry_interrupted(Attempt attempt) {
    auto outcome = attempt();
    for (int i = 1; i < kDumpAttempts && !outcome && outcome.error().kind == ErrorKind::interrupted;
         ++i) {
        outcome = attempt();
    }
    return outcome;
}

}  // namespace ambient::netlink
