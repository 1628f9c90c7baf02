// Our entry in the network configuration that the container runtime takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "common/base/error.hpp"

namespace ambient::agent {

// Which configuration that is: containerd (go-cni, opts.go, loadFromConfDir) and CRI-O (ocicni,
// loadNetworks) take the first by name of all *.conf, *.conflist and *.json of the folder, hidden
// ones too; only *.conflist may hold a list.
//
// A list is edited in place. One plugin alone (NAME.conf, NAME.json) is left untouched: we write a
// list around it, NAME.ambient-cni.conflist, whose name comes first. So there is no moment without
// a configuration, what its owner does to its own file is seen, and removing our list is all that
// leaving takes.
class Chain {
  public:
    // `entry` as cni::with_entry takes it.
    Chain(std::filesystem::path folder, std::string entry);

    // What was written.
    struct Changes {
        std::uint64_t added = 0;    // our entry put into, or made right in, the first configuration
        std::uint64_t removed = 0;  // taken out of another one
    };

    // Exactly the first configuration has our entry. Errors: unavailable when there is no
    // configuration yet; when the first one cannot be read or understood, nothing is touched.
    // `changes` tells what was written also when it fails.
    Result<void> install(Changes& changes);
    // No file of the folder has it, whatever its name: another CNI may have put a configuration
    // aside, to bring it back when it leaves (Cilium, *.cilium_bak).
    Result<void> uninstall(Changes& changes);

    // A file of the chain that had istio-cni in it, too, at the last install(); empty: none.
    [[nodiscard]] const std::string& beside_istio_cni() const { return beside_istio_cni_; }

  private:
    using Names = std::set<std::string>;

    [[nodiscard]] Result<Names> files() const;
    // The file that has our entry now.
    Result<std::string> put_into(const std::string& primary, Changes& changes);
    Result<std::string> put_around(const std::string& single, Changes& changes) const;
    Result<void> take_out_of(const std::string& name, Changes& changes) const;

    std::filesystem::path folder_;
    std::string entry_;
    std::string beside_istio_cni_;
};

}  // namespace ambient::agent
