// Where the agent learns of pods and namespaces. A source follows its origin on the agent's loop
// and writes what it learns into the PodTable that it was made for. One thread, nothing blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include <asio/io_context.hpp>

#include "common/base/error.hpp"
#include "node-agent/pods/pod_table.hpp"

namespace ambient::agent {

class Source {
  public:
    // The table was changed. Called on the loop.
    using Changed = std::function<void()>;
    // Called once, on the loop.
    using Fetched = std::function<void(Result<void>)>;

    virtual ~Source() = default;

    // From now on, as long as the loop runs; what can be read at once is in the table when this
    // returns. What goes wrong is logged, and what was known before stays.
    virtual void follow(asio::io_context& io, Changed changed) = 0;

    // Takes in what notifications may have missed.
    virtual void refresh() = 0;

    // Asks for one pod that the table does not show, and for its namespace, within a bound that is
    // well below the plugin's patience; what was found is in the table when `then` is called.
    // Errors: not_found when there is no such pod on this node, unavailable when nobody can tell
    // now. A source that has nobody to ask succeeds at once.
    virtual void fetch(const PodId& id, Fetched then) = 0;

    // How often what it follows had to be begun again, by what and why.
    using WatchRestarts = std::map<std::string, std::map<std::string, std::uint64_t>>;
    [[nodiscard]] virtual WatchRestarts watch_restarts() const { return {}; }
};

}  // namespace ambient::agent
