// How many requests were answered how, for the metrics. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ambient::kubeapi {

// In the API's own words: verb "list", "watch", "get", "create", "patch", ..; resource "pods".
struct RequestKind {
    std::string verb;
    std::string resource;
    int status = 0;  // of the answer; 0: none came

    auto operator<=>(const RequestKind&) const = default;
};

using Counters = std::map<RequestKind, std::uint64_t>;

// What a request is: see "Request verbs" and "Resource URIs" of the API concepts.
RequestKind kind_of(std::string_view method, std::string_view path);

}  // namespace ambient::kubeapi
