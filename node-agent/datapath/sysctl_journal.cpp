#include "node-agent/datapath/sysctl_journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "common/base/unique_fd.hpp"

namespace ambient::agent {
namespace {

// As in sysctl.conf(5). No path has a blank: a device's name has none (net/core/dev.c,
// dev_valid_name).
constexpr std::string_view kSeparator = " = ";

constexpr std::uintmax_t kMaxBytes = 4 * 1024 * 1024;

std::string line_of(const std::string& path, const std::string& value) {
    return std::string(path).append(kSeparator).append(value).append("\n");
}

// `how`: O_TRUNC or O_APPEND.
Result<void> write_file(const std::filesystem::path& file, const std::string& text, int how) {
    const UniqueFd fd(
        ::open(file.c_str(), O_WRONLY | O_CREAT | how | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return std::unexpected(errno_error(errno, "open", file));
    for (std::size_t written = 0; written < text.size();) {
        const auto count = ::write(fd.get(), text.data() + written, text.size() - written);
        if (count < 0) return std::unexpected(errno_error(errno, "write", file));
        written += static_cast<std::size_t>(count);
    }
    return {};
}

}  // namespace

std::vector<model::Sysctl> about_to_change(std::vector<model::Sysctl> found,
                                           const std::vector<model::Sysctl>& wanted) {
    std::erase_if(found, [&](const model::Sysctl& sysctl) {
        return std::ranges::find(wanted, sysctl) != wanted.end();
    });
    return found;
}

Result<SysctlJournal> SysctlJournal::load(std::filesystem::path file) {
    SysctlJournal journal(std::move(file));
    std::error_code code;
    const auto size = std::filesystem::file_size(journal.file_, code);
    if (code == std::errc::no_such_file_or_directory) return journal;
    if (code) return std::unexpected(errno_error(code.value(), "read", journal.file_));
    if (size == 0) return journal;  // what a power failure may leave of it
    if (size > kMaxBytes) {
        return std::unexpected(
            invalid_input(journal.file_.string() + " is too large to be ours; move it away"));
    }
    std::ifstream stream(journal.file_);
    for (std::string line; std::getline(stream, line);) {
        // Cut off in the middle of remember(): what it was for has not been done.
        if (stream.eof()) {
            TRY(journal.save());
            break;
        }
        const auto separator = line.find(kSeparator);
        if (separator == std::string::npos) {
            return std::unexpected(invalid_input(journal.file_.string() + " has a line \"" + line +
                                                 "\" that is no sysctl; move the file away"));
        }
        journal.originals_.emplace(line.substr(0, separator),
                                   line.substr(separator + kSeparator.size()));
    }
    return journal;
}

// Added to the end: a new file for each pod would cost more than all the rest of its ADD.
Result<void> SysctlJournal::remember(const std::vector<model::Sysctl>& found) {
    std::string text;
    std::vector<std::string> added;
    for (const auto& [path, value] : found) {
        if (!originals_.emplace(path, value).second) continue;
        added.push_back(path);
        text += line_of(path, value);
    }
    if (added.empty()) return {};
    if (std::filesystem::exists(file_) && write_file(file_, text, O_APPEND)) return {};
    const auto saved = save();  // whatever part of it was written
    if (!saved) {
        for (const auto& path : added)
            originals_.erase(path);
    }
    return saved;
}

Result<void> SysctlJournal::forget(const std::vector<std::string>& paths) {
    std::size_t erased = 0;
    for (const auto& path : paths)
        erased += originals_.erase(path);
    return erased == 0 ? Result<void>{} : save();
}

Result<void> SysctlJournal::remove() {
    originals_.clear();
    std::error_code code;
    std::filesystem::remove(file_, code);
    if (code) return std::unexpected(errno_error(code.value(), "remove", file_));
    return {};
}

Result<void> SysctlJournal::save() const {
    std::error_code code;
    std::filesystem::create_directories(file_.parent_path(), code);
    if (code) return std::unexpected(errno_error(code.value(), "create", file_.parent_path()));
    auto next = file_;
    next += ".next";
    std::string text;
    for (const auto& [path, value] : originals_)
        text += line_of(path, value);
    TRY(write_file(next, text, O_TRUNC));
    if (::rename(next.c_str(), file_.c_str()) != 0)
        return std::unexpected(errno_error(errno, "rename", next));
    return {};
}

}  // namespace ambient::agent
