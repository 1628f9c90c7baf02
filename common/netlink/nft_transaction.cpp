#include "common/netlink/nft_transaction.hpp"

#include <fmt/format.h>

#include "common/base/overloaded.hpp"
#include "common/netlink/nft_element_codec.hpp"
#include "common/netlink/nft_object_codec.hpp"
#include "common/netlink/nft_rule_message.hpp"
#include "common/netlink/nft_step_name.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

// The elements of the steps at the head of `steps` which do the same to the same set.
template <class ElementStep>
std::vector<const model::SetElement*> run_of_elements(std::span<const plan::Step> steps) {
    const auto& head = std::get<ElementStep>(steps.front());
    std::vector<const model::SetElement*> run;
    for (const auto& step : steps) {
        const auto* next = std::get_if<ElementStep>(&step);
        if (next == nullptr || next->table != head.table || next->set != head.set) break;
        run.push_back(&next->element);
    }
    return run;
}

template <class ElementStep>
Result<std::vector<std::size_t>> put_run(std::uint16_t type, std::uint16_t flags,
                                         std::span<const plan::Step> steps, MessageBuffer& to) {
    const auto& head = std::get<ElementStep>(steps.front());
    const auto run = run_of_elements<ElementStep>(steps);
    std::vector<std::size_t> counts;
    for (std::span rest(run); !rest.empty(); rest = rest.subspan(counts.back())) {
        counts.push_back(TRY(put_elements(type, flags, head.table, head.set, rest, to)));
    }
    return counts;
}

}  // namespace

Result<Transaction> Transaction::make(std::span<const plan::Step> steps) {
    Transaction transaction(steps);
    transaction.messages_.open_transaction();
    for (std::size_t index = 0; index < steps.size();) {
        auto taken = transaction.put(index);
        if (!taken) {
            auto error = std::move(taken).error();
            error.object = nft::name_of(steps[index]);
            return std::unexpected(std::move(error));
        }
        index += *taken;
    }
    transaction.messages_.close_transaction();
    return transaction;
}

// Writes the step at `index`, with those after it that share its messages; returns how many steps
// that were.
Result<std::size_t> Transaction::put(std::size_t index) {
    const auto& step = steps_[index];
    if (std::holds_alternative<plan::AddElement>(step) ||
        std::holds_alternative<plan::DeleteElement>(step)) {
        return put_run_of_elements(index);
    }
    if (const auto* rules = std::get_if<plan::ReplaceRules>(&step)) {
        TRY(put_rules(*rules, index));
        return 1;
    }
    parts_.push_back({.step = index});
    auto& to = messages_;
    const bool known = std::visit(
        Overloaded{
            [&](const plan::CreateTable& s) { return put_table(s.table, to), true; },
            [&](const plan::DeleteTable& s) { return put_table_deletion(s.table, to), true; },
            [&](const plan::CreateSet& s) {
                return put_set(s.table, s.set, s.type, static_cast<std::uint32_t>(index + 1), to),
                       true;
            },
            [&](const plan::DeleteSet& s) { return put_set_deletion(s.table, s.set, to), true; },
            [&](const plan::CreateChain& s) {
                return put_chain(s.table, s.chain, s.hook, to), true;
            },
            [&](const plan::DeleteChain& s) {
                return put_chain_deletion(s.table, s.chain, to), true;
            },
            [](const auto&) { return false; },
        },
        step);
    if (!known)
        return std::unexpected(
            Error{.kind = ErrorKind::internal, .doing = "make an nf_tables transaction"});
    return 1;
}

Result<std::size_t> Transaction::put_run_of_elements(std::size_t index) {
    const auto rest = steps_.subspan(index);
    // Without NLM_F_EXCL: adding what is there is success.
    const auto counts =
        std::holds_alternative<plan::AddElement>(rest.front())
            ? TRY(put_run<plan::AddElement>(NFT_MSG_NEWSETELEM, NLM_F_CREATE, rest, messages_))
            : TRY(put_run<plan::DeleteElement>(NFT_MSG_DELSETELEM, 0, rest, messages_));
    std::size_t done = 0;
    for (const auto count : counts) {
        parts_.push_back({.step = index + done, .steps = count});
        done += count;
    }
    return done;
}

Result<void> Transaction::put_rules(const plan::ReplaceRules& step, std::size_t index) {
    put_rules_deletion(step.table, step.chain, messages_);
    parts_.push_back({.step = index});
    for (std::size_t i = 0; i < step.rules.size(); ++i) {
        TRY(put_rule(step.table, step.chain, step.rules[i], messages_));
        parts_.push_back({.step = index, .rule = i + 1});
    }
    return {};
}

std::string Transaction::name_of(std::size_t index) const {
    // The brackets stand for all between them.
    if (index == 0 || index > parts_.size()) return "the whole transaction";
    const auto& [step, steps, rule] = parts_[index - 1];
    auto name = nft::name_of(steps_[step]);
    if (steps > 1) name += fmt::format(", or one of the {} elements after it", steps - 1);
    if (rule != 0) name += fmt::format(", rule {}", rule);
    return name;
}

}  // namespace ambient::netlink::nft
