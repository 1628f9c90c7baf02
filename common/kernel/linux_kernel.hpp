// The kernel of one real network namespace, by netlink and /proc/sys.
// Threading: one thread at a time. Its sockets are opened inside the namespace once; everything
// later works from any thread, except sysctls, which are opened on a short-lived thread when the
// caller is somewhere else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/kernel/kernel.hpp"
#include "common/netns/netns.hpp"

namespace ambient {

class LinuxKernel final : public Kernel {
  public:
    // `sysctl_dir`: where to write sysctls when /proc/sys is mounted read-only.
    static Result<LinuxKernel> open(const Netns& netns,
                                    const std::filesystem::path& sysctl_dir = "/proc/sys");
    // Where the caller knows that it is in `netns`.
    static Result<LinuxKernel> open_here(const Netns& netns);
    LinuxKernel(LinuxKernel&&) noexcept;
    LinuxKernel& operator=(LinuxKernel&&) noexcept;
    ~LinuxKernel() override;

    // A sysctl whose path does not exist is left out, as is a link, set or table.
    Result<model::NetnsState> observe(const model::Scope& scope) override;

    // Deleting what is gone already is success, except inside a packet-filter transaction. Setting
    // a sysctl of a device that is gone is not_found.
    std::expected<void, ApplyError> apply(const plan::Plan& plan) override;

    [[nodiscard]] const Netns& netns() const;

    // Netlink port ids of our own sockets: a notification that carries one tells of our own doing
    // (netlink::Monitor).
    [[nodiscard]] std::vector<std::uint32_t> port_ids() const;

  private:
    struct Parts;
    explicit LinuxKernel(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace ambient
