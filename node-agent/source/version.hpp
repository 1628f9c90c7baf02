// Which of two resource versions is older. They are etcd's revisions, numbers that grow, and may be
// compared (Kubernetes API concepts, "Resource versions"). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "common/base/parse.hpp"

namespace ambient::agent {

// No when it cannot be told.
inline bool is_older(const std::string& version, const std::string& than) {
    const auto left = parse_integer<std::uint64_t>(version);
    const auto right = parse_integer<std::uint64_t>(than);
    return left && right && *left < *right;
}

// Objects that were asked for by name and are ahead of what list and watch have told.
template <class Id>
class Ahead {
  public:
    void add(const Id& id, std::string version) { versions_[id] = std::move(version); }
    // List or watch tell of it in this version; whether that is news. They go on to the version
    // that was fetched, and further.
    bool caught_up(const Id& id, const std::string& version) {
        const auto found = versions_.find(id);
        if (found == versions_.end()) return true;
        if (is_older(version, found->second)) return false;
        versions_.erase(found);
        return true;
    }
    void clear() { versions_.clear(); }
    // Those that are ahead still, and forgets them.
    std::map<Id, std::string> take() { return std::exchange(versions_, {}); }

  private:
    std::map<Id, std::string> versions_;
};

}  // namespace ambient::agent
