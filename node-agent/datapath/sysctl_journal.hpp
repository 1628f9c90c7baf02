// What sysctls held before we changed them, so that leaving restores them (CONTRACT U7). The kernel
// does not keep the old value, so this is the one thing that is remembered in a file:
// state_dir/sysctls.conf, written before the change. It has to outlive this process, but not the
// kernel, whose values go with it: it is not synced to the disk, which would cost milliseconds for
// each pod.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/model/sysctl.hpp"

namespace ambient::agent {

// Of what was found, what is not as wanted already. Only that is changed, and to be remembered: a
// device that was renamed shows our own value under a new path.
std::vector<model::Sysctl> about_to_change(std::vector<model::Sysctl> found,
                                           const std::vector<model::Sysctl>& wanted);

class SysctlJournal {
  public:
    // Reads the file; none means an empty journal.
    static Result<SysctlJournal> load(std::filesystem::path file);

    [[nodiscard]] const std::map<std::string, std::string>& originals() const { return originals_; }

    // Remembers those whose path is not known yet, in the file before it returns.
    Result<void> remember(const std::vector<model::Sysctl>& found);
    // Forgets paths that were restored or whose device is gone.
    Result<void> forget(const std::vector<std::string>& paths);
    // Removes the file: everything was restored.
    Result<void> remove();

  private:
    explicit SysctlJournal(std::filesystem::path file) : file_(std::move(file)) {}
    [[nodiscard]] Result<void> save() const;

    std::filesystem::path file_;
    std::map<std::string, std::string> originals_;
};

}  // namespace ambient::agent
