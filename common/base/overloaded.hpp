// A visitor made of lambdas, for std::visit.
#pragma once

namespace ambient {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

}  // namespace ambient
