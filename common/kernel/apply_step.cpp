#include "common/kernel/apply_step.hpp"

#include "common/kernel/sysctl_file.hpp"
#include "common/netlink/address_codec.hpp"
#include "common/netlink/rule_codec.hpp"

namespace ambient {
namespace {

Result<void> gone_is_success(Result<void> outcome) {
    if (!outcome && outcome.error().kind == ErrorKind::not_found) return {};
    return outcome;
}

// A visitor over every kind of step.
struct Applier {
    RouteContext& context;
    const Netns& netns;
    const std::filesystem::path& sysctl_dir;

    Result<void> execute(netlink::Message request) { return context.socket.execute(request); }

    Result<void> operator()(const plan::CreateLink& step) {
        return execute(netlink::create_link(step.link));
    }

    Result<void> operator()(const plan::ChangeLink& step) {
        const auto index = TRY(context.names.index_of(step.wanted.name));
        return execute(netlink::change_link(index, step.wanted, step.found));
    }

    Result<void> operator()(const plan::DeleteLink& step) {
        const auto outcome = delete_link(step.link.name);
        context.names.forget();
        return gone_is_success(outcome);
    }
    Result<void> delete_link(const std::string& name) {
        return execute(netlink::delete_link(TRY(context.names.index_of(name))));
    }

    Result<void> operator()(const plan::AddAddress& step) {
        const auto index = TRY(context.names.index_of(step.address.link));
        return execute(netlink::add_address(index, step.address));
    }

    Result<void> operator()(const plan::DeleteAddress& step) {
        return gone_is_success(delete_address(step.address));
    }
    Result<void> delete_address(const model::InterfaceAddress& address) {
        return execute(netlink::delete_address(TRY(context.names.index_of(address.link)), address));
    }

    Result<void> operator()(const plan::PutRoute& step) {
        const auto index =
            step.route.link.empty() ? 0 : TRY(context.names.index_of(step.route.link));
        return execute(netlink::put_route(index, step.route));
    }

    Result<void> operator()(const plan::DeleteRoute& step) {
        return gone_is_success(delete_route(step.route));
    }
    Result<void> delete_route(const model::Route& route) {
        const auto index = route.link.empty() ? 0 : TRY(context.names.index_of(route.link));
        return execute(netlink::delete_route(index, route));
    }

    Result<void> operator()(const plan::AddRule& step) {
        return execute(netlink::add_rule(step.rule));
    }
    Result<void> operator()(const plan::DeleteRule& step) {
        return gone_is_success(execute(netlink::delete_rule(step.rule)));
    }

    Result<void> operator()(const plan::SetSysctl& step) {
        return write_sysctl(netns, sysctl_dir, step.wanted);
    }

    template <class FilterStep>
    Result<void> operator()(const FilterStep&) {
        return std::unexpected(Error{.doing = "apply a packet-filter step outside a transaction"});
    }
};

}  // namespace

Result<void> apply_step(RouteContext& context, const Netns& netns,
                        const std::filesystem::path& sysctl_dir, const plan::Step& step) {
    return std::visit(Applier{.context = context, .netns = netns, .sysctl_dir = sysctl_dir}, step);
}

}  // namespace ambient
