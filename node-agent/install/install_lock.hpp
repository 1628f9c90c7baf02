// One of us at a time changes the node's CNI folders.
#pragma once

#include <filesystem>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"

namespace ambient::agent {

// flock(2) on a file of our own: whoever can open a file can lock it, and anybody can open a CNI
// folder. Gone with the process that holds it.
class InstallLock {
  public:
    enum class Busy { wait, fail };  // when another process holds it

    // `state_dir` is made when it is not there. Error unavailable: another one holds it.
    static Result<InstallLock> take(const std::filesystem::path& state_dir, Busy busy);
    // The file goes, too: on leaving.
    [[nodiscard]] Result<void> remove() const;

  private:
    InstallLock(UniqueFd fd, std::filesystem::path path)
        : fd_(std::move(fd)), path_(std::move(path)) {}

    UniqueFd fd_;
    std::filesystem::path path_;
};

}  // namespace ambient::agent
