// What this process uses.
#pragma once

#include <cstdint>
#include <optional>

namespace ambient::agent {

struct ProcessStats {
    std::uint64_t resident_bytes = 0;
    double cpu_seconds = 0;
    std::uint64_t open_fds = 0;
};

// From /proc/self; nothing when that cannot be read.
std::optional<ProcessStats> read_process();

}  // namespace ambient::agent
