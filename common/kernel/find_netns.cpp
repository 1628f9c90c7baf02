#include <dirent.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
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

// Asks each namespace once, however many processes share it.
class Search {
  public:
    Search(Facts& facts, std::int32_t nsid) : facts_(facts), nsid_(nsid) {}

    Result<std::optional<Netns>> among(const std::vector<std::string>& paths) {
        for (const auto& path : paths) {
            struct stat status{};
            if (::stat(path.c_str(), &status) != 0) continue;
            if (!asked_.insert({.device = status.st_dev, .inode = status.st_ino}).second) continue;
            auto netns = Netns::open(path);
            if (!netns) continue;  // the process ended, or it is no namespace
            if (TRY(facts_.nsid_of(*netns)) == nsid_) return std::move(*netns);
        }
        return std::nullopt;
    }

  private:
    Facts& facts_;
    std::int32_t nsid_;
    std::set<NetnsId> asked_;
};

}  // namespace

Result<std::optional<Netns>> find_netns(Facts& facts, std::int32_t nsid) {
    Search search(facts, nsid);
    if (auto found = TRY(search.among(mounted_candidates()))) return found;
    return search.among(process_candidates());
}

}  // namespace ambient
