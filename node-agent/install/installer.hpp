// The plugin on the node, and its place in the chain of the primary network configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "common/base/error.hpp"
#include "common/config/agent_config.hpp"
#include "node-agent/install/chain.hpp"
#include "node-agent/install/install_lock.hpp"
#include "node-agent/install/plugin_copy.hpp"

namespace ambient::agent {

// Threading: the loop's thread. Calls write small files to disk and return.
class Installer {
  public:
    struct Counters {
        std::uint64_t plugin = 0;   // the program was written
        std::uint64_t added = 0;    // our entry was put into the first configuration
        std::uint64_t removed = 0;  // our entry was taken out of another one
    };

    explicit Installer(const config::AgentConfig& config);
    ~Installer();
    Installer(const Installer&) = delete;
    Installer& operator=(const Installer&) = delete;

    // Once. The program first: an entry without it would fail every pod of the node.
    Result<void> install();
    // From now on, on this loop: install(), and again whenever somebody touched either folder.
    // `changed` is called when installed() or trouble() is another. One who keeps undoing it is
    // answered less and less often, and right once they stop.
    void follow(asio::io_context& io, std::function<void()> changed);
    // No longer follows, and looks a last time: what others undid a moment ago is not left so.
    void finish();
    // No longer follows. The entry goes first: a runtime must not look for a program that is gone.
    Result<void> uninstall();

    [[nodiscard]] bool installed() const { return installed_; }
    // Why not; null when installed, or never tried.
    [[nodiscard]] const Error* trouble() const { return trouble_ ? &*trouble_ : nullptr; }
    [[nodiscard]] const Counters& counters() const { return counters_; }

  private:
    struct Following;

    Result<void> install(InstallLock::Busy busy);
    Result<void> look(InstallLock::Busy busy);
    [[nodiscard]] std::uint64_t writes() const;
    void touched();
    void look_and_wait();
    void wait_until(std::chrono::steady_clock::time_point time);
    void tell(const std::optional<Error>& before) const;

    PluginCopy plugin_;
    Chain chain_;
    config::Install folders_;
    std::filesystem::path state_dir_;
    std::chrono::milliseconds resync_;

    bool installed_ = false;
    std::optional<Error> trouble_;
    std::string told_istio_cni_;  // the file that was named
    Counters counters_;
    std::shared_ptr<Following> following_;  // handlers on the loop know it weakly
};

}  // namespace ambient::agent
