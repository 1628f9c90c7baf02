// The folders beside this file as values.
#pragma once

#include <filesystem>
#include <vector>

#include "common/kube/objects.hpp"

namespace ambient::test {

struct SidecarCase {
    std::filesystem::path folder;
    kube::Pod pod;
    kube::Labels defaults;  // annotations of its namespace

    // The text of a file in the folder; has() says whether it is there.
    [[nodiscard]] bool has(const char* file) const;
    [[nodiscard]] std::string text(const char* file) const;
};

// By name; a folder that cannot be read ends the test.
std::vector<SidecarCase> sidecar_cases();

}  // namespace ambient::test
