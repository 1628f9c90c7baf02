// Whatever an API server sends: told or refused, never a crash, and the same in pieces as at once.
#include <array>
#include <string>

#include <doctest/doctest.h>

#include "common/kube/stream.hpp"
#include "tests/fuzz/mutate.hpp"

using namespace ambient;

namespace {

constexpr std::array<std::string_view, 1> kLists = {
    R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"41","continue":"x"},"items":[)"
    R"({"metadata":{"name":"a","namespace":"s","labels":{"k":"\u00e9"},"managedFields":[{"f":{}}]},)"
    R"("spec":{"hostNetwork":false,"containers":[{"env":[{"name":"E","value":"1"}]}]},)"
    R"("status":{"podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"}]}}]})"};

constexpr std::array<std::string_view, 1> kEvents = {
    R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}})"
    "\n"
    R"({"type":"ERROR","object":{"kind":"Status","reason":"Expired","code":410}})"
    "\n"};

struct Told {
    std::string names = {};
    bool whole = false;

    bool operator==(const Told&) const = default;
};

Told list(const std::string& text, std::size_t piece) {
    Told told;
    kube::ListReader reader(kube::Kind::pod, [&](const kube::Received& received) {
        told.names += std::get<kube::Pod>(received.object).name + "\n";
    });
    bool good = true;
    for (std::size_t at = 0; good && at < text.size(); at += piece)
        good = reader.push(std::string_view(text).substr(at, piece)).has_value();
    told.whole = good && reader.end().has_value();
    return told;
}

Told watch(const std::string& text, std::size_t piece) {
    Told told;
    kube::EventReader reader(kube::Kind::space, [&](const kube::Event& event) {
        told.names += event.received.resource_version + event.status.reason + "\n";
    });
    bool good = true;
    for (std::size_t at = 0; good && at < text.size(); at += piece)
        good = reader.push(std::string_view(text).substr(at, piece)).has_value();
    told.whole = good && reader.whole();
    return told;
}

void read_or_refuse(std::span<const std::string_view> samples,
                    Told (*read)(const std::string&, std::size_t)) {
    int whole = 0;
    int refused = 0;
    fuzz::each_variant(samples, [&](const std::string& text) {
        const Told at_once = read(text, text.size() + 1);
        REQUIRE(read(text, 7) == at_once);
        ++(at_once.whole ? whole : refused);
    });
    CHECK(whole > 100);  // the generator reaches both sides
    CHECK(refused > 100);
}

}  // namespace

TEST_CASE("any list is read or refused") { read_or_refuse(kLists, list); }

TEST_CASE("any watch is read or refused") { read_or_refuse(kEvents, watch); }
