#include "common/netlink/nft_tables.hpp"

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
    return NftTables(TRY(NetlinkSocket::open(netns, NETLINK_NETFILTER)));
}

Result<std::optional<model::FilterTable>> NftTables::observe_table(const model::TableId& id) {
    const auto attempt = [&]() -> Result<std::optional<model::FilterTable>> {
        const auto before = TRY(nft::read_generation(socket_));
        auto table = nft::read_table(socket_, id);
        // Also when reading failed: a set may have gone between its dump and that of its elements.
        if (TRY(nft::read_generation(socket_)) != before)
            return std::unexpected(changed_meanwhile());
        return table;
    };
    return about_table(retry_interrupted(attempt), id);
}

Result<std::optional<model::FilterTable>> NftTables::observe_elements(
    const model::TableId& id, const std::optional<std::vector<IpAddress>>& keys) {
    const auto attempt = [&] { return nft::read_elements(socket_, id, keys); };
    return about_table(retry_interrupted(attempt), id);
}

Result<void> NftTables::apply(std::span<const plan::Step> steps) {
    if (steps.empty()) return {};
    auto transaction = TRY(nft::Transaction::make(steps));
    const auto answers =
        TRY(nft::exchange(socket_, transaction.messages(), [](const nlmsghdr&) {}));
    if (answers.refusals.empty()) return {};
    const auto& first = answers.refusals.front();
    auto error = errno_error(first.errno_value, "change the packet filter",
                             transaction.name_of(first.index));
    error.kernel_text = first.kernel_text;
    return std::unexpected(std::move(error));
}

}  // namespace ambient::netlink
