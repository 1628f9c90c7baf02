#include "common/netns/netns.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
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

// By a socket, which is of the namespace that its maker is in: looking something up under /proc
// makes entries for this very process there, and takes them away again as it ends, which costs a
// short process more than all its other questions. Needs CAP_NET_ADMIN (net/socket.c, sock_ioctl).
Result<Netns> Netns::current() {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    UniqueFd fd(::ioctl(socket.get(), SIOCGSKNS));
    if (!fd) fd = UniqueFd(::open(kOwnPath, O_RDONLY | O_CLOEXEC));
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

}  // namespace ambient
