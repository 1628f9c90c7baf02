#include "common/cni/conflist.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "common/cni/json_scan.hpp"
#include "common/cni/json_style.hpp"
#include "common/cni/loadable.hpp"
#include "common/cni/version.hpp"

namespace ambient::cni {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Result<Json> parse_object(std::string_view text) {
    // nlohmann skips it, Go's encoding/json does not: no runtime would read the file.
    if (text.starts_with(kByteOrderMark)) {
        return std::unexpected(invalid_input("begins with a byte order mark: remove it"));
    }
    auto parsed = parse_json(text, "the configuration");
    if (!parsed) {
        const auto& failure = parsed.error();
        return std::unexpected(invalid_input(
            failure.message + (failure.details.empty() ? "" : ": ") + failure.details));
    }
    if (!parsed->is_object()) {
        return std::unexpected(invalid_input("the configuration is not an object"));
    }
    return *std::move(parsed);
}

const std::string* text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() ? nullptr : found->get_ptr<const Json::string_t*>();
}

bool is_ours(const Json& entry) {
    const auto* type = entry.is_object() ? text_of(entry, "type") : nullptr;
    return type != nullptr && *type == kPluginType;
}

// libcni takes the highest of cniVersion and cniVersions that it knows (libcni/conf.go,
// NetworkConfFromBytes).
Result<void> require_our_version(const Json& config) {
    std::vector<std::string> versions;
    if (const auto* version = text_of(config, "cniVersion")) versions.push_back(*version);
    if (const auto more = config.find("cniVersions"); more != config.end() && more->is_array()) {
        for (const auto& version : *more) {
            if (version.is_string()) versions.push_back(version.get<std::string>());
        }
    }
    if (std::ranges::any_of(versions,
                            [](const auto& text) { return parse_version(text).has_value(); })) {
        return {};
    }
    return std::unexpected(invalid_input(fmt::format(
        "cniVersion {} is none that {} speaks (0.3.0 to 1.1.0): with it, every pod would fail",
        versions.empty() ? "(absent)" : versions.front(), kPluginType)));
}

// A list's text and where its entries stand in it.
struct Chain {
    Json config;
    std::vector<Span> entries;
    std::vector<Json> values;

    [[nodiscard]] bool ours_at(std::size_t index) const { return is_ours(values[index]); }
};

Result<Chain> read_chain(std::string_view text) {
    Chain chain{.config = TRY(parse_object(text))};
    std::optional<Span> plugins;
    for (const auto& member : scan_object(text, scan_document(text))) {
        if (member.key != "plugins") continue;
        if (plugins) return std::unexpected(invalid_input("\"plugins\" stands there twice"));
        plugins = member.value;
    }
    if (!plugins) return std::unexpected(invalid_input("it has no list \"plugins\""));
    if (text[plugins->begin] != '[') {
        return std::unexpected(invalid_input("\"plugins\" is not a list"));
    }
    chain.entries = scan_list(text, *plugins);
    if (chain.entries.empty()) return std::unexpected(invalid_input("\"plugins\" is empty"));
    for (const auto& value : chain.config["plugins"])
        chain.values.push_back(value);
    return chain;
}

// What stands between two entries goes with the second one, unless the first is what is cut.
std::string cut_ours(std::string_view text, const Chain& chain) {
    std::string kept(text.substr(0, chain.entries.front().begin));
    bool first = true;
    for (std::size_t i = 0; i < chain.entries.size(); ++i) {
        if (chain.ours_at(i)) continue;
        const auto& entry = chain.entries[i];
        const auto from = first ? entry.begin : chain.entries[i - 1].end;
        kept += text.substr(from, entry.end - from);
        first = false;
    }
    kept += text.substr(chain.entries.back().end);
    return kept;
}

// Whatever the order of the keys is.
bool same_content(const Json& a, const Json& b) { return nlohmann::json(a) == nlohmann::json(b); }

// Behind the last entry, set apart from it as that one is from what stands before it.
std::string append(std::string_view text, const Chain& chain, const Json& entry) {
    const auto last = chain.entries.back();
    std::string added;
    if (chain.entries.size() > 1) {
        const auto before = chain.entries[chain.entries.size() - 2].end;
        added = text.substr(before, last.begin - before);
    } else {
        const auto bracket = text.rfind('[', last.begin);
        added = fmt::format(",{}", text.substr(bracket + 1, last.begin - bracket - 1));
    }
    added += print_in_style(entry, style_of(text, last.in(text)));
    return std::string(text).insert(last.end, added);
}

Result<std::string> require_size(std::string text) {
    if (text.size() <= kMaxJsonBytes) return text;
    return std::unexpected(invalid_input("with our entry it would be larger than 1 MiB"));
}

}  // namespace

Result<std::string> with_entry(std::string_view list, std::string_view entry) {
    const auto ours = TRY(parse_object(entry));
    const auto chain = TRY(read_chain(list));
    TRY(require_our_version(chain.config));
    TRY(require_loadable_list(chain.config));
    const auto count = std::ranges::count_if(chain.values, is_ours);
    if (count == 1 && same_content(chain.values.back(), ours)) return std::string(list);
    if (count == std::ssize(chain.values)) {
        return std::unexpected(invalid_input(
            fmt::format("no plugin stands before {}: none creates the interface", kPluginType)));
    }
    const auto kept = cut_ours(list, chain);
    return require_size(append(kept, TRY(read_chain(kept)), ours));
}

Result<std::string> without_entry(std::string_view list) {
    const auto chain = TRY(read_chain(list));
    return cut_ours(list, chain);
}

bool holds_plugin(std::string_view list, std::string_view type) {
    const auto chain = read_chain(list);
    return chain && std::ranges::any_of(chain->values, [&](const Json& entry) {
               const auto* found = entry.is_object() ? text_of(entry, "type") : nullptr;
               return found != nullptr && *found == type;
           });
}

Result<std::string> list_around(std::string_view single, std::string_view entry,
                                std::string_view present) {
    const auto ours = TRY(parse_object(entry));
    const auto config = TRY(parse_object(single));
    if (config.contains("plugins") && !config.contains("type")) {
        return std::unexpected(invalid_input(
            "it holds a list, which runtimes take from *.conflist only: name it NAME.conflist"));
    }
    TRY(require_our_version(config));
    if (is_ours(config)) {
        return std::unexpected(invalid_input(
            fmt::format("{} cannot stand alone: it creates no interface", kPluginType)));
    }
    // What libcni makes of it itself (libcni/conf.go, ConfListFromConf).
    const auto member = [&](const char* key) -> Result<std::string> {
        const auto* text = text_of(config, key);
        if (text != nullptr && !text->empty()) return print_json(*text);
        return std::unexpected(
            invalid_input(fmt::format("one plugin alone needs a text \"{}\"", key)));
    };
    TRY(require_loadable_plugin(config));
    const auto plugin = scan_document(single).in(single);
    if (const auto chain = read_chain(present);
        chain && chain->entries.front().in(present) == plugin) {
        return with_entry(present, entry);
    }
    return require_size(fmt::format(
        "{{\n  \"cniVersion\": {},\n  \"name\": {},\n  \"plugins\": [\n{},\n{}\n  ]\n}}\n",
        TRY(member("cniVersion")), TRY(member("name")), plugin,
        print_in_style(ours, style_of(single, plugin))));
}

}  // namespace ambient::cni
