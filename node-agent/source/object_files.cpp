#include "node-agent/source/object_files.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
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

constexpr std::uint32_t kEvents = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
                                  IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// What was written less long ago can be written once more with the same time of change, which the
// kernel takes from its tick (fs/inode.c, current_time).
constexpr std::time_t kSettledSeconds = 2;

// A file that is made is looked at when it is closed; a link, of either kind, is whole at once, and
// nothing else is told of it.
bool is_link(const std::filesystem::path& path) {
    struct stat found = {};
    return ::lstat(path.c_str(), &found) == 0 && (S_ISLNK(found.st_mode) || found.st_nlink > 1);
}

bool same_time(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

std::optional<struct stat> settled_file(const std::filesystem::path& path) {
    struct stat found = {};
    if (::stat(path.c_str(), &found) != 0) return std::nullopt;
    if (std::time(nullptr) - found.st_ctim.tv_sec < kSettledSeconds) return std::nullopt;
    return found;
}

Error folder_error(int errno_value, const std::filesystem::path& folder) {
    return errno_error(errno_value, "follow folder", folder.native());
}

void append(kube::Objects& all, const kube::Objects& part) {
    all.pods.insert(all.pods.end(), part.pods.begin(), part.pods.end());
    all.namespaces.insert(all.namespaces.end(), part.namespaces.begin(), part.namespaces.end());
}

}  // namespace

Result<ObjectFiles> ObjectFiles::open(const std::filesystem::path& path) {
    std::error_code ignored;
    const bool is_folder = std::filesystem::is_directory(path, ignored);
    ObjectFiles source(is_folder ? path : path.parent_path(),
                       is_folder ? "" : path.filename().native());
    TRY(source.watch());
    return source;
}

Result<void> ObjectFiles::require_inotify() {
    if (inotify_) return {};
    inotify_ = UniqueFd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (inotify_) return {};
    return std::unexpected(errno_error(errno,
                                       "only looked at every resync_seconds (raise "
                                       "fs.inotify.max_user_instances): open inotify for",
                                       folder_.native()));
}

// Without inotify it is only looked at.
Result<void> ObjectFiles::watch() {
    if (::stat(folder_.c_str(), &watched_) != 0)
        return std::unexpected(folder_error(errno, folder_));
    auto hint = require_inotify();
    if (hint) {
        watch_ = ::inotify_add_watch(inotify_.get(), folder_.c_str(), kEvents);
        if (watch_ < 0) hint = std::unexpected(folder_error(errno, folder_));
    }
    const bool is_gone =
        !hint && (hint.error().errno_value == ENOENT || hint.error().errno_value == ENOTDIR);
    if (is_gone) return hint;
    hint_trouble_ = hint ? std::nullopt : std::optional(hint.error());
    return {};
}

bool ObjectFiles::watches_this_folder() const {
    struct stat now = {};
    return ::stat(folder_.c_str(), &now) == 0 && now.st_dev == watched_.st_dev &&
           now.st_ino == watched_.st_ino;
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
        if (!counts(name)) return;
        if ((event.mask & IN_CREATE) && !is_link(folder_ / name)) return;
        touched.names.insert(name);
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

bool ObjectFiles::is_as_seen(const std::string& name) const {
    const auto known = files_.find(name);
    if (known == files_.end() || !known->second.seen) return false;
    const auto& seen = *known->second.seen;
    struct stat now = {};
    return ::stat((folder_ / name).c_str(), &now) == 0 && now.st_dev == seen.st_dev &&
           now.st_ino == seen.st_ino && now.st_size == seen.st_size &&
           same_time(now.st_mtim, seen.st_mtim) && same_time(now.st_ctim, seen.st_ctim);
}

void ObjectFiles::read(const std::string& name, Refreshed& outcome) {
    const std::filesystem::path path = folder_ / name;
    const kube::Limits limits;
    const auto seen = settled_file(path);
    const auto text = read_file(path, limits.bytes);
    if (!text && text.error().kind == ErrorKind::not_found && only_.empty()) {
        const auto known = files_.find(name);
        if (known == files_.end()) return;
        outcome.changed = outcome.changed || known->second.objects;
        files_.erase(known);
        return;
    }
    File& file = files_[name];
    file.seen = seen;
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

ObjectFiles::Refreshed ObjectFiles::refresh() { return read_again(drain(), false); }

ObjectFiles::Refreshed ObjectFiles::look() {
    auto touched = drain();
    if (watch_ >= 0 && !watches_this_folder()) {
        ::inotify_rm_watch(inotify_.get(), watch_);
        watch_ = -1;
    }
    return read_again(std::move(touched), true);
}

ObjectFiles::Refreshed ObjectFiles::read_again(Touched touched, bool whole) {
    Refreshed outcome;
    const auto fail_folder = [&](Error error) {
        if (told_ != error) outcome.errors.push_back(error);
        told_ = std::move(error);
        return outcome;
    };
    if (watch_ < 0) {
        const auto told = hint_trouble_;
        if (auto watched = watch(); !watched) return fail_folder(std::move(watched).error());
        if (hint_trouble_ && (hint_trouble_ != told || !complete_))
            outcome.errors.push_back(*hint_trouble_);
        // What happened before the watch began was not told.
        touched.all = touched.all || watch_ >= 0;
    }
    if (touched.all || whole || !complete_) {
        auto names = list();
        if (!names) return fail_folder(std::move(names).error());
        for (const auto& [name, file] : files_)
            names->insert(name);  // to see those that are gone
        if (!touched.all)
            std::erase_if(*names, [this](const auto& name) { return is_as_seen(name); });
        touched.names.merge(*names);
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
