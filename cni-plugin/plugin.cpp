#include "cni-plugin/plugin.hpp"

#include <ranges>

#include <fmt/format.h>

#include "cni-plugin/verbs.hpp"

namespace ambient::plugin {
namespace {

// SPEC, "VERSION": the version asked for, and all that we speak.
std::string version_reply(std::string_view input) {
    const auto names =
        cni::kVersions | std::views::transform([](cni::Version v) { return to_string(v); });
    return fmt::format(R"({{"cniVersion":"{}","supportedVersions":["{}"]}})",
                       to_string(cni::version_to_answer(input)), fmt::join(names, R"(",")"));
}

cni::Outcome<std::string> dispatch(const cni::Variables& variables,
                                   const cni::Outcome<std::string>& input) {
    Call call = {.environment = TRY(cni::parse_environment(variables)), .config = {}};
    const auto text = TRY(input);
    if (call.environment.command == cni::Command::version) return version_reply(text);
    call.config = TRY(cni::parse_config(text, call.environment));
    switch (call.environment.command) {
        case cni::Command::add: return add(call);
        case cni::Command::del: return del(call);
        case cni::Command::check: return check(call);
        case cni::Command::gc: return gc(call);
        case cni::Command::status: return status(call);
        case cni::Command::version: break;  // answered above
    }
    return std::unexpected(cni::Failure{.code = cni::Code::internal, .message = "unknown command"});
}

}  // namespace

Answer run(const cni::Variables& variables, const cni::Outcome<std::string>& input) {
    const auto outcome = dispatch(variables, input);
    if (outcome) return {.output = *outcome};
    return {.exit_status = 1,
            .output = to_json(outcome.error(), cni::version_to_answer(input.value_or("")))};
}

}  // namespace ambient::plugin
