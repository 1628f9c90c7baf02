#include "node-agent/loop/folder_watch.hpp"

#include <cerrno>
#include <system_error>

#include "node-agent/loop/inotify.hpp"

namespace ambient::agent {
namespace {

// A new file's own IN_CREATE comes before its content: it is looked at when it is closed.
constexpr std::uint32_t kFinished = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
constexpr std::uint32_t kFolderGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED;
constexpr std::uint32_t kEvents =
    kFinished | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// A link is finished when it is made, and nothing else is told of it.
bool is_link(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::is_symlink(path, ignored);
}

}  // namespace

Result<FolderWatch> FolderWatch::open(const std::vector<std::filesystem::path>& folders) {
    UniqueFd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify) return std::unexpected(errno_error(errno, "open inotify"));
    FolderWatch watch(std::move(inotify));
    for (const auto& path : folders)
        watch.folders_.push_back({.path = path});
    watch.follow_folders();
    return watch;
}

void FolderWatch::follow_folders() {
    for (auto& folder : folders_) {
        if (folder.watch < 0) {
            folder.watch = ::inotify_add_watch(inotify_.get(), folder.path.c_str(), kEvents);
        }
    }
}

bool FolderWatch::drain() {
    bool touched = false;
    drain_inotify(inotify_.get(), [&](const inotify_event& event, const std::string& name) {
        if (event.mask & (kFinished | kFolderGone | IN_Q_OVERFLOW)) touched = true;
        for (auto& folder : folders_) {
            if (folder.watch != event.wd) continue;
            if ((event.mask & IN_CREATE) && is_link(folder.path / name)) touched = true;
            if (event.mask & IN_MOVE_SELF) ::inotify_rm_watch(inotify_.get(), event.wd);
            if (event.mask & kFolderGone) folder.watch = -1;
        }
    });
    return touched;
}

}  // namespace ambient::agent
