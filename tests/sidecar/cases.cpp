#include "tests/sidecar/cases.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "common/base/read_file.hpp"
#include "common/kube/decode.hpp"

namespace ambient::test {
namespace {

namespace fs = std::filesystem;

SidecarCase read_case(const fs::path& folder) {
    SidecarCase made{.folder = folder, .pod = {}, .defaults = {}};
    const auto objects = kube::decode(made.text("pod.yaml"), folder.string());
    REQUIRE_MESSAGE(objects.has_value(), describe(objects.error()));
    REQUIRE(objects->pods.size() == 1);
    made.pod = objects->pods.front();
    if (!objects->namespaces.empty()) made.defaults = objects->namespaces.front().annotations;
    return made;
}

}  // namespace

bool SidecarCase::has(const char* file) const { return fs::exists(folder / file); }

std::string SidecarCase::text(const char* file) const {
    constexpr std::size_t kMost = 1 << 20;
    const auto text = read_file(folder / file, kMost);
    REQUIRE_MESSAGE(text.has_value(), describe(text.error()));
    return *text;
}

std::vector<SidecarCase> sidecar_cases() {
    std::vector<SidecarCase> cases;
    for (const auto& entry : fs::directory_iterator("tests/sidecar")) {
        if (entry.is_directory()) cases.push_back(read_case(entry.path()));
    }
    std::ranges::sort(cases, {}, &SidecarCase::folder);
    return cases;
}

}  // namespace ambient::test
