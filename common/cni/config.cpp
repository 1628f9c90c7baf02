#include "common/cni/config.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "common/cni/json.hpp"

namespace ambient::cni {
namespace {

// sockaddr_un::sun_path less the NUL (unix(7)).
constexpr std::size_t kMaxSocketPath = 107;
constexpr std::int64_t kMaxTimeoutMs = 60'000;
// Lower numbers are the kernel's own and those of routes made by hand (rtnetlink(7), RTPROT_STATIC
// is 4).
constexpr std::int64_t kFirstFreeProtocol = 5;

std::unexpected<Failure> refuse(std::string message, Code code = Code::invalid_config) {
    return std::unexpected(Failure{.code = code, .message = std::move(message)});
}

// One value by its key, with the sentence to say when it is not what it must be.
class Field {
  public:
    Field(const Json& object, std::string_view key, std::string_view path = "") : key_(path) {
        key_ += key;
        const auto found = object.find(std::string(key));
        if (found != object.end()) value_ = &*found;
    }

    [[nodiscard]] const Json* value() const { return value_; }
    [[nodiscard]] std::unexpected<Failure> wrong(std::string_view must) const {
        return refuse(fmt::format("\"{}\" must be {}, not {}", key_, must, print_json(*value_)));
    }

    Outcome<std::string> text(std::string fallback) const {
        if (value_ == nullptr) return fallback;
        const auto* text = value_->get_ptr<const Json::string_t*>();
        if (text == nullptr || text->empty()) return wrong("a text that is not empty");
        return *text;
    }

    Outcome<std::int64_t> integer(std::int64_t fallback, std::int64_t min, std::int64_t max) const {
        if (value_ == nullptr) return fallback;
        const bool integral = value_->is_number_integer();
        if (!integral || *value_ < min || *value_ > max) {
            return wrong(fmt::format("a whole number from {} to {}", min, max));
        }
        return value_->get<std::int64_t>();
    }

    Outcome<std::vector<std::string>> texts(std::vector<std::string> fallback) const {
        if (value_ == nullptr) return fallback;
        std::vector<std::string> texts;
        if (!value_->is_array()) return wrong("a list of texts");
        for (const auto& entry : *value_) {
            const auto* text = entry.get_ptr<const Json::string_t*>();
            if (text == nullptr || text->empty()) return wrong("a list of texts");
            texts.push_back(*text);
        }
        return texts;
    }

  private:
    std::string key_;
    const Json* value_ = nullptr;
};

Outcome<Version> read_version(const Json& config) {
    constexpr std::string_view kSpoken = R"(this plugin speaks "0.3.0" to "1.1.0")";
    const Field field(config, "cniVersion");
    if (field.value() == nullptr) {  // SPEC before 0.3.0: that means 0.1.0
        return refuse(
            fmt::format("\"cniVersion\" is missing in the network configuration: {}", kSpoken),
            Code::incompatible_version);
    }
    const auto* text = field.value()->get_ptr<const Json::string_t*>();
    if (text == nullptr) return field.wrong("a text such as \"1.1.0\"");
    if (const auto version = parse_version(*text)) return *version;
    return refuse(
        fmt::format("cniVersion {} is not supported: {}", print_json(*field.value()), kSpoken),
        Code::incompatible_version);
}

// SPEC, "CNI operations": the version that brought each command.
Outcome<void> require_command(Command command, Version version) {
    const auto since = command == Command::check                              ? Version::v0_4_0
                       : command == Command::gc || command == Command::status ? Version::v1_1_0
                                                                              : Version::v0_3_0;
    if (version >= since) return {};
    return refuse(fmt::format("{} needs cniVersion {} or later, the configuration has {}",
                              to_string(command), to_string(since), to_string(version)),
                  Code::incompatible_version);
}

Outcome<DatapathNames> read_datapath(const Json& config) {
    DatapathNames names;
    const Field field(config, "datapath");
    if (field.value() == nullptr) return names;
    const Json& object = *field.value();
    if (!object.is_object()) return field.wrong("an object");

    constexpr std::array<std::string_view, 4> kKnown = {"filter_table", "sets", "route_table",
                                                        "protocol"};
    for (const auto& [key, value] : object.items()) {
        if (std::ranges::find(kKnown, key) == kKnown.end()) {
            return refuse(fmt::format("\"datapath.{}\" (with value {}) is not a key of this plugin",
                                      key, print_json(value)),
                          Code::unsupported_field);
        }
    }
    constexpr std::string_view kPath = "datapath.";
    names.filter_table = TRY(Field(object, "filter_table", kPath).text(names.filter_table));
    names.sets = TRY(Field(object, "sets", kPath).texts(names.sets));
    names.route_table = static_cast<std::uint32_t>(
        TRY(Field(object, "route_table", kPath).integer(names.route_table, 1, 0xffffffff)));
    names.protocol = static_cast<std::uint8_t>(
        TRY(Field(object, "protocol", kPath).integer(names.protocol, kFirstFreeProtocol, 255)));
    return names;
}

Outcome<WithoutAgent> read_without_agent(const Json& config) {
    const Field field(config, "on_agent_unavailable");
    const auto text = TRY(field.text("deny"));
    if (text == "deny") return WithoutAgent::deny;
    if (text == "allow") return WithoutAgent::allow;
    return field.wrong(R"("deny" or "allow")");
}

// libcni writes the list under both names, since SPEC 1.1.0 was published with the second, and
// writes an empty Go slice as null. No list at all must not read as "everything is stale".
Outcome<std::vector<Attachment>> read_valid_attachments(const Json& config) {
    Field field(config, "cni.dev/valid-attachments");
    if (field.value() == nullptr) field = Field(config, "cni.dev/attachments");
    if (field.value() == nullptr) return refuse("GC needs the list \"cni.dev/valid-attachments\"");
    std::vector<Attachment> attachments;
    if (field.value()->is_null()) return attachments;
    constexpr std::string_view kMust = "a list of objects with containerID and ifname";
    if (!field.value()->is_array()) return field.wrong(kMust);
    for (const auto& entry : *field.value()) {
        if (!entry.is_object()) return field.wrong(kMust);
        Attachment attachment = {.container_id = TRY(Field(entry, "containerID").text("")),
                                 .ifname = TRY(Field(entry, "ifname").text(""))};
        if (attachment.container_id.empty() || attachment.ifname.empty()) return field.wrong(kMust);
        attachments.push_back(std::move(attachment));
    }
    return attachments;
}

Outcome<PreviousResult> read_previous(const Json& config, Version version,
                                      std::string_view ifname) {
    const Field field(config, "prevResult");
    if (field.value() != nullptr) return read_result(*field.value(), version, ifname);
    return refuse(
        "prevResult is missing: this plugin must stand behind one that creates the interface");
}

}  // namespace

Outcome<NetworkConfig> parse_config(std::string_view text, const Environment& environment) {
    const Json object = TRY(parse_json(text, "the network configuration on standard input"));
    if (!object.is_object()) {
        return refuse("the network configuration on standard input must be an object",
                      Code::decoding_failure);
    }
    NetworkConfig config;
    config.version = TRY(read_version(object));
    TRY(require_command(environment.command, config.version));

    const Field name(object, "name");
    if (name.value() == nullptr) return refuse("\"name\", the network's name, is missing");
    if (!is_cni_name(TRY(name.text("")))) {
        return name.wrong("letters, digits, '_', '.', '-' and start with one of the first two");
    }
    const Field socket(object, "agent_socket");
    config.agent_socket = TRY(socket.text(config.agent_socket));
    if (!config.agent_socket.starts_with('/') || config.agent_socket.size() > kMaxSocketPath) {
        return socket.wrong("an absolute path of at most 107 bytes");
    }
    config.timeout = std::chrono::milliseconds(
        TRY(Field(object, "timeout_ms").integer(config.timeout.count(), 1, kMaxTimeoutMs)));
    config.exclude_namespaces =
        TRY(Field(object, "exclude_namespaces").texts(std::move(config.exclude_namespaces)));
    config.on_agent_unavailable = TRY(read_without_agent(object));
    config.datapath = TRY(read_datapath(object));
    config.previous = read_previous(object, config.version, environment.attachment.ifname);
    if (environment.command == Command::gc)
        config.valid_attachments = TRY(read_valid_attachments(object));
    return config;
}

Version version_to_answer(std::string_view text) {
    const auto object = parse_json(text, "input");
    if (!object || !object->is_object()) return kLatestVersion;
    return read_version(*object).value_or(kLatestVersion);
}

}  // namespace ambient::cni
