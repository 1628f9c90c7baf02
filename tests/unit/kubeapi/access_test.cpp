// Where the server is and who we are: kubeconfig files, and the surroundings of a pod.
#include "common/kubeapi/access.hpp"

#include <cstdlib>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/kubeapi/base64.hpp"
#include "common/kubeapi/credentials.hpp"

namespace ambient::kubeapi {
namespace {

namespace fs = std::filesystem;

struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "ambient-access-XXXXXX").native();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    fs::path write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name) << text;
        return path / name;
    }

    fs::path path;
};

// A kubeconfig with these fields of its cluster and user.
std::string kubeconfig(const std::string& cluster, const std::string& user) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
           "contexts:\n- name: there\n  context: {cluster: x, user: y}\n"
           "- name: here\n  context: {cluster: c, user: u, namespace: n}\n"
           "clusters:\n- name: c\n  cluster: {" +
           cluster +
           "}\n"
           "users:\n- name: u\n  user: {" +
           user + "}\n";
}

Result<Access> read(const std::string& text) {
    const Folder folder;
    return from_kubeconfig(folder.write("config", text));
}

// The sentence behind the place.
std::string refusal(const std::string& text) {
    const auto access = read(text);
    if (access) return "accepted";
    CHECK(access.error().kind == ErrorKind::invalid_input);
    const std::string sentence = describe(access.error());
    return sentence.substr(sentence.find(": ") + 2);
}

constexpr const char* kServer = "server: 'https://api.example.org:6443'";

TEST_CASE(
    "certificates and keys as files lie beside the kubeconfig, unless their paths are absolute") {
    const Folder folder;
    const auto access = from_kubeconfig(folder.write(
        "config",
        kubeconfig(std::string(kServer) +
                       ", certificate-authority: pki/ca.crt, tls-server-name: kubernetes",
                   "client-certificate: /etc/me.crt, client-key: me.key, tokenFile: token")));
    REQUIRE(access.has_value());
    CHECK(*access == Access{.server = "https://api.example.org:6443",
                            .ca = {.file = folder.path / "pki/ca.crt"},
                            .tls_server_name = "kubernetes",
                            .client_certificate = {.file = "/etc/me.crt"},
                            .client_key = {.file = folder.path / "me.key"},
                            .token_file = folder.path / "token"});
}

TEST_CASE("data in the kubeconfig goes before files") {
    const auto access = read(kubeconfig(
        std::string(kServer) + ", certificate-authority: ca.crt, certificate-authority-data: Y2E=",
        "client-certificate-data: Y2VydA==, client-key-data: a2V5, token: secret"));
    REQUIRE(access.has_value());
    CHECK(*access == Access{.server = "https://api.example.org:6443",
                            .ca = {.text = "ca"},
                            .client_certificate = {.text = "cert"},
                            .client_key = {.text = "key"},
                            .token = "secret"});
}

TEST_CASE("the server's address") {
    const auto server = [](const std::string& url) {
        return read(kubeconfig("server: '" + url + "'", "")).value().server;
    };
    CHECK(server("https://[fd00::1]:6443/") == "https://[fd00::1]:6443");
    CHECK(server("https://h/k8s/clusters/c-1/") == "https://h/k8s/clusters/c-1");
    CHECK(server("http://127.0.0.1:8001") == "http://127.0.0.1:8001");
    CHECK(host_and_port("https://[fd00::1]:6443") == "[fd00::1]:6443");
    CHECK(host_and_port("https://h/k8s/clusters/c-1") == "h");
}

TEST_CASE("a context without user, and without checks of the server") {
    const auto access = read(
        "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://h', insecure-skip-tls-verify: true}}]\n");
    REQUIRE(access.has_value());
    CHECK(*access == Access{.server = "https://h", .insecure_skip_tls_verify = true});
}

TEST_CASE("kubeconfigs that cannot be used") {
    CHECK(refusal("") == "names no current context");
    CHECK(refusal("current-context: a") == "has no contexts");
    CHECK(refusal("current-context: a\ncontexts: []") == "has no contexts");
    CHECK(refusal("current-context: a\ncontexts: [{name: b}]") == "there is no context 'a'");
    CHECK(refusal("current-context: [a]") == "current-context must be text");
    CHECK(refusal("current-context: a\ncontexts: [{name: a, context: {user: u}}]") ==
          "names no current cluster");
    CHECK(refusal(kubeconfig("", "")) == "server must begin with https:// or http://");
    CHECK(refusal(kubeconfig("server: unix:///x", "")) ==
          "server must begin with https:// or http://");
    const std::string server = kServer;
    CHECK(refusal(kubeconfig(server + ", proxy-url: 'http://p'", "")) ==
          "proxy-url is not supported");
    CHECK(refusal(kubeconfig(server + ", insecure-skip-tls-verify: maybe", "")) ==
          "insecure-skip-tls-verify must be true or false");
    CHECK(refusal(kubeconfig(server + ", insecure-skip-tls-verify: true, certificate-authority: ca",
                             "")) ==
          "certificate-authority and insecure-skip-tls-verify exclude each other; remove one");
    CHECK(refusal(kubeconfig(server + ", certificate-authority-data: 'not base64!'", "")) ==
          "certificate-authority-data must be base64");
    CHECK(refusal(kubeconfig(server, "client-certificate: a")) ==
          "client-certificate and client-key need each other");
    CHECK(refusal(kubeconfig(server, "exec: {command: aws}")) ==
          "exec is not supported, since it starts another program; use a service account's token "
          "or a client certificate");
    CHECK(refusal(kubeconfig(server, "auth-provider: {name: gcp}")).starts_with("auth-provider "));
    CHECK(refusal(kubeconfig(server, "username: admin, password: x")) ==
          "username is not supported");
    for (const char* name : {"as-uid", "as-groups", "as-user-extra"})
        CHECK(refusal(kubeconfig(server, std::string(name) + ": x")) ==
              std::string(name) + " is not supported");
    CHECK(refusal(kubeconfig(server, "") + "users: []\n") ==
          "'users' is here a second time, first in line 12; remove one");
}

// As client-go reads it: `kubectl config` and generators write fields that have no value.
TEST_CASE("a field that is null or empty is absent") {
    const Access expected = {.server = "https://api.example.org:6443", .token = "secret"};
    for (const char* value : {"null", "~", "''", "{}", "[]"}) {
        const auto empty = [&](const char* name) { return fmt::format(", {}: {}", name, value); };
        std::string cluster = kServer;
        std::string user = "token: secret";
        for (const char* name : {"proxy-url", "tls-server-name", "certificate-authority",
                                 "certificate-authority-data", "insecure-skip-tls-verify"})
            cluster += empty(name);
        for (const char* name : {"exec", "auth-provider", "username", "password", "as", "as-groups",
                                 "client-certificate", "client-certificate-data", "client-key",
                                 "client-key-data", "tokenFile"})
            user += empty(name);
        const auto access = read(kubeconfig(cluster, user));
        CAPTURE(value);
        REQUIRE(access.has_value());
        CHECK(*access == expected);
    }
    // The user that a context names need not say anything.
    for (const char* user : {"user: null", "user: {}", ""})
        CHECK(read(fmt::format("current-context: a\n"
                               "contexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n"
                               "clusters: [{{name: c, cluster: {{server: 'https://h'}}}}]\n"
                               "users: [{{name: u, {}}}]\n",
                               user))
                  .value() == Access{.server = "https://h"});
}

TEST_CASE("a place is told") {
    const Folder folder;
    const auto path = folder.write("config", kubeconfig(kServer, "exec: {command: aws}"));
    CHECK(describe(from_kubeconfig(path).error()).starts_with(path.native() + ":14:9: exec"));
    CHECK(from_kubeconfig(folder.path / "none").error().kind == ErrorKind::not_found);
}

TEST_CASE("in a cluster") {
    const Folder folder;
    folder.write("ca.crt", "ca");
    folder.write("token", "secret\n");
    const auto environment = [](const std::string& host) {
        return [host](const char* name) -> std::string {
            return std::string(name) == "KUBERNETES_SERVICE_HOST" ? host : "443";
        };
    };
    const Access expected = {.server = "https://10.96.0.1:443",
                             .ca = {.file = folder.path / "ca.crt"},
                             .token_file = folder.path / "token"};
    CHECK(in_cluster(environment("10.96.0.1"), folder.path).value() == expected);
    CHECK(in_cluster(environment("fd00::1"), folder.path).value().server ==
          "https://[fd00::1]:443");
    CHECK_FALSE(in_cluster(environment(""), folder.path).has_value());
    fs::remove(folder.path / "token");
    CHECK(describe(in_cluster(environment("10.96.0.1"), folder.path).error())
              .starts_with((folder.path / "token").native()));
}

TEST_CASE("the token is that of now") {
    const Folder folder;
    const Access access = {.server = "", .token = "inline", .token_file = folder.path / "token"};
    CHECK(bearer_token(access).error().kind == ErrorKind::not_found);
    folder.write("token", "first\n");
    CHECK(bearer_token(access).value() == "first");
    folder.write("token", " second ");
    CHECK(bearer_token(access).value() == "second");
    for (const char* text : {"", " \n", "a\nInjected: header", "\x80"}) {
        folder.write("token", text);
        CHECK_FALSE(bearer_token(access).has_value());
    }
    CHECK(bearer_token({.server = "", .token = "inline"}).value() == "inline");
    CHECK(bearer_token({.server = ""}).value().empty());
}

TEST_CASE("base64") {
    CHECK(decode_base64("") == "");
    CHECK(decode_base64("Zg==") == "f");
    CHECK(decode_base64("Zm8=") == "fo");
    CHECK(decode_base64("Zm9v") == "foo");
    CHECK(decode_base64("Zm9v\nYmFy\n") == "foobar");
    CHECK(decode_base64("////") == "\xff\xff\xff");
    for (const char* text : {"Zg", "Zg=", "Z===", "Zm9v=", "Zg==Zg==", "Zm-_", "!"})
        CHECK_MESSAGE(!decode_base64(text), text);
}

}  // namespace
}  // namespace ambient::kubeapi
