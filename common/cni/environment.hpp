// What a runtime tells a plugin by environment variables (SPEC, "Parameters"), checked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/cni/attachment.hpp"
#include "common/cni/failure.hpp"

namespace ambient::cni {

enum class Command : std::uint8_t { add, del, check, gc, status, version };
std::string_view to_string(Command command);

// Who the pod is, from CNI_ARGS as kubelet's runtimes fill it. All empty when the container is not
// a pod; `uid` may be empty alone: runtimes before containerd 1.6 do not tell it.
struct PodIdentity {
    std::string namespace_name;
    std::string name;
    std::string uid;

    bool operator==(const PodIdentity&) const = default;
};

// Variables that the command does not need are empty.
struct Environment {
    Command command = Command::version;
    Attachment attachment;
    std::string netns;
    PodIdentity pod;

    bool operator==(const Environment&) const = default;
};

// The value of a variable, empty when it is not set.
using Variables = std::function<std::string_view(std::string_view name)>;

// Failure invalid_environment names every variable that is wrong.
Outcome<Environment> parse_environment(const Variables& variables);

// A letter or digit, then letters, digits, '_', '.', '-': container ids and network names (SPEC).
bool is_cni_name(std::string_view text);

}  // namespace ambient::cni
