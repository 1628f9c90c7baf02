#include "common/cni/environment.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace ambient::cni {
namespace {

constexpr std::array kCommands = {Command::add, Command::del,    Command::check,
                                  Command::gc,  Command::status, Command::version};

constexpr std::string_view kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

// linux/if.h, IFNAMSIZ less the NUL.
constexpr std::size_t kMaxIfname = 15;

// What the kernel takes for a device name: net/core/dev.c, dev_valid_name.
bool is_device_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxIfname && name != "." && name != ".." &&
           name.find_first_of("/: \t\n\v\f\r") == std::string_view::npos;
}

// CONVENTIONS.md of the CNI project: IgnoreUnknown is a Go boolean.
bool is_true(std::string_view text) {
    constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "true", "TRUE", "True"};
    return std::ranges::find(kTrue, text) != kTrue.end();
}

Failure invalid(std::string message) {
    return {.code = Code::invalid_environment, .message = std::move(message)};
}

// "A=1;B=2", an empty part between two semicolons is allowed.
Outcome<PodIdentity> parse_args(std::string_view text) {
    PodIdentity pod;
    std::string unknown;
    bool ignore_unknown = false;
    while (!text.empty()) {
        const auto end = std::min(text.find(';'), text.size());
        const auto pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            return std::unexpected(invalid(fmt::format(
                "CNI_ARGS must be KEY=VALUE pairs separated by ';', \"{}\" is not one", pair)));
        }
        const auto name = pair.substr(0, equals);
        const auto value = pair.substr(equals + 1);
        if (name == "K8S_POD_NAMESPACE") {
            pod.namespace_name = value;
        } else if (name == "K8S_POD_NAME") {
            pod.name = value;
        } else if (name == "K8S_POD_UID") {
            pod.uid = value;
        } else if (name == "IgnoreUnknown") {
            ignore_unknown = is_true(value);
        } else if (name != "K8S_POD_INFRA_CONTAINER_ID") {
            unknown += unknown.empty() ? "" : ", ";
            unknown += name;
        }
    }
    if (!unknown.empty() && !ignore_unknown) {
        return std::unexpected(invalid(fmt::format(
            "CNI_ARGS has keys that are not known here ({}) and no IgnoreUnknown=1", unknown)));
    }
    if (pod.namespace_name.empty() != pod.name.empty()) {
        return std::unexpected(
            invalid("CNI_ARGS must have both K8S_POD_NAMESPACE and K8S_POD_NAME, or neither"));
    }
    return pod;
}

}  // namespace

std::string_view to_string(Command command) {
    switch (command) {
        case Command::add: return "ADD";
        case Command::del: return "DEL";
        case Command::check: return "CHECK";
        case Command::gc: return "GC";
        case Command::status: return "STATUS";
        case Command::version: return "VERSION";
    }
    return "unknown";
}

bool is_cni_name(std::string_view text) {
    return !text.empty() && kLetters.find(text.front()) != std::string_view::npos &&
           std::ranges::all_of(text, [](char c) {
               return kLetters.find(c) != std::string_view::npos || c == '_' || c == '.' ||
                      c == '-';
           });
}

Outcome<Environment> parse_environment(const Variables& variables) {
    Environment environment;
    const auto name = variables("CNI_COMMAND");
    const auto* command =
        std::ranges::find_if(kCommands, [&](Command c) { return to_string(c) == name; });
    if (command == kCommands.end()) {
        return std::unexpected(invalid(fmt::format(
            "CNI_COMMAND must be ADD, DEL, CHECK, GC, STATUS or VERSION, not \"{}\"", name)));
    }
    environment.command = *command;
    const bool attaches = *command == Command::add || *command == Command::check;
    if (!attaches && *command != Command::del) return environment;

    environment.attachment = {.container_id = std::string(variables("CNI_CONTAINERID")),
                              .ifname = std::string(variables("CNI_IFNAME"))};
    environment.netns = variables("CNI_NETNS");

    std::vector<std::string> wrong;
    const auto& [container_id, ifname] = environment.attachment;
    if (container_id.empty()) {
        wrong.emplace_back("CNI_CONTAINERID is missing");
    } else if (!is_cni_name(container_id)) {
        wrong.emplace_back(
            "CNI_CONTAINERID must be letters, digits, '_', '.', '-' and start with one of the "
            "first two");
    }
    if (ifname.empty()) {
        wrong.emplace_back("CNI_IFNAME is missing");
    } else if (!is_device_name(ifname)) {
        wrong.emplace_back(
            "CNI_IFNAME is not a device name (at most 15 bytes, no '/', ':' or space)");
    }
    if (attaches && environment.netns.empty()) wrong.emplace_back("CNI_NETNS is missing");
    if (!wrong.empty()) return std::unexpected(invalid(fmt::format("{}", fmt::join(wrong, "; "))));

    environment.pod = TRY(parse_args(variables("CNI_ARGS")));
    return environment;
}

}  // namespace ambient::cni
