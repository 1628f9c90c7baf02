#include "common/netlink/nft_tables.hpp"

#include <cerrno>
#include <utility>

#include "common/netlink/dump.hpp"
#include "common/netlink/nft_exchange.hpp"
#include "common/netlink/nft_table_reader.hpp"
#include "common/netlink/nft_transaction.hpp"

namespace ambient::netlink {
namespace {

template <class T>
Result<T> about_table(Result<T> result, const model::TableId& id) {
    if (!result) result.error().object = "table " + to_string(id);
    return result;
}

Error changed_meanwhile() {
    return Error{.kind = ErrorKind::interrupted,
                 .doing = "read the packet filter: it changed meanwhile"};
}

}  // namespace

Result<NftTables> NftTables::open(const Netns& netns) {
    auto socket = NetlinkSocket::open(netns, NETLINK_NETFILTER);
    if (socket) return NftTables(*std::move(socket));
    // EPROTONOSUPPORT: nobody serves the protocol (net/netlink/af_netlink.c, netlink_create).
    if (socket.error().errno_value == EPROTONOSUPPORT) return NftTables(std::nullopt);
    return std::unexpected(std::move(socket).error());
}

bool NftTables::is_absence(const Error& error) {
    // EINVAL: the subsystem is not there and cannot be loaded (net/netfilter/nfnetlink.c,
    // nfnetlink_rcv_msg). It has other causes, too, but not for a question that says nothing.
    if (error.errno_value != EINVAL) return false;
    const auto generation = nft::read_generation(*socket_);
    return !generation && generation.error().errno_value == EINVAL;
}

template <class Attempt>
Result<std::optional<model::FilterTable>> NftTables::observe(const model::TableId& id,
                                                             Attempt attempt) {
    if (!socket_) return std::nullopt;
    auto found = retry_interrupted(attempt);
    if (!found && is_absence(found.error())) return std::nullopt;
    return about_table(std::move(found), id);
}

Result<std::optional<model::FilterTable>> NftTables::observe_table(const model::TableId& id) {
    return observe(id, [&]() -> Result<std::optional<model::FilterTable>> {
        const auto before = TRY(nft::read_generation(*socket_));
        auto table = nft::read_table(*socket_, id);
        // Also when reading failed: a set may have gone between its dump and that of its elements.
        if (TRY(nft::read_generation(*socket_)) != before)
            return std::unexpected(changed_meanwhile());
        return table;
    });
}

Result<std::optional<model::FilterTable>> NftTables::observe_elements(
    const model::TableId& id, const std::optional<std::vector<model::SetKey>>& keys) {
    return observe(id, [&] { return nft::read_elements(*socket_, id, keys); });
}

std::optional<std::uint32_t> NftTables::port_id() {
    const auto id = socket_ ? socket_->port_id() : 0;
    return id && *id != 0 ? std::optional(*id) : std::nullopt;
}

Result<void> NftTables::apply(std::span<const plan::Step> steps) {
    if (steps.empty()) return {};
    if (!socket_) {
        return std::unexpected(Error{.kind = ErrorKind::unsupported,
                                     .doing = "change the packet filter: this kernel has no "
                                              "nf_tables; load or build its module nf_tables"});
    }
    auto transaction = TRY(nft::Transaction::make(steps));
    const auto answers =
        TRY(nft::exchange(*socket_, transaction.messages(), [](const nlmsghdr&) {}));
    if (answers.refusals.empty()) return {};
    const auto& first = answers.refusals.front();
    auto error = errno_error(first.errno_value, "change the packet filter",
                             transaction.name_of(first.index));
    error.kernel_text = first.kernel_text;
    return std::unexpected(std::move(error));
}

}  // namespace ambient::netlink
