// Variants of a text, from a fixed seed.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace ambient::fuzz {

// Calls `parse` with many variants of each of `samples`: bytes changed, cut out, doubled, and
// replaced by words that mean something in JSON.
void each_variant(std::span<const std::string_view> samples,
                  const std::function<void(const std::string&)>& parse);

}  // namespace ambient::fuzz
