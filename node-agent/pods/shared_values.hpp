// One copy of each value that many hold.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <utility>

namespace ambient::agent {

// T is ordered. Forgets, now and then, what nobody holds any more.
template <class T>
class SharedValues {
  public:
    std::shared_ptr<const T> share(T value) {
        if (const auto known = values_.find(value); known != values_.end()) return *known;
        if (values_.size() >= enough_) {
            std::erase_if(values_, [](const auto& held) { return held.use_count() == 1; });
            enough_ = 2 * values_.size() + kFew;
        }
        return *values_.insert(std::make_shared<const T>(std::move(value))).first;
    }
    [[nodiscard]] std::size_t size() const { return values_.size(); }

  private:
    using Held = std::shared_ptr<const T>;
    struct Less {
        using is_transparent = void;
        bool operator()(const Held& a, const Held& b) const { return *a < *b; }
        bool operator()(const Held& a, const T& b) const { return *a < b; }
        bool operator()(const T& a, const Held& b) const { return a < *b; }
    };

    static constexpr std::size_t kFew = 16;
    std::set<Held, Less> values_;
    std::size_t enough_ = kFew;
};

}  // namespace ambient::agent
