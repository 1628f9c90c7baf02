// Files of the node that other programs read and write: changed as a whole or not at all.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"

namespace ambient::agent {

// How much of a file we take in: more is no network configuration, and no plugin.
inline constexpr std::size_t kMaxPluginBytes = std::size_t{64} * 1024 * 1024;

struct Permissions {
    mode_t mode = 0644;
    uid_t owner = 0;
    gid_t group = 0;

    bool operator==(const Permissions&) const = default;
};

struct NodeFile {
    std::filesystem::path path;  // with symbolic links followed
    std::string text;
    Permissions permissions;
};

// A regular file, or a link to one: the link stays, what it leads to is read and changed. A link
// replaced by a file could not come back when we leave.
Result<NodeFile> read_node_file(const std::filesystem::path& path);

// Clears away what an earlier one of us, killed, left in the folder.
Result<void> remove_half_done(const std::filesystem::path& folder);

// A file that is to stand at `target`, built beside it. Under an InstallLock. Gone with this object
// unless one of the last two succeeded.
class NewFile {
  public:
    static Result<NewFile> create(const std::filesystem::path& target);
    NewFile(NewFile&&) = default;
    NewFile& operator=(NewFile&&) = delete;
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile();

    Result<void> write(std::string_view bytes);
    // On disk with these, whatever stood at the target before.
    Result<void> put(const Permissions& permissions);
    // Takes the place of `before`. Error interrupted when another writer was faster: then what it
    // wrote stands there. Both files change places in one step, so that nothing can be written
    // between the last look and the change.
    Result<void> put_instead_of(const NodeFile& before);

  private:
    NewFile(UniqueFd fd, std::filesystem::path target);
    Result<void> finish(const Permissions& permissions);
    Result<void> exchange() const;
    Result<void> give_back() const;

    UniqueFd fd_;
    std::filesystem::path target_;
    std::filesystem::path path_;
};

Result<void> write_node_file(const std::filesystem::path& path, std::string_view text,
                             const Permissions& permissions);
Result<void> rewrite_node_file(const NodeFile& before, std::string_view text);
// What is gone already is success.
Result<void> remove_node_file(const std::filesystem::path& path);

}  // namespace ambient::agent
