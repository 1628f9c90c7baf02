#include "node-agent/install/install_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "node-agent/install/node_file.hpp"

namespace ambient::agent {
namespace {

constexpr const char* kName = "install.lock";

bool is_at(int fd, const std::filesystem::path& path) {
    struct stat held{};
    struct stat named{};
    return ::fstat(fd, &held) == 0 && ::lstat(path.c_str(), &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

}  // namespace

Result<InstallLock> InstallLock::take(const std::filesystem::path& state_dir, Busy busy) {
    std::error_code code;
    std::filesystem::create_directories(state_dir, code);
    if (code) return std::unexpected(errno_error(code.value(), "make folder", state_dir.native()));
    auto path = state_dir / kName;
    while (true) {
        // Not for writing: where all is as it must be, a read-only file system will do.
        UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!fd) return std::unexpected(errno_error(errno, "open lock", path.native()));
        if (::flock(fd.get(), busy == Busy::wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
            if (errno == EINTR) continue;
            return std::unexpected(errno_error(
                errno, "another process of ambient-cni is at work on the CNI folders; it holds",
                path.native()));
        }
        // One who left took it away while we waited.
        if (is_at(fd.get(), path)) return InstallLock(std::move(fd), std::move(path));
    }
}

Result<void> InstallLock::remove() const { return remove_node_file(path_); }

}  // namespace ambient::agent
