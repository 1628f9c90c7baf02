// NetnsState, Scope and Part as JSON. Addresses, prefixes and marks are text ("10.0.0.0/8",
// "0x100/0x100"); what has its usual value may be left out; an unknown field is an error that names
// it and where it stands.
//
//   {"links": [{"name": "istioin", "kind": "geneve", "vni": 1000, "remote": "10.244.1.10",
//               "up": true}],
//    "addresses": [{"link": "istioin", "address": "192.168.126.1/30"}],
//    "routes": [{"table": 100, "to": "10.244.1.11", "via": "192.168.126.2", "dev": "istioin",
//                "protocol": 122}],
//    "rules": [{"family": "ipv4", "priority": 101, "mark": "0x100/0x100", "lookup": 101,
//               "protocol": 122}],
//    "sysctls": {"net/ipv4/conf/istioin/rp_filter": "2"},
//    "tables": [{"name": "ambient",
//                "sets": [{"name": "pods4", "type": "ipv4_address",
//                          "elements": ["10.244.1.11",
//                                       {"key": "10.244.1.12", "comment": "8a1c"}]}],
//                "chains": [{"name": "prerouting", "type": "filter", "hook": "prerouting",
//                            "priority": -150,
//                            "rules": [{"match": [{"in_interface": "istioin"}],
//                                       "do": [{"set_mark": "0x200/0x200"}, "return"]}]}]}]}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/base/error.hpp"
#include "common/model/netns_state.hpp"
#include "common/model/part.hpp"
#include "common/model/scope.hpp"

namespace ambient::json {

nlohmann::json to_json(const model::NetnsState& state);
nlohmann::json to_json(const model::Scope& scope);
nlohmann::json to_json(const std::vector<model::Part>& parts);

// Objects come in any order and are sorted; the same object twice is an error (invalid_input).
Result<model::NetnsState> state_from_json(const nlohmann::json& value);
Result<model::Scope> scope_from_json(const nlohmann::json& value);
Result<std::vector<model::Part>> parts_from_json(const nlohmann::json& value);

// The same as text; `indent` as nlohmann::json::dump takes it: -1 is one line.
std::string dump(const model::NetnsState& state, int indent = -1);
std::string dump(const model::Scope& scope, int indent = -1);
Result<model::NetnsState> parse_state(std::string_view text);
Result<model::Scope> parse_scope(std::string_view text);

}  // namespace ambient::json
