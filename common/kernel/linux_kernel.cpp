#include "common/kernel/linux_kernel.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "common/kernel/apply_step.hpp"
#include "common/kernel/observe.hpp"
#include "common/kernel/sysctl_file.hpp"
#include "common/netlink/nft_tables.hpp"
#include "common/netlink/route_socket.hpp"
#include "common/netns/run_in.hpp"
#include "common/plan/print.hpp"

namespace ambient {

struct LinuxKernel::Parts {
    Netns netns;
    std::filesystem::path sysctl_dir;
    netlink::RouteSocket route;
    netlink::NftTables filter;

    Result<model::NetnsState> observe(const model::Scope& scope);
    Result<std::vector<model::FilterTable>> observe_tables(const model::Scope& scope);
    Error located(Error error) const;
};

Error LinuxKernel::Parts::located(Error error) const {
    if (error.netns.empty()) error.netns = netns.name();
    return error;
}

Result<std::vector<model::FilterTable>> LinuxKernel::Parts::observe_tables(
    const model::Scope& scope) {
    std::vector<model::FilterTable> tables;
    for (const auto& [id, chains, keys] : scope.filter) {
        auto table = TRY(chains ? filter.observe_table(id) : filter.observe_elements(id, keys));
        if (table) tables.push_back(*std::move(table));
    }
    return tables;
}

Result<model::NetnsState> LinuxKernel::Parts::observe(const model::Scope& scope) {
    RouteContext context{.socket = route, .names = netlink::LinkNames(route)};
    model::NetnsState state;
    state.links = TRY(observe_links(context, scope));
    state.addresses = TRY(observe_addresses(context, scope));
    state.routes = TRY(observe_routes(context, scope));
    state.rules = TRY(observe_rules(context, scope));
    state.sysctls = TRY(read_sysctls(netns, sysctl_dir, scope.sysctls));
    state.tables = TRY(observe_tables(scope));
    model::sort(state);
    return state;
}

Result<LinuxKernel> LinuxKernel::open(const Netns& netns, const std::filesystem::path& sysctl_dir) {
    return run_in(netns, [&]() -> Result<LinuxKernel> {
        auto route = TRY(netlink::RouteSocket::open(netns));
        auto filter = TRY(netlink::NftTables::open(netns));
        return LinuxKernel(std::make_unique<Parts>(Parts{.netns = netns,
                                                         .sysctl_dir = sysctl_dir,
                                                         .route = std::move(route),
                                                         .filter = std::move(filter)}));
    });
}

Result<LinuxKernel> LinuxKernel::open_here(const Netns& netns) {
    Result<LinuxKernel> kernel = std::unexpected(Error{});
    call_here(netns, [&] { kernel = open(netns); });
    return kernel;
}

LinuxKernel::LinuxKernel(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LinuxKernel::LinuxKernel(LinuxKernel&&) noexcept = default;
LinuxKernel& LinuxKernel::operator=(LinuxKernel&&) noexcept = default;
LinuxKernel::~LinuxKernel() = default;

Result<model::NetnsState> LinuxKernel::observe(const model::Scope& scope) {
    auto state = parts_->observe(scope);
    if (!state) {
        auto error = parts_->located(std::move(state).error());
        error.doing = "observe: " + error.doing;
        return std::unexpected(std::move(error));
    }
    return state;
}

std::expected<void, ApplyError> LinuxKernel::apply(const plan::Plan& plan) {
    RouteContext context{.socket = parts_->route, .names = netlink::LinkNames(parts_->route)};
    for (auto step = plan.begin(); step != plan.end();) {
        auto next = std::next(step);
        Result<void> outcome;
        if (plan::is_filter_step(*step)) {
            next = std::find_if_not(step, plan.end(), plan::is_filter_step);
            outcome = parts_->filter.apply({step, next});
        } else {
            outcome = apply_step(context, parts_->netns, parts_->sysctl_dir, *step);
            if (!outcome) {
                outcome.error().doing = "apply";
                outcome.error().object = plan::to_string(*step);
            }
        }
        if (!outcome) {
            return std::unexpected(
                ApplyError{.done = static_cast<std::size_t>(step - plan.begin()),
                           .error = parts_->located(std::move(outcome).error())});
        }
        step = next;
    }
    return {};
}

const Netns& LinuxKernel::netns() const { return parts_->netns; }

std::vector<std::uint32_t> LinuxKernel::port_ids() const {
    std::vector<std::uint32_t> ids;
    if (const auto id = parts_->route.port_id()) ids.push_back(*id);
    if (const auto id = parts_->filter.port_id()) ids.push_back(*id);
    return ids;
}

}  // namespace ambient
