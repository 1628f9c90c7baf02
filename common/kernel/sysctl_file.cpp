#include "common/kernel/sysctl_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "common/netns/run_in.hpp"

namespace ambient {
namespace {

// Opens inside the calling thread's namespace (net/sysctl_net.c, net_ctl_header_lookup). Everything
// outside net/ belongs to the whole machine and is none of ours.
class Opener {
  public:
    explicit Opener(const std::filesystem::path& sysctl_dir) : sysctl_dir_(sysctl_dir) {}

    Result<UniqueFd> open(const std::string& path, int flags) {
        if (!path.starts_with("net/") || path.find("/../") != std::string::npos) {
            return std::unexpected(invalid_input("sysctl " + path + " is not below net/"));
        }
        const auto last = path.rfind('/');
        const auto second_last = path.rfind('/', last - 1);
        const auto folder =
            std::string_view(path).substr(0, second_last == path.npos ? last : second_last);
        TRY(enter(folder));
        UniqueFd fd(::openat(fd_.get(), path.c_str() + folder.size() + 1, flags | O_CLOEXEC));
        if (!fd) return std::unexpected(errno_error(errno, "open sysctl", path));
        return fd;
    }

  private:
    // A thousand devices' sysctls are below one folder: looking that up each time takes longer
    // than all the rest of reading them.
    Result<void> enter(std::string_view folder) {
        if (fd_ && folder == folder_) return {};
        const auto path = sysctl_dir_ / folder;
        fd_ = UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!fd_) return std::unexpected(errno_error(errno, "open sysctls", path.native()));
        folder_ = folder;
        return {};
    }

    const std::filesystem::path& sysctl_dir_;
    UniqueFd fd_;
    std::string folder_;
};

// Between open and read a device may go, and its files with it: 6.x says ENOENT then
// (fs/proc/proc_sysctl.c, grab_header), others have said ENODEV or EIO.
bool is_gone(int errno_value) {
    return errno_value == ENOENT || errno_value == ENODEV || errno_value == EIO;
}

Result<std::optional<model::Sysctl>> read_one(Opener& opener, const std::string& path) {
    const auto fd = opener.open(path, O_RDONLY);
    if (!fd) {
        if (fd.error().kind == ErrorKind::not_found) return std::nullopt;
        return std::unexpected(fd.error());
    }
    std::array<char, 4096> buffer;
    const auto got = ::read(fd->get(), buffer.data(), buffer.size());
    if (got < 0) {
        if (is_gone(errno)) return std::nullopt;
        return std::unexpected(errno_error(errno, "read sysctl", path));
    }
    std::string value(buffer.data(), static_cast<std::size_t>(got));
    if (value.ends_with('\n')) value.pop_back();
    return model::Sysctl{.path = path, .value = std::move(value)};
}

}  // namespace

Result<std::vector<model::Sysctl>> read_sysctls(const Netns& netns,
                                                const std::filesystem::path& sysctl_dir,
                                                const std::vector<std::string>& paths) {
    if (paths.empty()) return std::vector<model::Sysctl>{};
    return run_in(netns, [&]() -> Result<std::vector<model::Sysctl>> {
        std::vector<model::Sysctl> found;
        Opener opener(sysctl_dir);
        for (const auto& path : paths) {
            if (auto sysctl = TRY(read_one(opener, path))) found.push_back(*std::move(sysctl));
        }
        return found;
    });
}

Result<void> write_sysctl(const Netns& netns, const std::filesystem::path& sysctl_dir,
                          const model::Sysctl& sysctl) {
    const auto fd =
        TRY(run_in(netns, [&] { return Opener(sysctl_dir).open(sysctl.path, O_WRONLY); }));
    if (::write(fd.get(), sysctl.value.data(), sysctl.value.size()) < 0) {
        return std::unexpected(errno_error(errno, "write sysctl", sysctl.path));
    }
    return {};
}

}  // namespace ambient
