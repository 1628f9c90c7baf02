#include <system_error>

#include <fmt/format.h>

#include "common/kubeapi/access.hpp"

namespace ambient::kubeapi {

Result<Access> in_cluster(const Environment& environment, const std::filesystem::path& folder) {
    const std::string host = environment("KUBERNETES_SERVICE_HOST");
    const std::string port = environment("KUBERNETES_SERVICE_PORT");
    if (host.empty() || port.empty()) {
        return std::unexpected(
            invalid_input("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this "
                          "is no pod of a cluster; name a kubeconfig in source.kubeconfig"));
    }
    std::error_code ignored;
    for (const char* name : {"token", "ca.crt"}) {
        if (std::filesystem::exists(folder / name, ignored)) continue;
        return std::unexpected(
            invalid_input(fmt::format("{}: is not there; the pod needs a service account whose "
                                      "token is mounted",
                                      (folder / name).native())));
    }
    const bool is_v6 = host.find(':') != std::string::npos;
    return Access{.server = "https://" + (is_v6 ? "[" + host + "]" : host) + ":" + port,
                  .ca = {.file = folder / "ca.crt"},
                  .token_file = folder / "token"};
}

}  // namespace ambient::kubeapi
