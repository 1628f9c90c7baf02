#include "tests/fuzz/mutate.hpp"

#include <array>
#include <cstdlib>
#include <random>

#include "common/base/parse.hpp"

namespace ambient::fuzz {
namespace {

constexpr int kRounds = 4000;  // for each sample: some seconds with the sanitizers

constexpr std::array<std::string_view, 24> kWords = {"{",
                                                     "}",
                                                     "[",
                                                     "]",
                                                     "\"",
                                                     ":",
                                                     ",",
                                                     "null",
                                                     "true",
                                                     "-1",
                                                     "1e999",
                                                     "18446744073709551616",
                                                     "{}",
                                                     "[[[[",
                                                     "]]]]",
                                                     "\\u0000",
                                                     "\\ud800",
                                                     "0",
                                                     "\xff\xfe\xfd",
                                                     "10.0.0.1/8",
                                                     "::1",
                                                     "/",
                                                     "1.1.0",
                                                     "-9223372036854775809"};

int rounds() {
    const char* asked = std::getenv("AMBIENT_FUZZ_ROUNDS");
    return asked == nullptr ? kRounds : parse_integer<int>(asked, 1).value_or(kRounds);
}

class Mutator {
  public:
    std::string variant(std::string_view sample) {
        std::string text(sample);
        for (auto changes = below(4) + 1; changes > 0; --changes)
            change(text);
        return text;
    }

  private:
    std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

    void change(std::string& text) {
        const auto at = below(text.size());
        const auto length = below(std::min<std::size_t>(text.size() - at, 12)) + 1;
        switch (below(5)) {
            case 0:
                if (!text.empty()) text[at] = static_cast<char>(below(256));
                break;
            case 1: text.erase(at, length); break;
            case 2: text.insert(at, text.substr(at, length)); break;
            case 3: text.insert(at, kWords.at(below(kWords.size()))); break;
            default: text.replace(at, length, kWords.at(below(kWords.size()))); break;
        }
    }

    std::mt19937 random_{20231};  // NOLINT: the same variants in every run
};

}  // namespace

void each_variant(std::span<const std::string_view> samples,
                  const std::function<void(const std::string&)>& parse) {
    Mutator mutator;
    for (const auto sample : samples) {
        for (int round = rounds(); round > 0; --round)
            parse(mutator.variant(sample));
    }
}

}  // namespace ambient::fuzz
