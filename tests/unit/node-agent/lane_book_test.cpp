// Which ztunnel has which lane, over rollouts and a restart of the agent.
#include "node-agent/datapath/lane_book.hpp"

#include <algorithm>
#include <map>
#include <string>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

using desired::Ztunnel;

const desired::Datapath kDatapath;

IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }

Ztunnel ztunnel(int number) {
    return {.host_link = "veth" + std::to_string(number),
            .addresses = {ip("10.244.1." + std::to_string(number))},
            .lane = std::nullopt};
}

// The active one first; `gone` are those whose veth is away.
struct Book {
    LaneBook lanes{kDatapath};
    std::vector<std::string> gone;

    // Lanes by veth; -1: none.
    std::map<std::string, int> assign(const std::vector<int>& numbers) {
        std::vector<Ztunnel> shown;
        for (const int number : numbers)
            shown.push_back(ztunnel(number));
        std::map<std::string, int> found;
        for (const Ztunnel& one : lanes.assign(std::move(shown), [&](const Ztunnel& known) {
                 const bool away = std::ranges::count(gone, known.host_link) > 0;
                 return away ? std::nullopt : std::optional(known);
             }))
            found[one.host_link] = one.lane ? *one.lane : -1;
        return found;
    }
};
using Lanes = std::map<std::string, int>;

std::vector<std::string> told(LaneBook& lanes) {
    std::vector<std::string> lines;
    for (const auto& change : lanes.take_changes())
        lines.push_back(std::to_string(change.lane) + " " + change.ztunnel + " " + change.reason);
    return lines;
}
using Lines = std::vector<std::string>;

TEST_CASE("a lane begins when its ztunnel is active, and ends with its namespace") {
    Book book;
    CHECK(book.assign({1}) == Lanes{{"veth1", 0}});
    CHECK(told(book.lanes) == Lines{"0 10.244.1.1 begins: its ztunnel is active"});
    CHECK(book.assign({1, 2}) == Lanes{{"veth1", 0}, {"veth2", -1}});
    CHECK(told(book.lanes).empty());
    CHECK(book.assign({2, 1}) == Lanes{{"veth1", 0}, {"veth2", 1}});
    CHECK(told(book.lanes) == Lines{"1 10.244.1.2 begins: its ztunnel is active",
                                    "0 10.244.1.1 drains: another ztunnel is active"});
    SUBCASE("its pod is not shown any more") {
        CHECK(book.assign({2}) == Lanes{{"veth1", 0}, {"veth2", 1}});
        book.gone = {"veth1"};
        CHECK(book.assign({2}) == Lanes{{"veth2", 1}});
        CHECK(told(book.lanes) == Lines{"0 10.244.1.1 ends: its ztunnel is gone"});
        CHECK(book.assign({3, 2}) == Lanes{{"veth2", 1}, {"veth3", 0}});
    }
    SUBCASE("it becomes active again") {
        CHECK(book.assign({1, 2}) == Lanes{{"veth1", 0}, {"veth2", 1}});
        CHECK(told(book.lanes) == Lines{"1 10.244.1.2 drains: another ztunnel is active"});
    }
}

TEST_CASE("four at once; then the one that has been inactive for longest loses its lane") {
    Book book;
    for (const int number : {1, 2, 3, 4})
        book.assign({number});
    book.assign({1});
    book.assign({4});
    CHECK(book.assign({4}) == Lanes{{"veth1", 0}, {"veth2", 1}, {"veth3", 2}, {"veth4", 3}});
    CHECK(book.lanes.cut_off() == 0);
    told(book.lanes);
    CHECK(book.assign({5}) ==
          Lanes{{"veth1", 0}, {"veth2", -1}, {"veth3", 2}, {"veth4", 3}, {"veth5", 1}});
    CHECK(book.lanes.cut_off() == 1);
    CHECK(told(book.lanes) == Lines{"1 10.244.1.2 ends: another ztunnel needs it",
                                    "1 10.244.1.5 begins: its ztunnel is active",
                                    "3 10.244.1.4 drains: another ztunnel is active"});
    // It does not get another one for having been active once.
    book.gone = {"veth3"};
    CHECK(book.assign({5, 2}) == Lanes{{"veth1", 0}, {"veth2", -1}, {"veth4", 3}, {"veth5", 1}});
}

TEST_CASE("none is ready: lanes stay as long as their ztunnels, and no other begins") {
    Book book;
    book.assign({1});
    book.assign({2});
    told(book.lanes);
    CHECK(book.assign({}) == Lanes{{"veth1", 0}, {"veth2", 1}});
    book.gone = {"veth2"};
    CHECK(book.assign({}) == Lanes{{"veth1", 0}});
    CHECK(told(book.lanes) == Lines{"1 10.244.1.2 ends: its ztunnel is gone"});
    CHECK(book.assign({3}) == Lanes{{"veth1", 0}, {"veth3", 1}});
}

TEST_CASE("after a restart of the agent, lanes are read from their tables") {
    const auto leads = [](std::uint32_t table, const std::string& to, const std::string& link) {
        return model::Route{.table = table,
                            .destination = Prefix::parse("0.0.0.0/0").value(),
                            .protocol = kDatapath.protocol,
                            .link = link,
                            .gateway = ip(to)};
    };
    auto somebodys = leads(105, "10.244.1.9", "veth9");
    somebodys.protocol = 4;
    model::Route last{.table = 102, .type = model::RouteType::unreachable, .protocol = 122};
    Book book;
    book.lanes.recover({leads(102, "10.244.1.1", "veth1"), last, leads(104, "10.244.1.2", "veth2"),
                        somebodys, leads(106, "10.244.1.3", "veth3")});
    book.gone = {"veth1"};
    CHECK(book.assign({2}) == Lanes{{"veth2", 1}, {"veth3", 3}});
    CHECK(told(book.lanes) == Lines{"0 10.244.1.1 ends: its ztunnel is gone"});
}

TEST_CASE("what each lane holds, the active one first; told while there are several") {
    Book book;
    book.assign({1});
    CHECK(book.lanes.lines().empty());
    book.assign({2, 1});
    CHECK(book.lanes.lines() == std::vector<std::string>{"lane 1: ztunnel 10.244.1.2 is active",
                                                         "lane 0: ztunnel 10.244.1.1 drains"});
    // The second lane's bit.
    const auto counted = book.lanes.stats(LaneBook::Connections{{0x4, 7}});
    REQUIRE(counted.size() == 2);
    CHECK(counted[0].lane == 1);
    CHECK(counted[0].is_active);
    CHECK(counted[0].connections == 7);
    CHECK(!counted[1].is_active);
    CHECK(counted[1].connections == 0);
    CHECK(!book.lanes.stats({})[0].connections);
}

}  // namespace
}  // namespace ambient::agent
