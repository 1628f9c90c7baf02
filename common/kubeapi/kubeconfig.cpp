// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/base/read_file.hpp"
#include "common/config/yaml_value.hpp"
#include "common/kubeapi/access.hpp"
#include "common/kubeapi/base64.hpp"

namespace ambient::kubeapi {
namespace {

using config::Value;
using Text = Result<std::string>;

const Value kNothing;

class Kubeconfig {
  public:
    Kubeconfig(const std::filesystem::path& path, const Value& document)
        : path_(path), document_(document) {}

    Result<Access> access() const {
        const Value& context = TRY(entry("context", TRY(text(document_, "current-context"))));
        const Value& cluster = TRY(entry("cluster", TRY(text(context, "cluster"))));
        Access access;
        TRY(read_cluster(cluster, access));
        const std::string user = TRY(text(context, "user"));
        if (!user.empty()) TRY(read_user(TRY(entry("user", user)), access));
        return access;
    }

  private:
    Result<void> read_cluster(const Value& cluster, Access& out) const {
        out.server = TRY(text(cluster, "server"));
        if (!out.server.starts_with("https://") && !out.server.starts_with("http://")) {
            return refuse(cluster, "server must begin with https:// or http://");
        }
        while (out.server.ends_with('/'))
            out.server.pop_back();
        out.tls_server_name = TRY(text(cluster, "tls-server-name"));
        out.ca = TRY(pem(cluster, "certificate-authority"));
        const std::string insecure = TRY(text(cluster, "insecure-skip-tls-verify"));
        if (!insecure.empty() && insecure != "true" && insecure != "false") {
            return refuse(cluster, "insecure-skip-tls-verify must be true or false");
        }
        out.insecure_skip_tls_verify = insecure == "true";
        if (out.insecure_skip_tls_verify && !out.ca.empty()) {
            return refuse(cluster,
                          "certificate-authority and insecure-skip-tls-verify exclude "
                          "each other; remove one");
        }
        if (find(cluster, "proxy-url")) return refuse(cluster, "proxy-url is not supported");
        return {};
    }

    Result<void> read_user(const Value& user, Access& out) const {
        for (const char* name : {"exec", "auth-provider"}) {
            if (!find(user, name)) continue;
            return refuse(user, fmt::format("{} is not supported, since it starts another program; "
                                            "use a service account's token or a client certificate",
                                            name));
        }
        for (const char* name :
             {"username", "password", "as", "as-uid", "as-groups", "as-user-extra"}) {
            if (find(user, name)) return refuse(user, fmt::format("{} is not supported", name));
        }
        out.client_certificate = TRY(pem(user, "client-certificate"));
        out.client_key = TRY(pem(user, "client-key"));
        if (out.client_certificate.empty() != out.client_key.empty()) {
            return refuse(user, "client-certificate and client-key need each other");
        }
        out.token = TRY(text(user, "token"));
        out.token_file = resolved(TRY(text(user, "tokenFile")));
        return {};
    }

    // `NAME-data` goes before `NAME`, a file.
    Result<Pem> pem(const Value& mapping, const std::string& name) const {
        const std::string data = TRY(text(mapping, name + "-data"));
        if (data.empty()) return Pem{.file = resolved(TRY(text(mapping, name)))};
        auto decoded = decode_base64(data);
        if (!decoded) return refuse(mapping, name + "-data must be base64");
        return Pem{.text = *std::move(decoded)};
    }

    // Relative to the file that names it.
    std::filesystem::path resolved(const std::string& file) const {
        return file.empty() ? "" : path_.parent_path() / file;
    }

    // The entry of this name of the list `clusters`, `contexts` or `users`.
    Result<std::reference_wrapper<const Value>> entry(const std::string& kind,
                                                      const std::string& name) const {
        if (name.empty()) return refuse(document_, fmt::format("names no current {}", kind));
        const Value* list = find(document_, kind + "s");
        if (!list) return refuse(document_, fmt::format("has no {}s", kind));
        for (const Value& item : list->items) {
            if (TRY(text(item, "name")) != name) continue;
            const Value* found = find(item, kind);
            return std::cref(found ? *found : kNothing);
        }
        return refuse(*list, fmt::format("there is no {} '{}'", kind, name));
    }

    // A field without a value is absent, as in client-go.
    static const Value* find(const Value& mapping, std::string_view name) {
        const auto named = [&](const auto& field) { return field.first.text == name; };
        const auto field = std::ranges::find_if(mapping.fields, named);
        if (field == mapping.fields.end()) return nullptr;
        const Value& value = field->second;
        const bool empty = value.text.empty() && value.fields.empty() && value.items.empty();
        return empty ? nullptr : &value;
    }

    // Empty when it is absent.
    Text text(const Value& mapping, std::string_view name) const {
        const Value* value = find(mapping, name);
        if (!value) return "";
        if (value->kind != Value::Kind::scalar) {
            return refuse(*value, fmt::format("{} must be text", name));
        }
        return value->text;
    }

    std::unexpected<Error> refuse(const Value& at, const std::string& sentence) const {
        return std::unexpected(config::problem_at(path_.native(), at.place, sentence));
    }

    const std::filesystem::path& path_;
    const Value& document_;
};

}  // namespace

Result<Access> from_kubeconfig(const std::filesystem::path& path) {
    const std::string yaml = TRY(read_file(path, config::kMaxConfigBytes));
    const Value document = TRY(config::parse_yaml(yaml, path.native()));
    return Kubeconfig(path, document).access();
}

}  // namespace ambient::kubeapi
