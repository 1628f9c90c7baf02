#include "node-agent/report/status/annotations.hpp"

#include <optional>
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

using Write = std::optional<AnnotationWrite>;

const Write kSet = AnnotationWrite{.pod = kWeb, .resource_version = "7", .enabled = true};
const Write kClear = AnnotationWrite{.pod = kWeb, .resource_version = "7", .enabled = false};

TEST_CASE("every combination of what the annotation says and what the kernel does") {
    struct Case {
        const char* annotation;
        bool captured;
        Write expected;
    };
    const std::vector<Case> cases = {
        {"", true, kSet},           {"", false, {}},        {"enabled", true, {}},
        {"enabled", false, kClear}, {"disabled", true, {}}, {"disabled", false, {}},
        {"other", true, kSet},      {"other", false, {}},
    };
    for (const auto& c : cases) {
        auto pod = web(c.annotation);
        CAPTURE(c.annotation);
        CHECK(annotation_write(kPolicy, pod, c.captured, {}) == c.expected);
        pod.terminating = true;
        CHECK_FALSE(annotation_write(kPolicy, pod, c.captured, {}));
    }
}

// Written when the source showed version 7.
const WrittenAnnotation kEnabled = {.enabled = true, .resource_version = "7"};
const WrittenAnnotation kRemoved = {.enabled = false, .resource_version = "7"};

TEST_CASE("what was written and is not shown yet is not written again") {
    const auto pod = web("");
    CHECK_FALSE(is_shown(kEnabled, kPolicy, pod));
    CHECK_FALSE(annotation_write(kPolicy, pod, true, kEnabled));
    CHECK(annotation_write(kPolicy, pod, false, kEnabled) == kClear);
}

TEST_CASE("shown once, what the source says counts: also that somebody removed it") {
    CHECK(is_shown(kEnabled, kPolicy, web("enabled", "8")));
    CHECK(is_shown(kEnabled, kPolicy, web("", "9")));  // seen only when it was gone again
}

TEST_CASE("a removal is shown when the annotation is gone, whatever changed before") {
    CHECK_FALSE(is_shown(kRemoved, kPolicy, web("enabled", "8")));
    CHECK_FALSE(annotation_write(kPolicy, web("enabled", "8"), false, kRemoved));
    CHECK(is_shown(kRemoved, kPolicy, web("", "9")));
}

}  // namespace
}  // namespace ambient::agent
