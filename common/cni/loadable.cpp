#include "common/cni/loadable.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace ambient::cni {
namespace {

using Holds = bool (*)(const Json&);

bool is_text(const Json& value) { return value.is_string(); }
bool is_filled_text(const Json& value) {
    return value.is_string() && !value.get_ref<const std::string&>().empty();
}
// One to three numbers, dotted (pkg/version/plugin.go, ParseVersion).
bool is_version(const Json& value) {
    if (!is_filled_text(value)) return false;
    int fields = 1;
    bool digit = false;
    for (const char c : value.get_ref<const std::string&>()) {
        if (c == '.' && digit && ++fields <= 3) {
            digit = false;
        } else if (c >= '0' && c <= '9') {
            digit = true;
        } else {
            return false;
        }
    }
    return digit;
}
bool is_versions(const Json& value) {
    return value.is_array() && std::ranges::all_of(value, is_version);
}
// Later versions of libcni take the texts "true" and "false", too; earlier ones do not.
bool is_switch(const Json& value) { return value.is_boolean(); }
// A value of Go takes null as nothing said.
bool is_texts_or_null(const Json& value) {
    return value.is_null() || (value.is_array() && std::ranges::all_of(value, [](const Json& item) {
                                   return item.is_string() || item.is_null();
                               }));
}
bool is_text_or_null(const Json& value) { return value.is_string() || value.is_null(); }
bool is_object_or_null(const Json& value) { return value.is_object() || value.is_null(); }
bool is_switches_or_null(const Json& value) {
    return value.is_null() ||
           (value.is_object() && std::ranges::all_of(value, [](const Json& item) {
                return item.is_boolean() || item.is_null();
            }));
}

std::unexpected<Error> refused(const char* key, const char* must) {
    return std::unexpected(
        invalid_input(fmt::format("no runtime would load it: \"{}\" must be {}", key, must)));
}

Result<void> when_there(const Json& object, const char* key, Holds holds, const char* must) {
    const auto found = object.find(key);
    if (found == object.end() || holds(*found)) return {};
    return refused(key, must);
}

Result<void> required(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found != object.end() && is_filled_text(*found)) return {};
    return refused(key, "a text");
}

}  // namespace

Result<void> require_loadable_plugin(const Json& config) {
    TRY(required(config, "type"));
    TRY(when_there(config, "name", is_text_or_null, "a text"));
    TRY(when_there(config, "cniVersion", is_text_or_null, "a text"));
    TRY(when_there(config, "capabilities", is_switches_or_null, "an object of true and false"));
    TRY(when_there(config, "ipam", is_object_or_null, "an object"));
    TRY(when_there(config, "dns", is_object_or_null, "an object"));
    if (const auto ipam = config.find("ipam"); ipam != config.end() && ipam->is_object())
        TRY(when_there(*ipam, "type", is_text_or_null, "a text"));
    if (const auto dns = config.find("dns"); dns != config.end() && dns->is_object()) {
        TRY(when_there(*dns, "domain", is_text_or_null, "a text"));
        for (const auto* key : {"nameservers", "search", "options"})
            TRY(when_there(*dns, key, is_texts_or_null, "a list of texts"));
    }
    return {};
}

Result<void> require_loadable_list(const Json& config) {
    TRY(required(config, "name"));
    TRY(when_there(config, "cniVersion", is_text, "a text"));
    TRY(when_there(config, "cniVersions", is_versions, "a list of versions"));
    for (const auto* key : {"disableCheck", "disableGC", "loadOnlyInlinedPlugins"})
        TRY(when_there(config, key, is_switch, "true or false"));
    for (const auto& plugin : config.at("plugins")) {
        if (!plugin.is_object()) return refused("plugins", "a list of objects");
        TRY(require_loadable_plugin(plugin));
    }
    return {};
}

}  // namespace ambient::cni
