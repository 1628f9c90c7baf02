#include "node-agent/report/status/annotations.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

const desired::Policy kPolicy;
const PodRef kWeb = {.id = {.space = "default", .name = "web"}, .uid = "uid-web"};

kube::Pod web(const std::string& annotation, const std::string& version = "7") {
    kube::Pod pod = {
        .namespace_name = "default", .name = "web", .uid = "uid-web", .resource_version = version};
    if (!annotation.empty()) pod.annotations[kPolicy.redirection_annotation] = annotation;
    return pod;
}

using Writes = std::vector<AnnotationWrite>;

const PodCaptures kCaptured = {{kWeb.id, {.captured = true, .obstacle = {}}}};
const PodCaptures kMissing = {{kWeb.id, {.captured = false, .obstacle = "no veth"}}};
const Writes kSet = {{.pod = kWeb, .resource_version = "7", .enabled = true}};
const Writes kClear = {{.pod = kWeb, .resource_version = "7", .enabled = false}};

TEST_CASE("every combination of what the annotation says and what the kernel does") {
    struct Case {
        const char* annotation;
        const PodCaptures* captures;
        Writes expected;
    };
    const PodCaptures none;
    const std::vector<Case> cases = {
        {"", &kCaptured, kSet},
        {"", &kMissing, {}},
        {"", &none, {}},
        {"enabled", &kCaptured, {}},
        {"enabled", &kMissing, kClear},
        {"enabled", &none, kClear},
        {"disabled", &kCaptured, {}},
        {"disabled", &kMissing, {}},
        {"disabled", &none, {}},
        {"other", &kCaptured, kSet},
        {"other", &none, {}},
    };
    for (const auto& c : cases) {
        auto pod = web(c.annotation);
        CAPTURE(c.annotation);
        CHECK(annotation_writes(kPolicy, {&pod}, *c.captures, {}) == c.expected);
        pod.terminating = true;
        CHECK(annotation_writes(kPolicy, {&pod}, *c.captures, {}).empty());
    }
}

// Written when the source showed version 7.
const Written kEnabled = {{kWeb, {.enabled = true, .resource_version = "7"}}};
const Written kRemoved = {{kWeb, {.enabled = false, .resource_version = "7"}}};

TEST_CASE("what was written and is not shown yet is not written again") {
    const auto pod = web("");
    auto written = kEnabled;
    forget_shown(written, kPolicy, {&pod});
    CHECK(written == kEnabled);
    CHECK(annotation_writes(kPolicy, {&pod}, kCaptured, written).empty());
    CHECK(annotation_writes(kPolicy, {&pod}, {}, written) == kClear);
}

TEST_CASE("shown once, what the source says counts: also that somebody removed it") {
    auto written = kEnabled;
    auto pod = web("enabled", "8");
    SUBCASE("seen with the annotation") {}
    SUBCASE("seen only when it was gone again") { pod = web("", "9"); }
    forget_shown(written, kPolicy, {&pod});
    CHECK(written.empty());
    pod = web("", "9");
    CHECK(annotation_writes(kPolicy, {&pod}, kCaptured, written) ==
          Writes{{.pod = kWeb, .resource_version = "9", .enabled = true}});
}

TEST_CASE("a removal is shown when the annotation is gone, whatever changed before") {
    auto written = kRemoved;
    auto pod = web("enabled", "8");
    forget_shown(written, kPolicy, {&pod});
    CHECK(written == kRemoved);
    CHECK(annotation_writes(kPolicy, {&pod}, {}, written).empty());
    pod = web("", "9");
    forget_shown(written, kPolicy, {&pod});
    CHECK(written.empty());
}

TEST_CASE("another pod of the same name was never written to") {
    auto written = kEnabled;
    auto pod = web("");
    pod.uid = "uid-2";
    CHECK(annotation_writes(kPolicy, {&pod}, kCaptured, written).size() == 1);
    forget_shown(written, kPolicy, {&pod});
    CHECK(written.empty());
}

}  // namespace
}  // namespace ambient::agent
