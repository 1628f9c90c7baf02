// Pods and namespaces in YAML or JSON files, followed.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"
#include "common/kube/objects.hpp"

namespace ambient::agent {

// A file, or a folder whose *.yaml, *.yml and *.json files count (hidden ones and subfolders do
// not). Followed by inotify, as a hint: files written in place, replaced by rename, linked,
// deleted, and the swap of the symlink `..data` by which Kubernetes updates a mounted ConfigMap.
// Only files that were touched are read again. look() finds the rest, also where the kernel has no
// inotify left: a link's target that was written elsewhere, another folder under the same name.
//
// A file that cannot be read or understood keeps what it held before, and is read again when it
// changes. In a folder, a file that is deleted takes its objects with it; a single file that is
// gone is an error, and its objects stay.
class ObjectFiles {
  public:
    // `changed`: objects() or complete() is another one. `errors` holds what went wrong since the
    // last refresh, each told once.
    struct Refreshed {
        bool changed = false;
        std::vector<Error> errors = {};
    };

    // Errors: not_found when there is no such folder (of a single file: the folder that holds it).
    static Result<ObjectFiles> open(const std::filesystem::path& path);

    // Readable when refresh() may find something new; -1 while there is no inotify to be had, else
    // the same for the rest of the life of this.
    [[nodiscard]] int fd() const { return inotify_.get(); }
    // What was touched.
    Refreshed refresh();
    // At every resync: the folder is listed, and what is not as it was is read.
    Refreshed look();
    // Everything known now; changes only in refresh().
    [[nodiscard]] kube::Objects objects() const;
    // Whether objects() is the whole picture: false until everything there is has been read once
    // without error.
    [[nodiscard]] bool complete() const { return complete_; }

  private:
    struct File {
        std::optional<kube::Objects> objects = std::nullopt;  // none: never read well
        std::optional<Error> told = std::nullopt;  // its error, until it reads well again
        // As it was when it was last read; none: may be another one by now.
        std::optional<struct stat> seen = std::nullopt;
    };
    struct Touched {
        bool all = false;
        std::set<std::string> names = {};
    };

    ObjectFiles(std::filesystem::path folder, std::string only)
        : folder_(std::move(folder)), only_(std::move(only)) {
        if (!only_.empty()) files_[only_] = {};
    }

    Result<void> watch();
    Result<void> require_inotify();
    [[nodiscard]] bool watches_this_folder() const;
    [[nodiscard]] bool is_as_seen(const std::string& name) const;
    Refreshed read_again(Touched touched, bool whole);
    Touched drain();
    [[nodiscard]] bool counts(const std::string& name) const;
    Result<std::set<std::string>> list() const;
    void read(const std::string& name, Refreshed& outcome);
    void fail(File& file, Error error, Refreshed& outcome);

    UniqueFd inotify_;
    int watch_ = -1;                     // inotify's number for the folder; -1: not watched
    struct stat watched_ = {};           // that folder
    std::optional<Error> hint_trouble_;  // why there is no inotify
    std::filesystem::path folder_;
    std::string only_;                   // the single file's name; empty: all of the folder
    std::map<std::string, File> files_;  // by name
    std::optional<Error> told_;          // the folder's error
    bool complete_ = false;
};

}  // namespace ambient::agent
