// How to reach an API server and who we are there: from a pod's surroundings or from a kubeconfig.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "common/base/error.hpp"

namespace ambient::kubeapi {

// PEM text, or the file that it is in. A file is read again for each request, since what is in it
// rotates: a connection that was made with other text is not used any more.
struct Pem {
    std::filesystem::path file = {};
    std::string text = {};

    [[nodiscard]] bool empty() const { return file.empty() && text.empty(); }
    bool operator==(const Pem&) const = default;
};

struct Access {
    std::string server;  // "https://10.96.0.1:443", perhaps with a path, without a "/" at the end
    Pem ca = {};         // none: the system's authorities
    std::string tls_server_name =
        {};  // the name that its certificate must have, if not the server's
    bool insecure_skip_tls_verify = false;
    Pem client_certificate = {};
    Pem client_key = {};
    std::string token = {};
    std::filesystem::path token_file = {};  // goes before `token`

    bool operator==(const Access&) const = default;
};

// A variable of the environment; empty when it is not set.
using Environment = std::function<std::string(const char* name)>;

// From what the kubelet gives every pod with a service account: KUBERNETES_SERVICE_HOST and _PORT,
// and a folder with ca.crt and token. Errors: invalid_input outside of a cluster.
Result<Access> in_cluster(
    const Environment& environment,
    const std::filesystem::path& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

// The current context of a kubeconfig file. Errors: invalid_input as "file:line:column: sentence".
Result<Access> from_kubeconfig(const std::filesystem::path& path);

}  // namespace ambient::kubeapi
