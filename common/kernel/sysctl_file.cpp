#include "common/kernel/sysctl_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "common/netns/run_in.hpp"

namespace ambient {
namespace {

// Opens inside the calling thread's namespace (net/sysctl_net.c, net_ctl_header_lookup). Everything
// outside net/ belongs to the whole machine and is none of ours.
Result<UniqueFd> open_file(const std::string& path, int flags) {
    if (!path.starts_with("net/") || path.find("/../") != std::string::npos) {
        return std::unexpected(invalid_input("sysctl " + path + " is not below net/"));
    }
    UniqueFd fd(::open(("/proc/sys/" + path).c_str(), flags | O_CLOEXEC));
    if (!fd) return std::unexpected(errno_error(errno, "open sysctl", path));
    return fd;
}

Result<std::optional<model::Sysctl>> read_one(const std::string& path) {
    const auto fd = open_file(path, O_RDONLY);
    if (!fd) {
        if (fd.error().kind == ErrorKind::not_found) return std::nullopt;
        return std::unexpected(fd.error());
    }
    std::array<char, 4096> buffer;
    const auto got = ::read(fd->get(), buffer.data(), buffer.size());
    if (got < 0) return std::unexpected(errno_error(errno, "read sysctl", path));
    std::string value(buffer.data(), static_cast<std::size_t>(got));
    if (value.ends_with('\n')) value.pop_back();
    return model::Sysctl{.path = path, .value = std::move(value)};
}

}  // namespace

Result<std::vector<model::Sysctl>> read_sysctls(const Netns& netns,
                                                const std::vector<std::string>& paths) {
    if (paths.empty()) return std::vector<model::Sysctl>{};
    return run_in(netns, [&]() -> Result<std::vector<model::Sysctl>> {
        std::vector<model::Sysctl> found;
        for (const auto& path : paths) {
            if (auto sysctl = TRY(read_one(path))) found.push_back(*std::move(sysctl));
        }
        return found;
    });
}

Result<void> write_sysctl(const Netns& netns, const model::Sysctl& sysctl) {
    const auto fd = TRY(run_in(netns, [&] { return open_file(sysctl.path, O_WRONLY); }));
    if (::write(fd.get(), sysctl.value.data(), sysctl.value.size()) < 0) {
        return std::unexpected(errno_error(errno, "write sysctl", sysctl.path));
    }
    return {};
}

}  // namespace ambient
