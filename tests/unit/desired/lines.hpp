// A state as the `ip`, `sysctl` and `nft` lines that it equals: expectations can then be written in
// the words of the reference listings. tests/kernel shows that these lines say what the model says.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "common/model/netns_state.hpp"
#include "common/plan/nft_text.hpp"
#include "common/plan/print.hpp"

namespace ambient::desired {

using Lines = std::vector<std::string>;

inline Lines link_lines(const model::NetnsState& state) {
    Lines lines;
    for (const auto& link : state.links)
        lines.push_back(to_string(plan::CreateLink{link}));
    for (const auto& a : state.addresses)
        lines.push_back(to_string(plan::AddAddress{a}));
    return lines;
}

inline Lines route_lines(const model::NetnsState& state) {
    Lines lines;
    for (const auto& route : state.routes)
        lines.push_back(to_string(plan::PutRoute{route}));
    return lines;
}

inline Lines rule_lines(const model::NetnsState& state) {
    Lines lines;
    for (const auto& rule : state.rules)
        lines.push_back(to_string(plan::AddRule{rule}));
    return lines;
}

inline Lines sysctl_lines(const model::NetnsState& state) {
    Lines lines;
    for (const auto& sysctl : state.sysctls)
        lines.push_back(sysctl.path + "=" + sysctl.value);
    return lines;
}

// The chain's hook, if it has one, then its rules; nothing when there is no such chain.
inline Lines chain_lines(const model::NetnsState& state, const std::string& name) {
    Lines lines;
    for (const auto& table : state.tables) {
        for (const auto& chain : table.chains) {
            if (chain.name != name) continue;
            if (chain.hook) lines.push_back(plan::nft_hook(*chain.hook));
            for (const auto& rule : chain.rules)
                lines.push_back(plan::nft_rule(rule, table.id.family));
        }
    }
    return lines;
}

inline Lines set_lines(const model::NetnsState& state, const std::string& name) {
    Lines lines;
    for (const auto& table : state.tables) {
        for (const auto& set : table.sets) {
            if (set.name != name) continue;
            for (const auto& element : set.elements)
                lines.push_back(plan::nft_element(element));
        }
    }
    return lines;
}

inline Lines chain_names(const model::NetnsState& state) {
    Lines names;
    for (const auto& table : state.tables) {
        for (const auto& chain : table.chains)
            names.push_back(table.id.name + " " + chain.name);
    }
    return names;
}

inline bool has_line(const Lines& lines, const std::string& line) {
    return std::ranges::find(lines, line) != lines.end();
}

}  // namespace ambient::desired

namespace doctest {
template <>
struct StringMaker<std::vector<std::string>> {
    static String convert(const std::vector<std::string>& lines) {
        std::string text;
        for (const auto& line : lines)
            text += "\n  " + line;
        return text.c_str();
    }
};
}  // namespace doctest
