#include "node-agent/report/health/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>

#include "common/base/parse.hpp"
#include "common/base/read_file.hpp"

namespace ambient::agent {
namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// proc_pid_statm(5): "size resident ...", in pages.
std::optional<std::uint64_t> resident_bytes() {
    const auto text = read_file("/proc/self/statm", 4'096);
    if (!text) return std::nullopt;
    const auto first = text->find(' ');
    const auto last = text->find(' ', first + 1);
    if (last == std::string::npos) return std::nullopt;
    const auto pages =
        parse_integer<std::uint64_t>(std::string_view(*text).substr(first + 1, last - first - 1));
    if (!pages) return std::nullopt;
    return *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::optional<ProcessStats> read_process() {
    const auto resident = resident_bytes();
    rusage usage = {};
    if (!resident || ::getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
    std::error_code failed;
    const std::filesystem::directory_iterator fds("/proc/self/fd", failed);
    if (failed) return std::nullopt;
    return ProcessStats{
        .resident_bytes = *resident,
        .cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime),
        // Less the one through which they are counted.
        .open_fds = static_cast<std::uint64_t>(std::distance(begin(fds), end(fds))) - 1};
}

}  // namespace ambient::agent
