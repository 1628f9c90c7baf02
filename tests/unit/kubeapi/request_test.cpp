// Paths, and what a request is counted as.
#include <tuple>

#include <doctest/doctest.h>

#include "common/kubeapi/counters.hpp"
#include "common/kubeapi/path.hpp"

namespace ambient::kubeapi {
namespace {

TEST_CASE("what is put into a path or query cannot leave its place") {
    CHECK(encoded("sleep-5577c64d7c.x_y~Z9") == "sleep-5577c64d7c.x_y~Z9");
    CHECK(encoded("../a b?c=d&e#f%/\xc3\xa4") == "..%2Fa%20b%3Fc%3Dd%26e%23f%25%2F%C3%A4");
    Query query;
    CHECK(query.text().empty());
    query.add("fieldSelector", "spec.nodeName=a");
    query.add("limit", "500");
    CHECK(query.text() == "?fieldSelector=spec.nodeName%3Da&limit=500");
}

TEST_CASE("verb and resource of a request") {
    const auto kind = [](const char* method, const char* path) {
        const auto of = kind_of(method, path);
        return of.verb + " " + of.resource;
    };
    CHECK(kind("GET", "/api/v1/pods?fieldSelector=x&limit=500") == "list pods");
    CHECK(kind("GET", "/api/v1/pods?watch=true&resourceVersion=5") == "watch pods");
    CHECK(kind("GET", "/api/v1/namespaces") == "list namespaces");
    CHECK(kind("GET", "/api/v1/namespaces/default") == "get namespaces");
    CHECK(kind("GET", "/api/v1/namespaces/default/pods") == "list pods");
    CHECK(kind("GET", "/api/v1/namespaces/default/pods/a") == "get pods");
    CHECK(kind("PATCH", "/api/v1/namespaces/default/pods/a") == "patch pods");
    CHECK(kind("POST", "/api/v1/namespaces/default/events") == "create events");
    CHECK(kind("GET", "/api/v1/nodes/n") == "get nodes");
    CHECK(kind("GET", "/apis/apps/v1/namespaces/s/daemonsets/d") == "get daemonsets");
    CHECK(kind("GET", "/version") == "get ");
}

}  // namespace
}  // namespace ambient::kubeapi
