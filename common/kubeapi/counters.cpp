#include "common/kubeapi/counters.hpp"

#include <vector>

namespace ambient::kubeapi {
namespace {

std::vector<std::string_view> parts_of(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const std::size_t end = path.find('/');
        if (end != 0) parts.push_back(path.substr(0, end));
        path.remove_prefix(end == path.npos ? path.size() : end + 1);
    }
    return parts;
}

std::string verb_of(std::string_view method, bool is_collection, std::string_view query) {
    if (method == "POST") return "create";
    if (method == "PUT") return "update";
    if (method == "PATCH") return "patch";
    if (method == "DELETE") return "delete";
    if (!is_collection) return "get";
    return query.find("watch=true") == query.npos ? "list" : "watch";
}

}  // namespace

RequestKind kind_of(std::string_view method, std::string_view path) {
    const std::size_t question = path.find('?');
    const std::string_view query = question == path.npos ? "" : path.substr(question + 1);
    auto parts = parts_of(path.substr(0, question));
    // "api/v1/..." or "apis/GROUP/VERSION/...", then perhaps "namespaces/NAME", then what is meant.
    const std::size_t prefix = !parts.empty() && parts[0] == "apis" ? 3 : 2;
    if (parts.size() <= prefix) return {.verb = verb_of(method, false, query), .resource = ""};
    parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(prefix));
    if (parts[0] == "namespaces" && parts.size() > 2) parts.erase(parts.begin(), parts.begin() + 2);
    return {.verb = verb_of(method, parts.size() == 1, query), .resource = std::string(parts[0])};
}

}  // namespace ambient::kubeapi
