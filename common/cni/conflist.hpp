// Our entry in the network configuration of a node: text in, text out, every byte that is not ours
// kept. SPEC, section 1: a list of plugins as JSON; the older form is one plugin alone.
//
// Refused is also what no runtime would load, since an entry there would do nothing.
// Errors: invalid_input, one sentence that says what is wrong with the text; it does not name the
// file.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.hpp"

namespace ambient::cni {

// What makes an entry ours.
inline constexpr std::string_view kPluginType = "ambient-cni";

// `list` with exactly one entry of ours, the last of the chain, and equal to `entry` (the text of a
// JSON object): the same text when that is so already. A new entry takes the layout of the one
// before it. Refused also where our plugin does not speak the list's cniVersion: every pod of the
// node would fail.
Result<std::string> with_entry(std::string_view list, std::string_view entry);

// `list` without any entry of ours: the same text when there is none. Undoes with_entry byte for
// byte.
Result<std::string> without_entry(std::string_view list);

// Whether an entry of the list is of this type; false also for what is no list.
bool holds_plugin(std::string_view list, std::string_view type);

// A list that holds `single`, one plugin alone, as it stands, and our entry. `present` is what was
// made so before: it stays, with what others have added to it, while it is about the same plugin.
Result<std::string> list_around(std::string_view single, std::string_view entry,
                                std::string_view present = {});

}  // namespace ambient::cni
