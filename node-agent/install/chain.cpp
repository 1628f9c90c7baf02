#include "node-agent/install/chain.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "common/cni/conflist.hpp"
#include "node-agent/install/node_file.hpp"

namespace ambient::agent {
namespace {

namespace fs = std::filesystem;

// Istio's own, which captures the same pods (cni/pkg/constants of istio).
constexpr std::string_view kIstioCni = "istio-cni";
constexpr std::string_view kListSuffix = ".conflist";
constexpr std::string_view kOurSuffix = ".ambient-cni.conflist";

bool is_list(const std::string& name) { return name.ends_with(kListSuffix); }
bool is_our_list(const std::string& name) { return name.ends_with(kOurSuffix); }
bool is_read_by_runtimes(const std::string& name) {
    return is_list(name) || name.ends_with(".conf") || name.ends_with(".json");
}

// A text that is wrong now may be half of one that is being written.
Error wrong_text(const Error& error, const fs::path& path) {
    return {.kind = ErrorKind::unavailable,
            .doing = describe(error) + ": in network configuration",
            .object = path.native()};
}

bool speaks_of_us(const std::string& text) { return text.contains(cni::kPluginType); }

}  // namespace

Chain::Chain(fs::path folder, std::string entry)
    : folder_(std::move(folder)), entry_(std::move(entry)) {}

Result<Chain::Names> Chain::files() const {
    Names names;
    std::error_code error;
    for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
        std::error_code ignored;
        if (!entry->is_directory(ignored)) names.insert(entry->path().filename().native());
    }
    if (error) return std::unexpected(errno_error(error.value(), "read folder", folder_.native()));
    return names;
}

Result<std::string> Chain::put_into(const std::string& primary, Changes& changes) {
    const auto file = TRY(read_node_file(folder_ / primary));
    if (cni::holds_plugin(file.text, kIstioCni)) beside_istio_cni_ = file.path.native();
    auto text = cni::with_entry(file.text, entry_);
    if (!text) return std::unexpected(wrong_text(text.error(), folder_ / primary));
    if (*text == file.text) return primary;
    TRY(rewrite_node_file(file, *text));
    ++changes.added;
    return primary;
}

Result<std::string> Chain::put_around(const std::string& single, Changes& changes) const {
    const auto file = TRY(read_node_file(folder_ / single));
    auto ours = single.substr(0, single.rfind('.')).append(kOurSuffix);
    const auto present = read_node_file(folder_ / ours);
    auto text = cni::list_around(file.text, entry_, present ? present->text : "");
    if (!text) return std::unexpected(wrong_text(text.error(), folder_ / single));
    if (!present || present->text != *text || present->permissions != file.permissions) {
        TRY(write_node_file(folder_ / ours, *text, file.permissions));
        ++changes.added;
    }
    return ours;
}

Result<void> Chain::take_out_of(const std::string& name, Changes& changes) const {
    const auto path = folder_ / name;
    if (name.contains(kOurSuffix)) {
        TRY(remove_node_file(path));
        ++changes.removed;
        return {};
    }
    const auto file = read_node_file(path);
    if (!file || !speaks_of_us(file->text)) return {};
    const auto text = cni::without_entry(file->text);
    // What a runtime would not read as a list has no entry of ours.
    if (!text && is_list(name)) return std::unexpected(wrong_text(text.error(), path));
    if (!text || *text == file->text) return {};
    TRY(rewrite_node_file(*file, *text));
    ++changes.removed;
    return {};
}

Result<void> Chain::install(Changes& changes) {
    TRY(remove_half_done(folder_));
    beside_istio_cni_.clear();
    auto names = TRY(files());
    std::erase_if(names, [](const auto& name) { return !is_read_by_runtimes(name); });
    const auto primary = std::ranges::find_if_not(names, is_our_list);
    std::optional<std::string> has_it;
    fs::path same_file;
    if (primary != names.end()) {
        has_it =
            TRY(is_list(*primary) ? put_into(*primary, changes) : put_around(*primary, changes));
        std::error_code ignored;
        same_file = fs::canonical(folder_ / *has_it, ignored);
    }
    // Only now: a node's configuration without our entry would let pods pass us by.
    for (const auto& name : names) {
        std::error_code ignored;
        // It may have two names, by a link.
        if (!is_list(name) || name == has_it) continue;
        if (fs::canonical(folder_ / name, ignored) == same_file) continue;
        const auto taken = take_out_of(name, changes);
        // A runtime does not get as far as to read it. We do, when it comes first.
        const bool matters = !taken && taken.error().kind != ErrorKind::unavailable;
        if (matters) return taken;
    }
    if (has_it) return {};
    return std::unexpected(Error{.kind = ErrorKind::unavailable,
                                 .doing = "waiting for the primary CNI: there is no network "
                                          "configuration (*.conflist, *.conf) in",
                                 .object = folder_.native()});
}

Result<void> Chain::uninstall(Changes& changes) {
    TRY(remove_half_done(folder_));
    const auto names = TRY(files());
    Result<void> outcome;
    for (const auto& name : names) {
        if (auto taken = take_out_of(name, changes); !taken) outcome = std::move(taken);
    }
    return outcome;
}

}  // namespace ambient::agent
