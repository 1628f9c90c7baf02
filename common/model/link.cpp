#include "common/model/link.hpp"

namespace ambient::model {

bool is_ours(const Link& link) {
    const auto* veth = std::get_if<Veth>(&link.kind);
    return std::holds_alternative<Geneve>(link.kind) || (veth && !veth->peer.empty());
}

LinkChange change_needed(const Link& wanted, const Link& found) {
    if (wanted.kind.index() != found.kind.index()) return LinkChange::replace;
    bool in_place = wanted.up != found.up || (wanted.mac && wanted.mac != found.mac) ||
                    (wanted.mtu && wanted.mtu != found.mtu);
    if (const auto* want = std::get_if<Geneve>(&wanted.kind)) {
        const auto& have = std::get<Geneve>(found.kind);
        if (want->vni != have.vni || want->udp_port != have.udp_port ||
            want->remote.family() != have.remote.family()) {
            return LinkChange::replace;
        }
        in_place = in_place || want->remote != have.remote;
    }
    return in_place ? LinkChange::in_place : LinkChange::none;
}

}  // namespace ambient::model
