#include "common/rpc/codec.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/json/state_json.hpp"

namespace ambient::rpc {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 5> kVerbs = {"add", "added", "del", "check", "status"};

std::unexpected<Error> refuse(std::string_view key, std::string_view must) {
    return std::unexpected(
        invalid_input(fmt::format("the message's \"{}\" must be {}", key, must)));
}

// A member that may be absent: it then has the type's default.
Result<std::string> text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return std::string();
    if (!found->is_string()) return refuse(key, "a text");
    return found->get<std::string>();
}

Result<bool> flag_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return false;
    if (!found->is_boolean()) return refuse(key, "true or false");
    return found->get<bool>();
}

Result<std::vector<IpAddress>> addresses_of(const Json& object, const char* key) {
    std::vector<IpAddress> addresses;
    const auto found = object.find(key);
    if (found == object.end()) return addresses;
    if (!found->is_array()) return refuse(key, "a list of addresses");
    for (const auto& entry : *found) {
        const auto address =
            entry.is_string() ? IpAddress::parse(entry.get<std::string>()) : std::nullopt;
        if (!address) return refuse(key, "a list of addresses");
        addresses.push_back(*address);
    }
    return addresses;
}

// Objects only, and of our version: the two programs are installed together, so no other is ever
// translated.
Result<Json> parse_message(std::string_view text) {
    Json message = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!message.is_object())
        return std::unexpected(invalid_input("the message is not a JSON object"));
    const auto version = message.find("version");
    if (version == message.end() || *version != kVersion) {
        return std::unexpected(Error{
            .kind = ErrorKind::unsupported,
            .doing = fmt::format(
                "the plugin and the agent are of different releases (message version {}, not {})",
                version == message.end() ? "none" : version->dump(), kVersion)});
    }
    return message;
}

// Texts that came from outside may hold bytes that are not UTF-8.
std::string print(const Json& message) {
    return message.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json to_json(const Error& error) {
    return {{"kind", to_string(error.kind)}, {"doing", error.doing},
            {"object", error.object},        {"netns", error.netns},
            {"errno", error.errno_value},    {"kernel_text", error.kernel_text}};
}

// A kind that we do not know reads as internal: the text still tells.
ErrorKind parse_kind(std::string_view text) {
    for (int i = 0; i < static_cast<int>(ErrorKind::internal); ++i) {
        if (to_string(static_cast<ErrorKind>(i)) == text) return static_cast<ErrorKind>(i);
    }
    return ErrorKind::internal;
}

Result<Error> parse_error(const Json& value) {
    if (!value.is_object()) return refuse("error", "an object");
    Error error = {.kind = parse_kind(TRY(text_of(value, "kind"))),
                   .doing = TRY(text_of(value, "doing")),
                   .object = TRY(text_of(value, "object")),
                   .netns = TRY(text_of(value, "netns"))};
    error.kernel_text = TRY(text_of(value, "kernel_text"));
    const auto errno_value = value.find("errno");
    if (errno_value != value.end() && errno_value->is_number_integer())
        error.errno_value = errno_value->get<int>();
    return error;
}

}  // namespace

std::string encode(const Request& request) {
    Json message = {{"version", kVersion},
                    {"verb", kVerbs[static_cast<std::size_t>(request.verb)]}};
    const auto put = [&](const char* key, const std::string& text) {
        if (!text.empty()) message[key] = text;
    };
    put("container_id", request.attachment.container_id);
    put("ifname", request.attachment.ifname);
    put("pod_namespace", request.pod_namespace);
    put("pod_name", request.pod_name);
    put("pod_uid", request.pod_uid);
    for (const auto& address : request.addresses)
        message["addresses"].push_back(to_string(address));
    return print(message);
}

std::string encode(const Reply& reply) {
    if (reply.error) return print({{"version", kVersion}, {"error", to_json(*reply.error)}});
    return print({{"version", kVersion},
                  {"enrolled", reply.enrolled},
                  {"reason", reply.reason},
                  {"parts", json::to_json(reply.parts)}});
}

Result<Request> decode_request(std::string_view text) {
    const Json message = TRY(parse_message(text));
    const auto verb = TRY(text_of(message, "verb"));
    const auto* found = std::ranges::find(kVerbs, verb);
    if (found == kVerbs.end()) return refuse("verb", "add, added, del, check or status");
    Request request = {.verb = static_cast<Verb>(found - kVerbs.begin())};
    request.attachment = {.container_id = TRY(text_of(message, "container_id")),
                          .ifname = TRY(text_of(message, "ifname"))};
    request.pod_namespace = TRY(text_of(message, "pod_namespace"));
    request.pod_name = TRY(text_of(message, "pod_name"));
    request.pod_uid = TRY(text_of(message, "pod_uid"));
    request.addresses = TRY(addresses_of(message, "addresses"));
    if (request.verb != Verb::status && request.attachment.container_id.empty()) {
        return refuse("container_id", "a text that is not empty");
    }
    return request;
}

Result<Reply> decode_reply(std::string_view text) {
    const Json message = TRY(parse_message(text));
    Reply reply;
    if (const auto error = message.find("error"); error != message.end()) {
        reply.error = TRY(parse_error(*error));
        return reply;
    }
    reply.enrolled = TRY(flag_of(message, "enrolled"));
    reply.reason = TRY(text_of(message, "reason"));
    if (const auto parts = message.find("parts"); parts != message.end()) {
        reply.parts = TRY(json::parts_from_json(*parts));
    }
    return reply;
}

}  // namespace ambient::rpc
