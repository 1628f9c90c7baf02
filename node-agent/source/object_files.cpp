#include "node-agent/source/object_files.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/base/read_file.hpp"
#include "common/kube/decode.hpp"
#include "node-agent/loop/inotify.hpp"

namespace ambient::agent {
namespace {

// A ConfigMap volume shows its files as symlinks through this one, and swaps it to update them all
// (Kubernetes, pkg/volume/util/atomic_writer.go).
constexpr const char* kDataLink = "..data";

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                  IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

Error folder_error(int errno_value, const std::filesystem::path& folder) {
    return errno_error(errno_value, "follow folder", folder.native());
}

void append(kube::Objects& all, const kube::Objects& part) {
    all.pods.insert(all.pods.end(), part.pods.begin(), part.pods.end());
    all.namespaces.insert(all.namespaces.end(), part.namespaces.begin(), part.namespaces.end());
}

}  // namespace

ObjectFiles::ObjectFiles(UniqueFd inotify, std::filesystem::path folder, std::string only)
    : inotify_(std::move(inotify)), folder_(std::move(folder)), only_(std::move(only)) {
    if (!only_.empty()) files_[only_] = {};
}

Result<ObjectFiles> ObjectFiles::open(const std::filesystem::path& path) {
    UniqueFd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify) return std::unexpected(errno_error(errno, "open inotify"));
    std::error_code ignored;
    const bool is_folder = std::filesystem::is_directory(path, ignored);
    ObjectFiles source(std::move(inotify), is_folder ? path : path.parent_path(),
                       is_folder ? "" : path.filename().native());
    TRY(source.watch());
    return source;
}

Result<void> ObjectFiles::watch() {
    watch_ = ::inotify_add_watch(inotify_.get(), folder_.c_str(), kEvents);
    if (watch_ < 0) return std::unexpected(folder_error(errno, folder_));
    return {};
}

bool ObjectFiles::counts(const std::string& name) const {
    if (!only_.empty()) return name == only_;
    return !name.starts_with('.') &&
           (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

ObjectFiles::Touched ObjectFiles::drain() {
    Touched touched;
    drain_inotify(inotify_.get(), [&](const inotify_event& event, const std::string& name) {
        if (event.mask & IN_Q_OVERFLOW) touched.all = true;
        if (event.wd != watch_) return;  // of a folder that we no longer follow
        if (event.mask & IN_MOVE_SELF) ::inotify_rm_watch(inotify_.get(), watch_);
        if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) watch_ = -1;
        if (name == kDataLink) touched.all = true;
        if (counts(name)) touched.names.insert(name);
    });
    return touched;
}

Result<std::set<std::string>> ObjectFiles::list() const {
    if (!only_.empty()) return std::set{only_};
    std::set<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
        std::error_code ignored;
        const std::string name = entry->path().filename().native();
        if (counts(name) && !entry->is_directory(ignored)) names.insert(name);
    }
    if (error) return std::unexpected(folder_error(error.value(), folder_));
    return names;
}

void ObjectFiles::fail(File& file, Error error, Refreshed& outcome) {
    if (file.told != error) outcome.errors.push_back(error);
    file.told = std::move(error);
}

void ObjectFiles::read(const std::string& name, Refreshed& outcome) {
    const std::filesystem::path path = folder_ / name;
    const kube::Limits limits;
    const auto text = read_file(path, limits.bytes);
    if (!text && text.error().kind == ErrorKind::not_found && only_.empty()) {
        const auto known = files_.find(name);
        if (known == files_.end()) return;
        outcome.changed = outcome.changed || known->second.objects;
        files_.erase(known);
        return;
    }
    File& file = files_[name];
    auto objects =
        text ? kube::decode(*text, path.native(), limits) : std::unexpected(text.error());
    if (!objects) {
        fail(file, std::move(objects).error(), outcome);
        return;
    }
    file.told.reset();
    if (file.objects == *objects) return;
    file.objects = *std::move(objects);
    outcome.changed = true;
}

kube::Objects ObjectFiles::objects() const {
    kube::Objects all;
    for (const auto& [name, file] : files_) {
        if (file.objects) append(all, *file.objects);
    }
    return all;
}

ObjectFiles::Refreshed ObjectFiles::refresh() {
    Refreshed outcome;
    Touched touched = drain();
    const auto fail_folder = [&](Error error) {
        if (told_ != error) outcome.errors.push_back(error);
        told_ = std::move(error);
        return outcome;
    };
    if (watch_ < 0) {
        if (auto watched = watch(); !watched) return fail_folder(std::move(watched).error());
        touched.all = true;
    }
    if (touched.all || !complete_) {
        auto names = list();
        if (!names) return fail_folder(std::move(names).error());
        for (const auto& [name, file] : files_)
            names->insert(name);  // to see those that are gone
        touched.names = *std::move(names);
    }
    told_.reset();
    for (const std::string& name : touched.names)
        read(name, outcome);
    if (!complete_ && std::ranges::all_of(files_, [](const auto& file) {
            return file.second.objects.has_value();
        })) {
        complete_ = true;
        outcome.changed = true;
    }
    return outcome;
}

}  // namespace ambient::agent
