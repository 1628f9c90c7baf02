#include "node-agent/install/plugin_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "common/base/read_file.hpp"
#include "common/base/unique_fd.hpp"
#include "common/cni/conflist.hpp"
#include "node-agent/install/node_file.hpp"

namespace ambient::agent {
namespace {

constexpr mode_t kMode = 0755;
constexpr std::size_t kChunk = std::size_t{64} * 1024;
// Every version of it says so to a person who starts it by hand (cni-plugin/main.cpp).
constexpr std::string_view kSays = "CNI plugin ambient-cni ";

Error file_error(int errno_value, const char* doing, const std::filesystem::path& path) {
    Error error = errno_error(errno_value, doing, path.native());
    if (error.kind == ErrorKind::kernel) error.kind = ErrorKind::io;
    return error;
}

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mode == b.st_mode && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
           a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
           a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

class Reader {
  public:
    static Result<Reader> open(const std::filesystem::path& path) {
        UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!fd) return std::unexpected(file_error(errno, "read plugin", path));
        return Reader(std::move(fd), path);
    }

    // Empty at the end.
    Result<std::string_view> next() {
        std::size_t size = 0;
        while (size < kChunk) {
            const auto got = ::read(fd_.get(), buffer_.data() + size, kChunk - size);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return std::unexpected(file_error(errno, "read plugin", path_));
            if (got == 0) break;
            size += static_cast<std::size_t>(got);
        }
        total_ += size;
        if (total_ > kMaxPluginBytes) {
            return std::unexpected(invalid_input(path_.native() + " is too large for a plugin"));
        }
        return std::string_view(buffer_).substr(0, size);
    }

  private:
    Reader(UniqueFd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

    UniqueFd fd_;
    std::filesystem::path path_;
    std::string buffer_ = std::string(kChunk, '\0');
    std::size_t total_ = 0;
};

Result<bool> same_bytes(const std::filesystem::path& a, const std::filesystem::path& b) {
    auto first = TRY(Reader::open(a));
    auto second = TRY(Reader::open(b));
    while (true) {
        const auto some = TRY(first.next());
        if (some != TRY(second.next())) return false;
        if (some.empty()) return true;
    }
}

}  // namespace

PluginCopy::PluginCopy(std::filesystem::path from, const std::filesystem::path& folder)
    : from_(std::move(from)), to_(folder / cni::kPluginType) {}

bool PluginCopy::present() const {
    struct stat found{};
    return ::stat(to_.c_str(), &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 0111U);
}

Result<bool> PluginCopy::is_right() {
    struct stat ours{};
    struct stat theirs{};
    if (::stat(from_.c_str(), &ours) != 0) {
        return std::unexpected(file_error(errno, "read plugin", from_));
    }
    if (::lstat(to_.c_str(), &theirs) != 0) {
        if (errno == ENOENT) return false;
        return std::unexpected(file_error(errno, "look at plugin", to_));
    }
    if (!S_ISREG(theirs.st_mode) || (theirs.st_mode & 07777U) != kMode) return false;
    if (ours.st_size != theirs.st_size) return false;
    if (compared_ && same_file((*compared_)[0], ours) && same_file((*compared_)[1], theirs)) {
        return true;
    }
    compared_.reset();
    if (!TRY(same_bytes(from_, to_))) return false;
    compared_ = {ours, theirs};
    return true;
}

Result<void> PluginCopy::copy() {
    auto from = TRY(Reader::open(from_));
    auto to = TRY(NewFile::create(to_));
    while (true) {
        const auto some = TRY(from.next());
        if (some.empty()) break;
        TRY(to.write(some));
    }
    return to.put({.mode = kMode, .owner = ::geteuid(), .group = ::getegid()});
}

Result<bool> PluginCopy::install() {
    TRY(remove_half_done(to_.parent_path()));
    if (TRY(is_right())) return false;
    TRY(copy());
    return true;
}

Result<bool> PluginCopy::uninstall() {
    TRY(remove_half_done(to_.parent_path()));
    struct stat found{};
    if (::lstat(to_.c_str(), &found) != 0) {
        if (errno == ENOENT) return false;
        return std::unexpected(file_error(errno, "look at plugin", to_));
    }
    const auto is_ours = [&] {
        if (!S_ISREG(found.st_mode)) return false;
        if (same_bytes(from_, to_).value_or(false)) return true;
        const auto bytes = read_file(to_, kMaxPluginBytes);
        return bytes && bytes->contains(kSays);
    };
    if (!is_ours()) return false;
    TRY(remove_node_file(to_));
    return true;
}

}  // namespace ambient::agent
