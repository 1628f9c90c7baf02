// The cases of tests/sidecar: pod object in, what its network namespace must hold out.
#include "common/desired/sidecar.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include <doctest/doctest.h>

#include "common/desired/enrolment.hpp"
#include "tests/sidecar/cases.hpp"
#include "tests/unit/desired/lines.hpp"

namespace ambient::desired {
namespace {

using test::SidecarCase;

constexpr std::uint8_t kProtocol = 122;

// Routes and rules under no name; then each chain with its hook, under its name.
using Parts = std::map<std::string, Lines>;

Parts parts_of(const model::NetnsState& state) {
    Parts parts{{"", {}}};
    for (const auto& lines : {route_lines(state), rule_lines(state)})
        std::ranges::copy(lines, std::back_inserter(parts[""]));
    for (const auto& chain : state.tables.at(0).chains)
        parts[chain.name] = chain_lines(state, chain.name);
    return parts;
}

// rules.txt, which says what differs from `base`.
Parts parts_of(const std::string& text, Parts base) {
    constexpr std::string_view kNoChain = "no chain ";
    constexpr std::string_view kChain = "chain ";
    Lines* chain = nullptr;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(kNoChain)) {
            base.erase(line.substr(kNoChain.size()));
        } else if (line.starts_with(kChain)) {
            std::istringstream words(line.substr(kChain.size()));
            std::string name;
            words >> name >> std::ws;
            chain = &base[name];
            chain->clear();
            if (std::string hook; std::getline(words, hook)) chain->push_back(hook);
        } else if (line.starts_with("ip r") || line.starts_with("ip -6 r")) {
            base[""].push_back(line);
        } else {
            REQUIRE_MESSAGE(chain != nullptr, line);
            chain->push_back(line);
        }
    }
    return base;
}

void check_rules(const SidecarCase& it, const Parts& base) {
    const auto parameters = sidecar_parameters(it.pod, it.defaults);
    REQUIRE_MESSAGE(parameters.has_value(), describe(parameters.error()));
    const Parts expected = parts_of(it.text("rules.txt"), base);
    const Parts got = parts_of(sidecar_state(SidecarNumbers{}, kProtocol, *parameters));
    for (const auto& [name, lines] : expected) {
        CAPTURE(name);
        REQUIRE(got.contains(name));
        CHECK(got.at(name) == lines);
    }
    CHECK(got.size() == expected.size());
}

void check_refused(const SidecarCase& it) {
    const auto parameters = sidecar_parameters(it.pod, it.defaults);
    REQUIRE_FALSE(parameters.has_value());
    CHECK(parameters.error().kind == ErrorKind::invalid_input);
    CHECK(describe(parameters.error()) + "\n" == it.text("refused.txt"));
}

TEST_CASE("each folder of tests/sidecar") {
    const auto cases = test::sidecar_cases();
    const auto plain =
        std::ranges::find(cases, "default", [](const auto& c) { return c.folder.filename(); });
    REQUIRE(plain != cases.end());
    const Parts base = parts_of(plain->text("rules.txt"), {{"", {}}});
    for (const auto& it : cases) {
        CAPTURE(it.folder.string());
        const auto decision = sidecar_of(Policy{}, it.pod, it.defaults);
        CHECK(decision.redirect == !it.has("passed.txt"));
        if (it.has("passed.txt")) {
            CHECK(decision.reason + "\n" == it.text("passed.txt"));
        } else if (it.has("refused.txt")) {
            check_refused(it);
        } else {
            check_rules(it, base);
        }
    }
}

TEST_CASE("host network and excluded namespaces are never redirected") {
    kube::Pod pod = {.annotations = {{"sidecar.istio.io/status", "{}"}},
                     .proxy = kube::ProxyContainer{}};
    CHECK(sidecar_of(Policy{}, pod, {}).redirect);
    pod.host_network = true;
    CHECK(sidecar_of(Policy{}, pod, {}).reason == "host network");
    pod.host_network = false;
    pod.namespace_name = "kube-system";
    CHECK(sidecar_of(Policy{}, pod, {}).reason == "namespace kube-system is excluded");
}

// What the pod table keeps of a pod is enough to decide the same.
TEST_CASE("nothing that matters is trimmed away") {
    for (const auto& it : test::sidecar_cases()) {
        CAPTURE(it.folder.string());
        const auto kept = trimmed(Policy{}, it.pod);
        const auto decision = sidecar_of(Policy{}, it.pod, it.defaults);
        CHECK(sidecar_of(Policy{}, kept, it.defaults).redirect == decision.redirect);
        if (decision.redirect)
            CHECK(sidecar_parameters(kept, it.defaults) == sidecar_parameters(it.pod, it.defaults));
    }
}

TEST_CASE("a pod without a sidecar costs nothing more") {
    kube::Pod pod = {
        .annotations = {{"traffic.sidecar.istio.io/excludeInboundPorts", "1"}, {"a", "b"}},
        .proxy = kube::ProxyContainer{.env = {{"A", "b"}}}};
    CHECK(trimmed(Policy{}, pod) == kube::Pod{});
    pod.annotations["sidecar.istio.io/status"] = "{\"revision\": \"default\"}";
    pod.proxy->env["INVALID_DROP"] = "true";
    const auto kept = trimmed(Policy{}, pod);
    CHECK(kept.annotations == kube::Labels{{"sidecar.istio.io/status", ""},
                                           {"traffic.sidecar.istio.io/excludeInboundPorts", "1"}});
    CHECK(kept.proxy->env == kube::Labels{{"INVALID_DROP", "true"}});
}

}  // namespace
}  // namespace ambient::desired
