#include "common/plan/plan.hpp"

#include <type_traits>

namespace ambient::plan {
namespace {

template <class T, class... Candidates>
constexpr bool kOneOf = (std::is_same_v<T, Candidates> || ...);

}  // namespace

bool is_filter_step(const Step& step) {
    return std::visit(
        []<class T>(const T&) {
            return kOneOf<T, CreateTable, DeleteTable, CreateSet, DeleteSet, AddElement,
                          DeleteElement, CreateChain, DeleteChain, ReplaceRules>;
        },
        step);
}

}  // namespace ambient::plan
