#include "node-agent/datapath/lane_book.hpp"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

namespace ambient::agent {
namespace {

// Another pod may have the address later, but not with the same veth.
bool is_same(const desired::Ztunnel& a, const desired::Ztunnel& b) {
    return a.host_link == b.host_link &&
           std::ranges::find_first_of(a.addresses, b.addresses) != a.addresses.end();
}

}  // namespace

void LaneBook::recover(const std::vector<model::Route>& routes) {
    for (const desired::Lane lane : desired::lanes(datapath_.marks)) {
        desired::Ztunnel ztunnel{.lane = lane};
        for (const model::Route& route : routes) {
            if (route.table != desired::lane_table(datapath_.tables, lane) || !route.gateway ||
                route.protocol != datapath_.protocol)
                continue;
            ztunnel.host_link = route.link;
            ztunnel.addresses.push_back(*route.gateway);
        }
        if (!ztunnel.addresses.empty()) entries_.push_back({.ztunnel = std::move(ztunnel)});
    }
}

std::vector<desired::Ztunnel> LaneBook::assign(std::vector<desired::Ztunnel> ztunnels,
                                               const Look& look) {
    const auto before = std::exchange(entries_, {});
    const auto in = [](const desired::Ztunnel& ztunnel) {
        return [&](const Entry& entry) { return is_same(entry.ztunnel, ztunnel); };
    };
    for (desired::Ztunnel& ztunnel : ztunnels) {
        const auto known = std::ranges::find_if(before, in(ztunnel));
        ztunnel.lane = known == before.end() ? std::nullopt : known->ztunnel.lane;
        entries_.push_back({.ztunnel = std::move(ztunnel),
                            .last_turn = known == before.end() ? 0 : known->last_turn});
    }
    for (const Entry& entry : before) {
        if (std::ranges::any_of(entries_, in(entry.ztunnel))) continue;
        if (auto still = look(entry.ztunnel)) {
            entries_.push_back({.ztunnel = *std::move(still), .last_turn = entry.last_turn});
        } else {
            note("ends: its ztunnel is gone", entry.ztunnel);
        }
    }
    if (ztunnels.empty()) return held();
    const bool is_new =
        before.empty() || !is_same(before.front().ztunnel, entries_.front().ztunnel);
    if (!entries_.front().ztunnel.lane) {
        entries_.front().ztunnel.lane = free_lane();
        note("begins: its ztunnel is active", entries_.front().ztunnel);
    }
    if (is_new || entries_.front().last_turn == 0) {
        entries_.front().last_turn = ++turn_;
        const auto drains = [&](const Entry& entry) {
            return !before.empty() && is_same(entry.ztunnel, before.front().ztunnel);
        };
        const auto last = std::ranges::find_if(entries_ | std::views::drop(1), drains);
        if (last != entries_.end()) note("drains: another ztunnel is active", last->ztunnel);
    }
    return held();
}

std::vector<desired::Ztunnel> LaneBook::held() const {
    std::vector<desired::Ztunnel> all;
    std::ranges::transform(entries_, std::back_inserter(all), &Entry::ztunnel);
    return all;
}

std::vector<LaneStats> LaneBook::stats(const std::optional<Connections>& connections) const {
    const auto& marks = datapath_.marks;
    std::vector<LaneStats> all;
    for (const Entry& entry : entries_) {
        if (!entry.ztunnel.lane) continue;
        const auto own = desired::in_lane(marks, marks.lanes, *entry.ztunnel.lane).value;
        const auto held = [&] {
            const auto found = connections->find(own);
            return found == connections->end() ? 0 : found->second;
        };
        all.push_back({.lane = *entry.ztunnel.lane,
                       .ztunnel = to_string(entry.ztunnel.addresses.front()),
                       .is_active = &entry == &entries_.front(),
                       .connections = connections ? std::optional(held()) : std::nullopt});
    }
    return all;
}

std::vector<std::string> LaneBook::lines() const {
    std::vector<std::string> lines;
    for (const LaneStats& lane : stats({})) {
        lines.push_back("lane " + std::to_string(lane.lane) + ": ztunnel " + lane.ztunnel +
                        (lane.is_active ? " is active" : " drains"));
    }
    if (lines.size() < 2) lines.clear();
    return lines;
}

// For the first of entries_.
desired::Lane LaneBook::free_lane() {
    for (const desired::Lane lane : desired::lanes(datapath_.marks)) {
        const auto has_it = [&](const Entry& entry) { return entry.ztunnel.lane == lane; };
        if (std::ranges::none_of(entries_, has_it)) return lane;
    }
    auto holders = entries_ | std::views::filter([](const Entry& entry) {
                       return entry.ztunnel.lane.has_value();
                   });
    Entry& oldest = *std::ranges::min_element(holders, {}, &Entry::last_turn);
    note("ends: another ztunnel needs it", oldest.ztunnel, true);
    ++cut_off_;
    return *std::exchange(oldest.ztunnel.lane, std::nullopt);
}

void LaneBook::note(std::string reason, const desired::Ztunnel& ztunnel, bool is_cut_off) {
    if (!ztunnel.lane) return;
    changes_.push_back({.reason = std::move(reason),
                        .lane = *ztunnel.lane,
                        .ztunnel = to_string(ztunnel.addresses.front()),
                        .is_cut_off = is_cut_off});
}

}  // namespace ambient::agent
