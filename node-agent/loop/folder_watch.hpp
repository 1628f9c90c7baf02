// inotify(7) on whole folders: was anything in them touched?
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"

namespace ambient::agent {

class FolderWatch {
  public:
    // Folders need not exist yet.
    static Result<FolderWatch> open(const std::vector<std::filesystem::path>& folders);

    // Readable when drain() has something to tell.
    [[nodiscard]] int fd() const { return inotify_.get(); }

    // Whether files were finished, moved, linked or deleted there since the last call. A file that
    // is still open for writing does not count.
    bool drain();

    // Begins to watch the folders that were missing or have been replaced: nothing tells of those,
    // so call it with every look. Look at a folder after this, not before.
    void follow_folders();

  private:
    struct Folder {
        std::filesystem::path path;
        int watch = -1;  // inotify's number; -1: not watched
    };

    explicit FolderWatch(UniqueFd inotify) : inotify_(std::move(inotify)) {}

    UniqueFd inotify_;
    std::vector<Folder> folders_;
};

}  // namespace ambient::agent
