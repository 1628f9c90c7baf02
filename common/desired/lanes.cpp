#include "common/desired/lanes.hpp"

#include <bit>

namespace ambient::desired {

std::vector<Lane> lanes(const Marks& marks) {
    std::vector<Lane> all;
    const unsigned count = 1U << std::popcount(marks.lanes.mask);
    all.reserve(count);
    for (unsigned lane = 0; lane < count; ++lane)
        all.push_back(static_cast<Lane>(lane));
    return all;
}

Mark in_lane(const Marks& marks, Mark mark, Lane lane) {
    std::uint32_t value = 0;
    std::uint32_t left = marks.lanes.mask;
    for (unsigned number = lane; left != 0; number >>= 1U) {
        const std::uint32_t lowest = left & (~left + 1);
        if (number & 1U) value |= lowest;
        left &= left - 1;
    }
    return {.value = mark.value | value, .mask = mark.mask | marks.lanes.mask};
}

std::uint32_t lane_table(const Tables& tables, Lane lane) {
    return lane == 0 ? tables.to_ztunnel : tables.lanes + lane - 1;
}

std::vector<std::uint32_t> lane_tables(const Datapath& datapath) {
    std::vector<std::uint32_t> tables;
    for (const Lane lane : lanes(datapath.marks))
        tables.push_back(lane_table(datapath.tables, lane));
    return tables;
}

}  // namespace ambient::desired
