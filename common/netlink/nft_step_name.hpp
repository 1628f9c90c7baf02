// A packet-filter step in one line for error messages. Pure.
#pragma once

#include <string>

#include "common/plan/plan.hpp"

namespace ambient::netlink::nft {

// "create chain prerouting of table inet ambient"
std::string name_of(const plan::Step& step);

}  // namespace ambient::netlink::nft
