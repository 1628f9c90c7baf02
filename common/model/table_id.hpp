// Which packet-filter table is meant.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace ambient::model {

// What a table sees: IPv4 and IPv6 packets, or the frames of bridges.
enum class TableFamily : std::uint8_t { inet, bridge };

constexpr const char* to_string(TableFamily family) {
    return family == TableFamily::inet ? "inet" : "bridge";
}

// Each family may have a table of the same name (net/netfilter/nf_tables_api.c, nft_table_lookup).
struct TableId {
    TableFamily family = TableFamily::inet;
    std::string name = {};

    auto operator<=>(const TableId&) const = default;
};

// As nft(8) names it: "inet ambient".
inline std::string to_string(const TableId& id) {
    return std::string(to_string(id.family)) + ' ' + id.name;
}

}  // namespace ambient::model
