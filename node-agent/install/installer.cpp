#include "node-agent/install/installer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "node-agent/install/entry.hpp"
#include "node-agent/install/install_lock.hpp"
#include "node-agent/loop/folder_hint.hpp"
#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Between two writes, or after a failure: doubled from the first to the last while it goes on.
constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLastPause{5'000};
// Nobody undid it for so long: the next repair is at once again.
constexpr milliseconds kPeace{10'000};
// A file that another program keeps changing under us.
constexpr int kAttempts = 5;

Result<void> try_again_when_raced(const std::function<Result<void>()>& act) {
    Result<void> outcome = act();
    for (int i = 1; i < kAttempts && !outcome && outcome.error().kind == ErrorKind::interrupted;
         ++i) {
        outcome = act();
    }
    return outcome;
}

// Without the folder there is nothing to remove.
Result<void> or_gone(Result<void> outcome) {
    const bool gone = !outcome && outcome.error().kind == ErrorKind::not_found;
    return gone ? Result<void>{} : std::move(outcome);
}

}  // namespace

struct Installer::Following {
    Following(asio::io_context& io, std::vector<std::filesystem::path> folders,
              FolderHint::Touched touched, std::function<void()> tell)
        : hint(io, std::move(folders), std::move(touched)), timer(io), changed(std::move(tell)) {}

    // After a look that wrote or failed.
    void slow_down() {
        const auto now = Clock::now();
        if (now > not_before + kPeace) pause = kFirstPause;
        not_before = now + pause;
        pause = std::min(pause * 2, kLastPause);
    }

    FolderHint hint;
    asio::steady_timer timer;  // for the next look
    std::function<void()> changed;
    milliseconds pause = kFirstPause;
    Clock::time_point not_before;
};

Installer::Installer(const config::AgentConfig& config)
    : plugin_(config.install.plugin, config.install.cni_bin_dir),
      chain_(config.install.cni_conf_dir, plugin_entry(config)),
      folders_(config.install),
      state_dir_(config.state_dir),
      resync_(config.resync) {}

Installer::~Installer() = default;

Result<void> Installer::look(InstallLock::Busy busy) {
    const auto lock = TRY(InstallLock::take(state_dir_, busy));
    auto copied = plugin_.install();
    if (copied && *copied) {
        ++counters_.plugin;
        log(LogLevel::info, "plugin installed", {{"folder", folders_.cni_bin_dir.native()}});
    }
    // An older program can be kept in its place while the new one cannot be written.
    if (!copied && !plugin_.present()) return std::unexpected(std::move(copied).error());
    Chain::Changes changes;
    auto chained = chain_.install(changes);
    counters_.added += changes.added;
    counters_.removed += changes.removed;
    if (changes.added + changes.removed > 0) {
        log(LogLevel::info, "network configuration changed",
            {{"folder", folders_.cni_conf_dir.native()},
             {"entry_written", changes.added},
             {"entry_removed", changes.removed}});
    }
    if (const auto& file = chain_.beside_istio_cni();
        std::exchange(told_istio_cni_, file) != file && !file.empty()) {
        log(LogLevel::warning, "istio-cni is in the same chain",
            {{"file", file}, {"do", "remove istio-cni: both would capture the pods of this node"}});
    }
    if (chained && !copied) return std::unexpected(std::move(copied).error());
    return chained;
}

std::uint64_t Installer::writes() const {
    return counters_.plugin + counters_.added + counters_.removed;
}

Result<void> Installer::install() { return install(InstallLock::Busy::wait); }

Result<void> Installer::install(InstallLock::Busy busy) {
    auto outcome = try_again_when_raced([this, busy] { return look(busy); });
    installed_ = outcome.has_value();
    trouble_ = outcome ? std::optional<Error>() : outcome.error();
    return outcome;
}

void Installer::follow(asio::io_context& io, std::function<void()> changed) {
    following_ = std::make_shared<Following>(
        io, std::vector{folders_.cni_bin_dir, folders_.cni_conf_dir}, [this] { touched(); },
        std::move(changed));
    look_and_wait();
}

void Installer::touched() {
    if (Clock::now() < following_->not_before) return wait_until(following_->not_before);
    look_and_wait();
}

void Installer::wait_until(Clock::time_point time) {
    following_->timer.expires_at(time);
    following_->timer.async_wait(
        [this, weak = std::weak_ptr(following_)](const asio::error_code& code) {
            const auto alive = weak.lock();
            // A later time does not take back a handler that is queued already.
            if (code || !alive || Clock::now() < alive->timer.expiry()) return;
            look_and_wait();
        });
}

void Installer::look_and_wait() {
    if (const auto followed = following_->hint.follow(); !followed)
        log(LogLevel::warning, "installation only looked at from time to time", followed.error());
    const auto before = writes();
    const bool was_installed = installed_;
    const auto old_trouble = trouble_;
    // The loop waits for nobody.
    const auto outcome = install(InstallLock::Busy::fail);
    if (!outcome || writes() != before) following_->slow_down();
    wait_until(outcome ? Clock::now() + resync_ : following_->not_before);
    if (was_installed == installed_ && old_trouble == trouble_) return;
    tell(old_trouble);
    following_->changed();
}

void Installer::tell(const std::optional<Error>& before) const {
    if (!trouble_) return log(LogLevel::info, "installed on this node");
    // What is wrong in a text is another thing at each look while the text is being written.
    if (before && before->kind == trouble_->kind && before->object == trouble_->object) return;
    log(LogLevel::warning, "not installed on this node", *trouble_);
}

void Installer::finish() {
    following_.reset();
    const auto old_trouble = trouble_;
    (void)install(InstallLock::Busy::fail);
    if (old_trouble != trouble_) tell(old_trouble);
}

Result<void> Installer::uninstall() {
    following_.reset();
    const auto lock = TRY(InstallLock::take(state_dir_, InstallLock::Busy::wait));
    installed_ = false;
    trouble_.reset();
    TRY(or_gone(try_again_when_raced([this] {
        Chain::Changes changes;
        auto outcome = chain_.uninstall(changes);
        if (changes.removed > 0) {
            log(LogLevel::info, "entry removed",
                {{"folder", folders_.cni_conf_dir.native()}, {"files", changes.removed}});
        }
        counters_.removed += changes.removed;
        return outcome;
    })));
    const auto removed = plugin_.uninstall();
    if (!removed) TRY(or_gone(std::unexpected(removed.error())));
    if (removed.value_or(false)) {
        log(LogLevel::info, "plugin removed", {{"folder", folders_.cni_bin_dir.native()}});
    } else if (plugin_.present()) {
        log(LogLevel::warning, "a program of the plugin's name is not ours and stays",
            {{"folder", folders_.cni_bin_dir.native()}});
    }
    return lock.remove();
}

}  // namespace ambient::agent
