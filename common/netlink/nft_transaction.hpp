// Packet-filter steps as the messages of one nf_tables transaction.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/netlink/nft_message_buffer.hpp"
#include "common/plan/plan.hpp"

namespace ambient::netlink::nft {

// Refers to the steps that it was made of.
class Transaction {
  public:
    // Neighbouring elements of one set share messages. Error invalid_input, its object the step
    // that cannot be said; internal for a step of another kind.
    static Result<Transaction> make(std::span<const plan::Step> steps);

    [[nodiscard]] MessageBuffer& messages() { return messages_; }
    // What message `index` does, for people: "replace rules of chain c of table inet ambient, rule
    // 3".
    [[nodiscard]] std::string name_of(std::size_t index) const;

  private:
    // A message's steps (several elements), or one step's rule.
    struct Part {
        std::size_t step = 0;
        std::size_t steps = 1;
        std::size_t rule = 0;  // counted from 1; 0 when it is none
    };

    explicit Transaction(std::span<const plan::Step> steps) : steps_(steps) {}
    Result<std::size_t> put(std::size_t index);
    Result<std::size_t> put_run_of_elements(std::size_t index);
    Result<void> put_rules(const plan::ReplaceRules& step, std::size_t index);

    std::span<const plan::Step> steps_;
    MessageBuffer messages_;
    std::vector<Part> parts_;  // one a message, brackets left out
};

}  // namespace ambient::netlink::nft
