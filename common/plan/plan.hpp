// A plan: the ordered, typed steps that turn one NetnsState into another. It can be printed,
// checked and applied.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/model/netns_state.hpp"

namespace ambient::plan {

struct CreateLink {
    model::Link link;
    bool operator==(const CreateLink&) const = default;
};
struct ChangeLink {
    model::Link wanted;
    model::Link found;
    bool operator==(const ChangeLink&) const = default;
};
struct DeleteLink {
    model::Link link;
    bool operator==(const DeleteLink&) const = default;
};
struct AddAddress {
    model::InterfaceAddress address;
    bool operator==(const AddAddress&) const = default;
};
struct DeleteAddress {
    model::InterfaceAddress address;
    bool operator==(const DeleteAddress&) const = default;
};
// Creates the route or replaces the one of the same key.
struct PutRoute {
    model::Route route;
    bool operator==(const PutRoute&) const = default;
};
struct DeleteRoute {
    model::Route route;
    bool operator==(const DeleteRoute&) const = default;
};
struct AddRule {
    model::PolicyRule rule;
    bool operator==(const AddRule&) const = default;
};
struct DeleteRule {
    model::PolicyRule rule;
    bool operator==(const DeleteRule&) const = default;
};
struct SetSysctl {
    model::Sysctl wanted;
    bool operator==(const SetSysctl&) const = default;
};

// Packet-filter steps; neighbours in a plan are one transaction.
struct CreateTable {
    model::TableId table;
    bool operator==(const CreateTable&) const = default;
};
struct DeleteTable {
    model::TableId table;
    bool operator==(const DeleteTable&) const = default;
};
// Without elements: those follow as AddElement.
struct CreateSet {
    model::TableId table;
    std::string set;
    model::SetType type = model::SetType::ipv4_address;
    bool operator==(const CreateSet&) const = default;
};
struct DeleteSet {
    model::TableId table;
    std::string set;
    bool operator==(const DeleteSet&) const = default;
};
struct AddElement {
    model::TableId table;
    std::string set;
    model::SetElement element;
    bool operator==(const AddElement&) const = default;
};
struct DeleteElement {
    model::TableId table;
    std::string set;
    model::SetElement element;
    bool operator==(const DeleteElement&) const = default;
};
// Without rules: those follow as ReplaceRules, once every chain and set exists.
struct CreateChain {
    model::TableId table;
    std::string chain;
    std::optional<model::ChainHook> hook;
    bool operator==(const CreateChain&) const = default;
};
// The chain's rules must be gone (ReplaceRules with none) when another chain's rules still jump to
// it.
struct DeleteChain {
    model::TableId table;
    std::string chain;
    bool operator==(const DeleteChain&) const = default;
};
// All rules of the chain at once.
struct ReplaceRules {
    model::TableId table;
    std::string chain;
    std::vector<model::FilterRule> rules;
    bool operator==(const ReplaceRules&) const = default;
};

using Step =
    std::variant<CreateLink, ChangeLink, DeleteLink, AddAddress, DeleteAddress, PutRoute,
                 DeleteRoute, AddRule, DeleteRule, SetSysctl, CreateTable, DeleteTable, CreateSet,
                 DeleteSet, AddElement, DeleteElement, CreateChain, DeleteChain, ReplaceRules>;

using Plan = std::vector<Step>;

// Whether a step belongs to a packet-filter transaction.
bool is_filter_step(const Step& step);

}  // namespace ambient::plan
