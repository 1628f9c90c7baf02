// Somebody touched a folder: a hint, on the loop, to look at it sooner than at the next resync.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include <asio/io_context.hpp>

#include "common/base/error.hpp"

namespace ambient::agent {

class FolderHint {
  public:
    using Touched = std::function<void()>;

    FolderHint(asio::io_context& io, std::vector<std::filesystem::path> folders, Touched touched);
    ~FolderHint();
    FolderHint(const FolderHint&) = delete;
    FolderHint& operator=(const FolderHint&) = delete;

    // With every look, and before it: begins to watch what cannot be watched yet, or no more.
    // Error: the kernel has no inotify instance left (fs.inotify.max_user_instances is for all
    // programs of root together); whoever looks from time to time goes on without.
    Result<void> follow();

  private:
    struct State;
    static void wait(const std::shared_ptr<State>& state);

    std::vector<std::filesystem::path> folders_;
    std::shared_ptr<State> state_;  // handlers on the loop know it weakly
};

}  // namespace ambient::agent
