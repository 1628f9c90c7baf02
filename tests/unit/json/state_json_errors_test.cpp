// Bad documents: each names where it is wrong.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/json/state_json.hpp"

namespace ambient {
namespace {

struct Bad {
    std::string text;
    std::string error;
};

// A rule with this match, and with this action.
std::string match(const std::string& text) {
    return R"({"tables":[{"name":"t","chains":[{"name":"c","rules":[{"match":[)" + text +
           "]}]}]}]}";
}
std::string action(const std::string& text) {
    return R"({"tables":[{"name":"t","chains":[{"name":"c","rules":[{"do":[)" + text + "]}]}]}]}";
}

const std::string kMatch = "tables[0].chains[0].rules[0].match[0]";
const std::string kAction = "tables[0].chains[0].rules[0].do[0]";

const std::vector<Bad> kBadStates = {
    {"", "the document is not JSON"},
    {"{", "the document is not JSON"},
    {"[]", "the document must be an object"},
    {"7", "the document must be an object"},
    {R"({"link":[]})", "link is not a field that is known here"},
    {R"({"links":{}})", "links must be a list"},
    {R"({"links":[7]})", "links[0] must be an object"},
    {R"({"links":[{"kind":"veth"}]})", "links[0] has no field \"name\""},
    {R"({"links":[{"name":"a"}]})", "links[0] has no field \"kind\""},
    {R"({"links":[{"name":7,"kind":"veth"}]})", "links[0].name must be text"},
    {R"({"links":[{"name":"a","kind":"veth","vni":1}]})",
     "links[0].vni is not a field that is known here"},
    {R"({"links":[{"name":"a","kind":"geneve","remote":"10.0.0.1"}]})",
     "links[0] has no field \"vni\""},
    {R"({"links":[{"name":"a","kind":"geneve","vni":16777216,"remote":"10.0.0.1"}]})",
     "links[0].vni must be a whole number from 0 to 16777215"},
    {R"({"links":[{"name":"a","kind":"geneve","vni":-1,"remote":"10.0.0.1"}]})",
     "links[0].vni must be a whole number from 0 to 16777215"},
    {R"({"links":[{"name":"a","kind":"geneve","vni":1.5,"remote":"10.0.0.1"}]})",
     "links[0].vni must be a whole number from 0 to 16777215"},
    {R"({"links":[{"name":"a","kind":"geneve","vni":1,"remote":"host"}]})",
     "links[0].remote \"host\" is not an IP address"},
    {R"({"links":[{"name":"a","kind":"veth","up":1}]})", "links[0].up must be true or false"},
    {R"({"links":[{"name":"a","kind":"veth","mac":"02"}]})",
     "links[0].mac \"02\" is not a MAC address"},
    {R"({"links":[{"name":"a","kind":"veth"},{"name":"a","kind":"dummy"}]})",
     "links has the same object twice"},
    {R"({"addresses":[{"link":"a","address":"10.0.0.1"}]})",
     "addresses[0].address \"10.0.0.1\" is not address/length"},
    {R"({"addresses":[{"link":"a","address":"10.0.0.1/33"}]})",
     "addresses[0].address \"10.0.0.1/33\" is not address/length"},
    {R"({"addresses":[{"link":"a","address":"x/8"}]})",
     "addresses[0].address \"x/8\" is not address/length"},
    {R"({"routes":[{"table":1,"to":"10.0.0.1/40","dev":"a","protocol":2}]})",
     "routes[0].to \"10.0.0.1/40\" is not a prefix"},
    {R"({"routes":[{"table":1,"to":"10.0.0.1","dev":"a","protocol":256}]})",
     "routes[0].protocol must be a whole number from 0 to 255"},
    {R"({"routes":[{"table":1,"to":"10.0.0.1","dev":"a","protocol":2,"type":"blackhole"}]})",
     "routes[0].type \"blackhole\" is not one of its names"},
    {R"({"rules":[{"family":"ipv5","priority":1,"protocol":1,"lookup":1}]})",
     "rules[0].family \"ipv5\" is not one of its names"},
    {R"({"rules":[{"family":"ipv4","priority":1,"protocol":1}]})",
     "rules[0] has no field \"lookup\""},
    {R"({"rules":[{"family":"ipv4","priority":1,"protocol":1,"lookup":1,"goto":2}]})",
     "rules[0].goto is not a field that is known here"},
    {R"({"rules":[{"family":"ipv4","priority":1,"protocol":1,"lookup":1,"mark":"0x3/0x1"}]})",
     "rules[0].mark \"0x3/0x1\" is not a mark"},
    {R"({"sysctls":[]})", "sysctls must be an object"},
    {R"({"sysctls":{"a":1}})", "sysctls.a must be text"},
    {R"({"tables":[{"name":"t"},{"name":"t"}]})", "tables has the same object twice"},
    {R"({"tables":[{"name":"t","family":"netdev"}]})",
     "tables[0].family \"netdev\" is not one of its names"},
    {R"({"tables":[{"name":"t","sets":[{"name":"s","type": "ipv4_address"},{"name":"s","type": "ipv6_address"}]}]})",
     "tables.t.sets has the same object twice"},
    {R"({"tables":[{"name":"t","chains":[{"name":"c"},{"name":"c"}]}]})",
     "tables.t.chains has the same object twice"},
    {R"({"tables":[{"name":"t","sets":[{"name":"s","type": "ipv4_address","elements":["10.0.0.1","10.0.0.1"]}]}]})",
     "set s has the same object twice"},
    {R"({"tables":[{"name":"t","sets":[{"name":"s","type": "ipv4_address","elements":["fd00::1"]}]}]})",
     "tables[0].sets[0].elements[0] \"fd00::1\" is not a key of the set's type"},
    {R"({"tables":[{"name":"t","sets":[{"name":"s","type": "ipv4_address","elements":[{"key": "10.0.0.1", "comment":")" +
         std::string(128, 'x') + R"("}]}]}]})",
     "tables[0].sets[0].elements[0].comment is too long"},
    {R"({"tables":[{"name":"t","chains":[{"name":"c","hook":"prerouting","priority":0}]}]})",
     "tables[0].chains[0] has no field \"type\""},
    {R"({"tables":[{"name":"t","chains":[{"name":"c","type":"filter"}]}]})",
     "tables[0].chains[0].type is not a field that is known here"},
    {R"({"tables":[{"name":"t","chains":[{"name":"c","type":"nat","hook":"ingress","priority":0}]}]})",
     "tables[0].chains[0].hook \"ingress\" is not one of its names"},
    {R"({"tables":[{"name":"t","chains":[{"name":"c","type":"nat","hook":"input","priority":2147483648}]}]})",
     "tables[0].chains[0].priority must be a whole number from -2147483648 to 2147483647"},
    {R"({"tables":[{"name":"t","chains":[{"name":"c","type":"nat","hook":"input","priority":-2147483649}]}]})",
     "tables[0].chains[0].priority must be a whole number from -2147483648 to 2147483647"},
    {match(R"({"interface":"a"})"), kMatch + " is not a match that is known here"},
    {match("7"), kMatch + " must be an object"},
    {match(R"({"source_in":"s"})"), kMatch + " has no field \"family\""},
    {match(R"({"ct_state":["new"],"not":true})"), kMatch + ".not is not possible for this match"},
    {match(R"({"ct_state":["old"]})"), kMatch + ".ct_state[0] \"old\" is not a connection state"},
    {match(R"({"destination_port":65536})"),
     kMatch + ".destination_port must be a whole number from 0 to 65535"},
    {match(R"({"destination_port":"53"})"),
     kMatch + ".destination_port \"53\" is not a number or a range"},
    {match(R"({"destination_port":"9-8"})"),
     kMatch + ".destination_port \"9-8\" is not a number or a range"},
    {match(R"({"socket_user":"1-x"})"), kMatch + ".socket_user \"1-x\" is not a number or a range"},
    {match(R"({"in_interface":"a","out_interface":"b"})"),
     kMatch + ".out_interface is not a field that is known here"},
    {action(R"("reject")"), kAction + " \"reject\" is not an action that is known here"},
    {action(R"({"reject":1})"), kAction + " is not an action that is known here"},
    {action(R"({"tproxy":{"address":"127.0.0.1"}})"), kAction + ".tproxy has no field \"port\""},
    {action(R"({"dnat":{"port":53}})"), kAction + ".dnat has no field \"address\""},
};

TEST_CASE("a bad state is refused with its place and reason") {
    for (const auto& [text, error] : kBadStates) {
        CAPTURE(text);
        const auto state = json::parse_state(text);
        REQUIRE_FALSE(state.has_value());
        CHECK_EQ(state.error().kind, ErrorKind::invalid_input);
        CHECK_EQ(describe(state.error()), error);
    }
}

TEST_CASE("a bad scope is refused with its place and reason") {
    const std::vector<Bad> all = {
        {"{", "the document is not JSON"},
        {"{}", "the document has no field \"protocol\""},
        {R"({"protocol":1,"link":[]})", "link is not a field that is known here"},
        {R"({"protocol":1,"links":[1]})", "links[0] must be text"},
        {R"({"protocol":1,"routes":["a"]})",
         "routes[0] must be a whole number from 0 to 4294967295"},
        {R"({"protocol":1,"routes":[{"table":1}]})", "routes[0] has no field \"to\""},
        {R"({"protocol":1,"routes":[{"to":[]}]})", "routes[0] has no field \"table\""},
        {R"({"protocol":1,"filter":[{"table":"t","keys":["10.0.0.0/8"]}]})",
         "filter[0].keys[0] \"10.0.0.0/8\" is not an IP address"},
        {R"({"protocol":1,"filter":[1]})", "filter[0] must be an object"},
    };
    for (const auto& [text, error] : all) {
        CAPTURE(text);
        const auto scope = json::parse_scope(text);
        REQUIRE_FALSE(scope.has_value());
        CHECK_EQ(describe(scope.error()), error);
    }
}

}  // namespace
}  // namespace ambient
