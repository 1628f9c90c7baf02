// The plugin's program in the folder where the container runtime looks for it.
#pragma once

#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <optional>

#include "common/base/error.hpp"

namespace ambient::agent {

class PluginCopy {
  public:
    // `from`: our own file; `folder`: the runtime's.
    PluginCopy(std::filesystem::path from, const std::filesystem::path& folder);

    // Whether it had to be written. A link in its place is replaced, not followed.
    Result<bool> install();
    // Whether the runtime finds a program there, ours or not.
    [[nodiscard]] bool present() const;
    // Whether it was removed. A file that is neither equal to `from` nor says that it is our plugin
    // (another version) is not ours, in spite of its name, and stays.
    Result<bool> uninstall();

  private:
    Result<bool> is_right();
    Result<void> copy();

    std::filesystem::path from_;
    std::filesystem::path to_;
    // Both files as they were when their bytes were last found equal: comparing them costs more
    // than all the rest of a look.
    std::optional<std::array<struct stat, 2>> compared_;
};

}  // namespace ambient::agent
