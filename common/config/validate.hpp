// What a configuration must fulfil beyond the types of its fields. Internal to common/config.
#pragma once

#include <optional>
#include <string>

#include "common/config/agent_config.hpp"

namespace ambient::config {

// `field` is its path, "datapath.inbound.vni"; `sentence` says what is wrong and what to do.
struct Objection {
    std::string field;
    std::string sentence;

    bool operator==(const Objection&) const = default;
};

// The first one, if any.
std::optional<Objection> object_to(const AgentConfig& config);

// Split by subject.
std::optional<Objection> object_to_names(const AgentConfig& config);
std::optional<Objection> object_to_cluster(const AgentConfig& config);
std::optional<Objection> object_to_duplicates(const desired::Datapath& datapath);
std::optional<Objection> object_to_tunnels(const desired::Datapath& datapath);
std::optional<Objection> object_to_routing(const desired::Datapath& datapath);
std::optional<Objection> object_to_marks(const desired::Marks& marks);

}  // namespace ambient::config
