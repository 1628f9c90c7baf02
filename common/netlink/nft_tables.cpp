#include "common/netlink/nft_tables.hpp"

#include <utility>

#include "common/netlink/dump.hpp"
#include "common/netlink/nft_exchange.hpp"
#include "common/netlink/nft_table_reader.hpp"
#include "common/netlink/nft_transaction.hpp"

namespace ambient::netlink {
namespace {

template <class T>
Result<T> about_table(Result<T> result, const std::string& name) {
    if (!result) result.error().object = "table inet " + name;
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

Result<std::optional<model::FilterTable>> NftTables::observe_table(const std::string& name) {
    const auto attempt = [&]() -> Result<std::optional<model::FilterTable>> {
        const auto before = TRY(nft::read_generation(socket_));
        auto table = nft::read_table(socket_, name);
        // Also when reading failed: a set may have gone between its dump and that of its elements.
        if (TRY(nft::read_generation(socket_)) != before)
            return std::unexpected(changed_meanwhile());
        return table;
    };
    return about_table(retry_interrupted(attempt), name);
}

Result<std::optional<model::FilterTable>> NftTables::observe_elements(
    const std::string& name, std::span<const IpAddress> addresses) {
    const auto attempt = [&] { return nft::read_elements(socket_, name, addresses); };
    return about_table(retry_interrupted(attempt), name);
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
