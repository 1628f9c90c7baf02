#include "node-agent/loop/folder_hint.hpp"

#include <optional>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>

#include "node-agent/loop/folder_watch.hpp"

namespace ambient::agent {

struct FolderHint::State {
    State(asio::io_context& io, Touched tell) : readable(io), touched(std::move(tell)) {}
    ~State() { readable.release(); }  // the descriptor is the watch's to close
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    std::optional<FolderWatch> watch;  // none: the kernel had none left for us
    asio::posix::stream_descriptor readable;
    Touched touched;
};

FolderHint::FolderHint(asio::io_context& io, std::vector<std::filesystem::path> folders,
                       Touched touched)
    : folders_(std::move(folders)), state_(std::make_shared<State>(io, std::move(touched))) {}

FolderHint::~FolderHint() = default;

Result<void> FolderHint::follow() {
    if (state_->watch) {
        state_->watch->follow_folders();
        return {};
    }
    state_->watch = TRY(FolderWatch::open(folders_));
    state_->readable.assign(state_->watch->fd());
    wait(state_);
    return {};
}

void FolderHint::wait(const std::shared_ptr<State>& state) {
    state->readable.async_wait(asio::posix::stream_descriptor::wait_read,
                               [weak = std::weak_ptr(state)](const asio::error_code& code) {
                                   const auto alive = weak.lock();
                                   if (code || !alive) return;
                                   wait(alive);
                                   if (alive->watch->drain()) alive->touched();
                               });
}

}  // namespace ambient::agent
