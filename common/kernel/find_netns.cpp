#include <dirent.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/parse.hpp"
#include "common/kernel/facts.hpp"

namespace ambient {
namespace {

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

// Names in a folder; none when it cannot be read.
std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
    if (!folder) return names;
    while (const auto* entry = ::readdir(folder.get())) {
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    return names;
}

std::vector<std::string> mounted_candidates() {
    std::vector<std::string> paths;
    for (const std::string folder : {"/run/netns/", "/var/run/netns/"}) {
        for (const auto& name : names_in(folder))
            paths.push_back(folder + name);
    }
    return paths;
}

std::vector<std::string> process_candidates() {
    std::vector<std::string> paths;
    for (const auto& name : names_in("/proc")) {
        if (parse_integer<int>(name, 1)) paths.push_back("/proc/" + name + "/ns/net");
    }
    return paths;
}

// Each namespace once, however many processes share it.
class Walk {
  public:
    explicit Walk(const VisitNetns& visit) : visit_(visit) {}

    // Whether `visit` has ended it.
    Result<bool> among(const std::vector<std::string>& paths) {
        for (const auto& path : paths) {
            struct stat status{};
            if (::stat(path.c_str(), &status) != 0) continue;
            if (!seen_.insert({.device = status.st_dev, .inode = status.st_ino}).second) continue;
            auto netns = Netns::open(path);
            if (!netns) continue;  // the process ended, or it is no namespace
            if (TRY(visit_(*std::move(netns)))) return true;
        }
        return false;
    }

  private:
    const VisitNetns& visit_;
    std::set<NetnsId> seen_;
};

}  // namespace

Result<bool> visit_netns(const VisitNetns& visit) {
    Walk walk(visit);
    if (TRY(walk.among(mounted_candidates()))) return true;
    return walk.among(process_candidates());
}

Result<std::optional<Netns>> find_netns(Facts& facts, std::int32_t nsid) {
    std::optional<Netns> found;
    TRY(visit_netns([&](Netns netns) -> Result<bool> {
        if (TRY(facts.nsid_of(netns)) != nsid) return false;
        found = std::move(netns);
        return true;
    }));
    return found;
}

}  // namespace ambient
