#include "common/netns/netns.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace ambient {
namespace {

constexpr auto kOwnPath = "/proc/thread-self/ns/net";

}  // namespace

Result<Netns> Netns::open(const std::string& path) {
    // Non-blocking, so that a path that is a FIFO gives an answer too.
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return std::unexpected(errno_error(errno, "open network namespace", path));
    return adopt(std::move(fd), path);
}

Result<Netns> Netns::adopt(UniqueFd fd, std::string name) {
    // Only nsfs files answer; ENOTTY from anything else (fs/nsfs.c, ns_ioctl).
    if (::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
        return std::unexpected(
            Error{.kind = ErrorKind::invalid_input,
                  .doing = "open network namespace: this is no network namespace:",
                  .object = std::move(name)});
    }
    return identified(std::move(fd), std::move(name));
}

Result<Netns> Netns::identified(UniqueFd fd, std::string name) {
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) {
        return std::unexpected(errno_error(errno, "identify network namespace", std::move(name)));
    }
    const NetnsId id{.device = status.st_dev, .inode = status.st_ino};
    return Netns(std::move(fd), id, std::move(name));
}

Result<Netns> Netns::current() {
    UniqueFd fd(::open(kOwnPath, O_RDONLY | O_CLOEXEC));
    if (!fd) return std::unexpected(errno_error(errno, "open network namespace", kOwnPath));
    return identified(std::move(fd), kOwnPath);
}

Result<NetnsId> Netns::current_id() {
    struct stat status{};
    if (::stat(kOwnPath, &status) != 0) {
        return std::unexpected(errno_error(errno, "identify network namespace", kOwnPath));
    }
    return NetnsId{.device = status.st_dev, .inode = status.st_ino};
}

Result<Netns> Netns::duplicate() const {
    UniqueFd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return std::unexpected(errno_error(errno, "duplicate network namespace", name_));
    return Netns(std::move(copy), id_, name_);
}

}  // namespace ambient
