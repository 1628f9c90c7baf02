#include "common/netlink/nft_step_name.hpp"

#include <fmt/format.h>

#include "common/base/overloaded.hpp"

namespace ambient::netlink::nft {

std::string name_of(const plan::Step& step) {
    return std::visit(
        Overloaded{
            [](const plan::CreateTable& s) {
                return fmt::format("create table {}", to_string(s.table));
            },
            [](const plan::DeleteTable& s) {
                return fmt::format("delete table {}", to_string(s.table));
            },
            [](const plan::CreateSet& s) {
                return fmt::format("create set {} of table {}", s.set, to_string(s.table));
            },
            [](const plan::DeleteSet& s) {
                return fmt::format("delete set {} of table {}", s.set, to_string(s.table));
            },
            [](const plan::AddElement& s) {
                return fmt::format("add element {} to set {} of table {}",
                                   model::to_string(s.element.key), s.set, to_string(s.table));
            },
            [](const plan::DeleteElement& s) {
                return fmt::format("delete element {} of set {} of table {}",
                                   model::to_string(s.element.key), s.set, to_string(s.table));
            },
            [](const plan::CreateChain& s) {
                return fmt::format("create chain {} of table {}", s.chain, to_string(s.table));
            },
            [](const plan::DeleteChain& s) {
                return fmt::format("delete chain {} of table {}", s.chain, to_string(s.table));
            },
            [](const plan::ReplaceRules& s) {
                return fmt::format("replace rules of chain {} of table {}", s.chain,
                                   to_string(s.table));
            },
            [](const auto&) { return std::string("a step that is none of the packet filter"); },
        },
        step);
}

}  // namespace ambient::netlink::nft
