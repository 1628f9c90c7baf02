// The rule language in nft's own syntax (nft(8)). Internal to common/plan.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/model/filter_table.hpp"

namespace ambient::plan {

// `iifname "eth0" meta l4proto 6 counter drop`, in a table of this family.
std::string nft_rule(const model::FilterRule& rule, model::TableFamily table);
// `type filter hook prerouting priority -150; policy accept;`
std::string nft_hook(const model::ChainHook& hook);
// `ipv4_addr . inet_service`
std::string_view nft_type(model::SetType type);
// `10.244.1.11`, `"eth0"`
std::string nft_key(const model::SetKey& key);
// `10.244.1.11 comment "8a1c"`
std::string nft_element(const model::SetElement& element);

}  // namespace ambient::plan
