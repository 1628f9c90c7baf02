// Which pods are captured, for whoever reports it. Plain values.
#pragma once

#include <map>
#include <string>

#include "node-agent/pods/pod_table.hpp"

namespace ambient::agent {

struct PodCapture {
    bool captured = false;      // all its addresses are, verified in the kernel
    std::string obstacle = {};  // why not; empty while that is not known
    bool is_nodes = false;      // the obstacle: it hinders all pods of the node alike

    bool operator==(const PodCapture&) const = default;
};

// Every pod that has an address which is to be captured.
using PodCaptures = std::map<PodId, PodCapture>;

}  // namespace ambient::agent
