#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "common/json/state_json.hpp"
#include "tests/fake/scenario.hpp"

namespace ambient::fake {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void give_up(const fs::path& file, const std::string& why) {
    std::cerr << file.string() << ": " << why << '\n';
    std::exit(EXIT_FAILURE);
}

std::string read(const fs::path& file) {
    std::ifstream stream(file);
    if (!stream) give_up(file, "cannot be read");
    return {std::istreambuf_iterator<char>(stream), {}};
}

template <class T>
T parsed(const fs::path& file, Result<T> (*parse)(std::string_view)) {
    auto value = parse(read(file));
    if (!value) give_up(file, describe(value.error()));
    return std::move(*value);
}

model::NetnsState state(const fs::path& file) {
    return fs::exists(file) ? parsed(file, json::parse_state) : model::NetnsState{};
}

std::string without_comments(const std::string& text) {
    std::istringstream lines(text);
    std::string kept;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with('#')) kept += line + "\n";
    }
    return kept;
}

PlanCase plan_case(const fs::path& folder) {
    const auto own_scope = folder / "scope.json";
    const auto scope = fs::exists(own_scope) ? own_scope : folder.parent_path() / "scope.json";
    const bool has_conflicts = fs::exists(folder / "conflicts.txt");
    const bool fails = fs::exists(folder / "error.txt");
    return {.scenario = {.name = folder.filename(),
                         .wanted = state(folder / "wanted.json"),
                         .found = state(folder / "found.json"),
                         .scope = parsed(scope, json::parse_scope)},
            .plan = fails ? "" : without_comments(read(folder / "plan.txt")),
            .conflicts = has_conflicts ? read(folder / "conflicts.txt") : "",
            .error = fails ? read(folder / "error.txt") : ""};
}

}  // namespace

std::vector<PlanCase> plan_cases() {
    std::vector<PlanCase> cases;
    for (const auto& entry : fs::directory_iterator("tests/plan")) {
        if (entry.is_directory()) cases.push_back(plan_case(entry.path()));
    }
    std::ranges::sort(cases, {}, [](const PlanCase& c) { return c.scenario.name; });
    return cases;
}

}  // namespace ambient::fake
