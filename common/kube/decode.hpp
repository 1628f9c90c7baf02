// Kubernetes objects from what `kubectl get pods,namespaces -o yaml` (or json) prints, or an API
// server answers. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/error.hpp"
#include "common/kube/objects.hpp"

namespace ambient::kube {

// Bounds of what is taken in, far above any node's real numbers.
struct Limits {
    std::size_t bytes = 64U << 20;
    std::size_t objects = 100'000;
};

// Every Pod and Namespace of apiVersion v1 in the text: single objects, v1 List, PodList and
// NamespaceList, several documents. Other kinds are passed over; so are fields that do not matter
// here, and absent ones have their defaults. JSON is read as the YAML that it is. Only what matters
// is held in memory while reading. Errors: invalid_input as "file:line:column: sentence".
Result<Objects> decode(std::string_view text, const std::string& file, const Limits& limits = {});

}  // namespace ambient::kube
