#include "common/plan/draft.hpp"
#include "common/plan/merge_walk.hpp"

namespace ambient::plan {
namespace {

void replace_link(const model::Link& wanted, const model::Link& found, Draft& draft) {
    draft.replaced_links.insert(found.name);
    draft.clear_links.emplace_back(DeleteLink{found});
    draft.make_links.emplace_back(CreateLink{wanted});
}

void diff_link(const model::Link& wanted, const model::Link& found, Draft& draft) {
    if (!is_ours(found)) {
        draft.foreign_links.insert(found.name);
        if (wanted != found) draft.conflicts.push_back({found});
        return;
    }
    switch (change_needed(wanted, found)) {
        case model::LinkChange::none: return;
        case model::LinkChange::in_place:
            draft.make_links.emplace_back(ChangeLink{.wanted = wanted, .found = found});
            return;
        case model::LinkChange::replace: replace_link(wanted, found, draft);
    }
}

}  // namespace

void diff_links(const model::NetnsState& wanted, const model::NetnsState& found, Draft& draft) {
    merge_walk(
        wanted.links, found.links,
        [&](const model::Link& want) { draft.make_links.emplace_back(CreateLink{want}); },
        [&](const model::Link& have) {
            if (is_ours(have)) {
                draft.deleted_links.insert(have.name);
                draft.delete_links.emplace_back(DeleteLink{have});
            } else {
                draft.foreign_links.insert(have.name);
            }
        },
        [&](const model::Link& want, const model::Link& have) { diff_link(want, have, draft); });
}

void diff_addresses(const model::NetnsState& wanted, const model::NetnsState& found, Draft& draft) {
    using model::InterfaceAddress;
    const auto add = [&](const InterfaceAddress& address) {
        draft.add_addresses.emplace_back(AddAddress{address});
    };
    const auto remove = [&](const InterfaceAddress& address) {
        if (draft.replaced_links.contains(address.link)) return;  // gone with the link
        draft.delete_addresses.emplace_back(DeleteAddress{address});
    };
    merge_walk(
        wanted.addresses, found.addresses, add,
        [&](const InterfaceAddress& have) {
            const bool ours = !draft.foreign_links.contains(have.link);
            if (ours && !draft.deleted_links.contains(have.link)) remove(have);
        },
        [&](const InterfaceAddress& want, const InterfaceAddress& have) {
            if (want == have && !draft.replaced_links.contains(have.link)) return;
            remove(have);
            add(want);
        });
}

}  // namespace ambient::plan
