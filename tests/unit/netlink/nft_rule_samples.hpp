// Rules to test the nftables codec with: each match and action beside the line that nft(8) lists
// for it, and rules drawn at random.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "common/model/filter_rule.hpp"

namespace ambient::test {

// `line` is the rule in nft(8)'s words, exactly as `nft --stateless list` prints it. It may name
// the sets "pods4" and "pods6" and the chain "other". `asked` is what nft must be asked for to make
// the same byte code, where that is not `line`.
struct RuleSample {
    std::string line;
    model::FilterRule rule;
    std::string asked = line;
};

// Every match and every action of the language, negated too, alone where that makes a rule.
std::vector<RuleSample> rule_samples();

// Any rule that the language can say, with the same sets and chain.
model::FilterRule random_rule(std::mt19937& random);

}  // namespace ambient::test
