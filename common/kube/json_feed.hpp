// JSON, in pieces of any size, as the nodes of a Walk. Internal to common/kube.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "common/base/error.hpp"
#include "common/kube/walk.hpp"

namespace ambient::kube {

class JsonFeed {
  public:
    // `max_text` bounds the bytes of text given to the walk between two calls of forget_text().
    JsonFeed(Walk& walk, std::size_t max_text);
    ~JsonFeed();
    JsonFeed(const JsonFeed&) = delete;
    JsonFeed& operator=(const JsonFeed&) = delete;

    // Takes what belongs to the document at hand; returns how many bytes that were: all, unless the
    // document ends before. Errors: invalid_input; nothing can be pushed after one.
    Result<std::size_t> push(std::string_view bytes);
    // The document is whole.
    [[nodiscard]] bool done() const;
    // Another document follows.
    void reset();
    // An object has ended, and what was held of it counts no more.
    void forget_text();

  private:
    struct Parser;

    std::unique_ptr<Parser> parser_;
};

}  // namespace ambient::kube
