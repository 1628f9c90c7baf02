// Which ztunnel of this node has which lane (common/desired/lanes.hpp). It is not written down
// anywhere: the kernel remembers, since each lane's table leads to its ztunnel.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/desired/state.hpp"
#include "common/model/route.hpp"
#include "node-agent/datapath/stats.hpp"

namespace ambient::agent {

class LaneBook {
  public:
    explicit LaneBook(desired::Datapath datapath) : datapath_(std::move(datapath)) {}

    // For the log.
    struct Change {
        std::string reason;
        desired::Lane lane;
        std::string ztunnel;
        bool is_cut_off = false;

        bool operator==(const Change&) const = default;
    };

    // Reads the lanes of before this agent from what stands in their tables.
    void recover(const std::vector<model::Route>& routes);

    // A ztunnel as it is now; nothing when its namespace is gone.
    using Look = std::function<std::optional<desired::Ztunnel>(const desired::Ztunnel&)>;
    // Gives `ztunnels`, the active one first, their lanes. A lane begins when its ztunnel becomes
    // active and ends when the ztunnel's namespace is gone: until then it is added, though nobody
    // shows its pod any more. Where no lane is left for the active one, the ztunnel that has been
    // inactive for longest loses its own. With none of them only those are given that still hold
    // connections.
    std::vector<desired::Ztunnel> assign(std::vector<desired::Ztunnel> ztunnels, const Look& look);

    // What each ztunnel with a lane holds; `connections` by the bits of their lane, nothing when
    // they could not be counted.
    using Connections = std::map<std::uint32_t, std::uint64_t>;
    [[nodiscard]] std::vector<LaneStats> stats(const std::optional<Connections>& connections) const;
    // For people, while there is more than one.
    [[nodiscard]] std::vector<std::string> lines() const;

    std::vector<Change> take_changes() { return std::exchange(changes_, {}); }
    // Lanes that ended before their ztunnel did.
    [[nodiscard]] std::uint64_t cut_off() const { return cut_off_; }

  private:
    struct Entry {
        desired::Ztunnel ztunnel;
        std::uint64_t last_turn = 0;  // when it became active, in the order of that
    };

    [[nodiscard]] std::vector<desired::Ztunnel> held() const;
    desired::Lane free_lane();
    void note(std::string reason, const desired::Ztunnel& ztunnel, bool is_cut_off = false);

    desired::Datapath datapath_;
    std::vector<Entry> entries_;  // the active one first, once assign() has run
    std::uint64_t turn_ = 0;
    std::vector<Change> changes_;
    std::uint64_t cut_off_ = 0;
};

}  // namespace ambient::agent
