// A folder like a node's: the runtime's configuration and its programs.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"

namespace ambient::agent {

struct NodeFolder {
    NodeFolder();
    ~NodeFolder();
    NodeFolder(const NodeFolder&) = delete;
    NodeFolder& operator=(const NodeFolder&) = delete;

    void write(const std::string& name, std::string_view text) const;
    [[nodiscard]] std::string read(const std::string& name) const;
    // Names of all there is, hidden ones too.
    [[nodiscard]] std::vector<std::string> names() const;

    std::filesystem::path path;
};

using Names = std::vector<std::string>;

// The types of the chain that `list` holds.
Names types(const std::string& list);

// A configuration as a primary CNI writes it.
std::string list_of(const std::string& type);
inline constexpr auto kEntry = R"({"type":"ambient-cni","agent_socket":"/run/a.sock"})";

template <class T>
std::string problem(const Result<T>& result) {
    return result ? "none" : describe(result.error());
}

}  // namespace ambient::agent
