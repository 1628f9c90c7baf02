#include "node-agent/install/node_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "common/base/read_file.hpp"

namespace ambient::agent {
namespace {

// Runtimes read *.conf, *.conflist and *.json, hidden ones too (libcni/conf.go, ConfFiles).
constexpr const char* kNewName = ".ambient-cni.new";
// More than a runtime takes (go-cni, opts.go: 2 MiB) is not worth reading.
constexpr std::size_t kMaxTextBytes = std::size_t{2} * 1024 * 1024;

std::unexpected<Error> failed(const char* doing, const std::filesystem::path& path) {
    Error error = errno_error(errno, doing, path.native());
    if (error.kind == ErrorKind::kernel) error.kind = ErrorKind::io;
    return std::unexpected(std::move(error));
}

Result<void> sync_folder(const std::filesystem::path& folder) {
    const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return failed("write folder to disk", folder);
    return {};
}

}  // namespace

Result<NodeFile> read_node_file(const std::filesystem::path& path) {
    std::error_code code;
    NodeFile file{.path = std::filesystem::canonical(path, code)};
    if (code) return std::unexpected(errno_error(code.value(), "read file", path.native()));
    struct stat found{};
    if (::stat(file.path.c_str(), &found) != 0) return failed("read file", file.path);
    // Opening anything else could block, or do things.
    if (!S_ISREG(found.st_mode)) {
        return std::unexpected(invalid_input(path.native() + " is not a file"));
    }
    file.permissions = {found.st_mode & 07777U, found.st_uid, found.st_gid};
    file.text = TRY(read_file(file.path, kMaxTextBytes));
    return file;
}

Result<void> remove_half_done(const std::filesystem::path& folder) {
    return remove_node_file(folder / kNewName);
}

NewFile::NewFile(UniqueFd fd, std::filesystem::path target)
    : fd_(std::move(fd)), target_(std::move(target)), path_(target_.parent_path() / kNewName) {}

NewFile::~NewFile() {
    if (fd_) ::unlink(path_.c_str());
}

Result<NewFile> NewFile::create(const std::filesystem::path& target) {
    const auto path = target.parent_path() / kNewName;
    // A link's target may be in another folder.
    TRY(remove_node_file(path));
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return failed("create file", path);
    return NewFile(std::move(fd), target);
}

Result<void> NewFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd_.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failed("write file", path_);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> NewFile::finish(const Permissions& permissions) {
    // Before the owner: afterwards it would take CAP_FOWNER.
    if (::fchmod(fd_.get(), permissions.mode) != 0) return failed("change mode of file", path_);
    struct stat now{};
    if (::fstat(fd_.get(), &now) != 0) return failed("look at file", path_);
    // Only where it differs: giving a file away takes CAP_CHOWN.
    if ((now.st_uid != permissions.owner || now.st_gid != permissions.group) &&
        ::fchown(fd_.get(), permissions.owner, permissions.group) != 0) {
        return failed("change owner of file", path_);
    }
    if (::fsync(fd_.get()) != 0) return failed("write file to disk", path_);
    return {};
}

Result<void> NewFile::put(const Permissions& permissions) {
    TRY(finish(permissions));
    if (::rename(path_.c_str(), target_.c_str()) != 0) return failed("replace file", target_);
    fd_ = {};
    return sync_folder(target_.parent_path());
}

Result<void> NewFile::exchange() const {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0) {
        return failed("replace file", target_);
    }
    return {};
}

// What somebody else wrote since we read the file, or since it was taken out, is what must stand
// there: their change tells us to look again.
Result<void> NewFile::give_back() const {
    TRY(exchange());
    struct stat ours{};
    struct stat taken_out{};
    if (::fstat(fd_.get(), &ours) != 0 || ::stat(path_.c_str(), &taken_out) != 0) {
        return failed("look at file", path_);
    }
    return ours.st_ino == taken_out.st_ino ? Result<void>{} : exchange();
}

Result<void> NewFile::put_instead_of(const NodeFile& before) {
    TRY(finish(before.permissions));
    const auto holds_it = [&](const std::filesystem::path& path) {
        const auto found = read_node_file(path);
        return found && found->text == before.text;
    };
    const auto lost_the_race =
        std::unexpected(Error{.kind = ErrorKind::interrupted,
                              .doing = "another program changed the file at the same moment:",
                              .object = target_.native()});
    const auto exchanged = exchange();
    // Some file systems cannot do that (rename(2), EINVAL: ZFS before 2.2, NFS): there the last
    // look is a moment before the change.
    if (!exchanged && exchanged.error().errno_value == EINVAL) {
        if (!holds_it(target_)) return lost_the_race;
        return put(before.permissions);
    }
    TRY(exchanged);
    const bool as_expected = holds_it(path_);
    if (!as_expected) TRY(give_back());
    TRY(sync_folder(target_.parent_path()));
    if (!as_expected) return lost_the_race;
    return {};
}

Result<void> write_node_file(const std::filesystem::path& path, std::string_view text,
                             const Permissions& permissions) {
    auto file = TRY(NewFile::create(path));
    TRY(file.write(text));
    return file.put(permissions);
}

Result<void> rewrite_node_file(const NodeFile& before, std::string_view text) {
    auto file = TRY(NewFile::create(before.path));
    TRY(file.write(text));
    return file.put_instead_of(before);
}

Result<void> remove_node_file(const std::filesystem::path& path) {
    struct stat found{};
    // unlink(2) of nothing in a read-only folder is EROFS, and there it is no error either.
    if (::lstat(path.c_str(), &found) != 0 && errno == ENOENT) return {};
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove file", path);
    return {};
}

}  // namespace ambient::agent
