// One function for each CNI operation; each returns what goes to standard output, or the failure.
#pragma once

#include <string>

#include "common/cni/config.hpp"
#include "common/cni/environment.hpp"

namespace ambient::plugin {

struct Call {
    cni::Environment environment;
    cni::NetworkConfig config;
};

// Captures the pod if the agent says so. A failed ADD leaves nothing behind.
cni::Outcome<std::string> add(const Call& call);
// Removes what ADD made, with or without an agent, namespace and prevResult. Idempotent.
cni::Outcome<std::string> del(const Call& call);
// Compares the kernel with what the agent says must be there.
cni::Outcome<std::string> check(const Call& call);
// Removes the attachments that are not among the valid ones. A runtime names those of one network:
// this plugin must stand in the list of one network only, the pods' primary one.
cni::Outcome<std::string> gc(const Call& call);
// Whether ADD can be served.
cni::Outcome<std::string> status(const Call& call);

}  // namespace ambient::plugin
