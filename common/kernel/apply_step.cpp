#include "common/kernel/apply_step.hpp"

#include <cerrno>
#include <optional>
#include <utility>

#include "common/kernel/sysctl_file.hpp"
#include "common/netlink/address_codec.hpp"
#include "common/netlink/link_codec.hpp"
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
        auto created = execute(netlink::create_link(step.link));
        if (created || !std::holds_alternative<model::Geneve>(step.link.kind)) return created;
        // One of the same VNI, port and remote is the same device to the kernel, whatever its name
        // (drivers/net/geneve.c, geneve_find_dev): ours, which somebody has renamed.
        const auto twin = TRY(geneve_like(step.link));
        return twin ? take_over(*twin, step.link) : created;
    }
    Result<std::optional<netlink::LinkRecord>> geneve_like(const model::Link& wanted) {
        auto request = netlink::dump_links("geneve");
        const auto dump = TRY(context.socket.dump(request));
        for (const auto& message : dump) {
            auto record = TRY(netlink::decode_link(message));
            if (record.link.kind == wanted.kind) return record;
        }
        return std::nullopt;
    }
    Result<void> take_over(const netlink::LinkRecord& twin, const model::Link& wanted) {
        auto found = twin.link;
        auto renamed = execute(netlink::rename_link(twin.index, wanted.name));
        if (!renamed && renamed.error().errno_value == EBUSY) {
            // Before Linux 6.2 a device that is up keeps its name (net/core/dev.c,
            // dev_change_name).
            auto down = found;
            down.up = false;
            TRY(execute(netlink::change_link(twin.index, down, found)));
            found = std::move(down);
            renamed = execute(netlink::rename_link(twin.index, wanted.name));
        }
        context.names.forget();
        if (!renamed) {
            renamed.error().kernel_text += " it stands as " + twin.link.name;
            return renamed;
        }
        return execute(netlink::change_link(twin.index, wanted, found));
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
