// The packet-filter tables (nftables) of one network namespace: read them into the
// model, and apply steps to them as one transaction. Threading: one thread at a time. The socket is
// opened inside the namespace once; everything later works from any thread.
//
// Where the kernel has no nf_tables there is no table, and every change is refused as unsupported.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/model/filter_table.hpp"
#include "common/netlink/netlink_socket.hpp"
#include "common/netns/netns.hpp"
#include "common/plan/plan.hpp"

namespace ambient::netlink {

class NftTables {
  public:
    static Result<NftTables> open(const Netns& netns);

    // The whole table, sorted, from one generation of the rule set; nothing when there is none.
    // Error interrupted when the rule set kept changing under five attempts.
    Result<std::optional<model::FilterTable>> observe_table(const model::TableId& id);

    // The table's sets with those elements that have one of `keys` (nothing: all), without chains;
    // the cost is that of the keys. A set of another kind than the model's is left out, as is a
    // missing table. Sets need not be of one moment.
    Result<std::optional<model::FilterTable>> observe_elements(
        const model::TableId& id, const std::optional<std::vector<model::SetKey>>& keys);

    // All of `steps` (packet-filter steps only) or nothing, atomically. Adding an element that is
    // there already is success and leaves its comment alone; creating what exists, or deleting what
    // is gone, fails the transaction (already_exists, not_found): someone else was faster, so
    // observe again. The error's object is the step that the kernel refused first.
    Result<void> apply(std::span<const plan::Step> steps);

    // The socket's netlink port, if there is one: notifications of our own changes carry it.
    std::optional<std::uint32_t> port_id();

  private:
    explicit NftTables(std::optional<NetlinkSocket> socket) : socket_(std::move(socket)) {}

    // Whether this error means that there is no nf_tables.
    bool is_absence(const Error& error);
    template <class Attempt>
    Result<std::optional<model::FilterTable>> observe(const model::TableId& id, Attempt attempt);

    std::optional<NetlinkSocket> socket_;  // none: the kernel knows no netfilter by netlink
};

}  // namespace ambient::netlink
