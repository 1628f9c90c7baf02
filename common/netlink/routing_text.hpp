// Routes and policy rules that the model cannot say, as `ip` prints them: tables and protocols by
// number; a device that is known by index only is "if7", as there. What is not spelled out here is
// hinted at by "...". Pure. (iproute2: ip/iproute.c, print_route; ip/iprule.c, print_rule)
#pragma once

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <functional>
#include <string>

#include "common/netlink/message.hpp"

namespace ambient::netlink {

std::string route_text(const rtmsg& header, const Attributes& attributes);
std::string rule_text(const fib_rule_hdr& header, const Attributes& attributes);

// The text with devices by what `name_of` says of their index; nothing leaves it as it is.
std::string with_link_names(
    const std::string& text,
    const std::function<std::optional<std::string>(std::uint32_t index)>& name_of);

}  // namespace ambient::netlink
