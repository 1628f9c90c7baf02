// A lane leads back to one ztunnel what belongs to connections that it holds in others' names: a
// value of some bits beside our marks in packets and in conntrack, and a routing table. So each
// ztunnel keeps its connections when another one becomes active.
#pragma once

#include <cstdint>
#include <vector>

#include "common/desired/config.hpp"

namespace ambient::desired {

using Lane = std::uint8_t;

// The numbers that the configured bits have room for; the first lane is 0.
std::vector<Lane> lanes(const Marks& marks);

// A mark with the lane's bits beside it.
Mark in_lane(const Marks& marks, Mark mark, Lane lane);

// Where a lane leads: the first one's table has Istio's number.
std::uint32_t lane_table(const Tables& tables, Lane lane);
std::vector<std::uint32_t> lane_tables(const Datapath& datapath);

}  // namespace ambient::desired
