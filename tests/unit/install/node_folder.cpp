#include "tests/unit/install/node_folder.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace ambient::agent {

namespace fs = std::filesystem;

NodeFolder::NodeFolder() {
    std::string name = (fs::temp_directory_path() / "ambient-install-XXXXXX").native();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
}

NodeFolder::~NodeFolder() { fs::remove_all(path); }

void NodeFolder::write(const std::string& name, std::string_view text) const {
    std::ofstream(path / name) << text;
}

std::string NodeFolder::read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path / name).rdbuf();
    return text.str();
}

Names NodeFolder::names() const {
    Names names;
    for (const auto& entry : fs::directory_iterator(path))
        names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

Names types(const std::string& list) {
    Names types;
    const auto config = nlohmann::json::parse(list);
    for (const auto& plugin : config["plugins"])
        types.push_back(plugin["type"]);
    return types;
}

std::string list_of(const std::string& type) {
    return "{\n  \"cniVersion\": \"1.0.0\",\n  \"name\": \"pods\",\n  \"plugins\": [\n    "
           "{\"type\": \"" +
           type + "\"}\n  ]\n}\n";
}

}  // namespace ambient::agent
