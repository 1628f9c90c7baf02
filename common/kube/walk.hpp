// Follows a document down the shapes, whatever it is written in, so that nothing but the drafts is
// held. Internal to common/kube.
#pragma once

#include <string>
#include <vector>

#include "common/kube/draft.hpp"

namespace ambient::kube {

class Walk {
  public:
    virtual ~Walk() = default;
    Walk() = default;
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;

    // The document's nodes in their order; a mapping's key is a scalar before its value.
    void scalar(const Place& place, const std::string& text);
    void null(const Place& place);
    void alias(const Place& place);
    void open(const Place& place, Shape::Kind kind);  // mapping or sequence
    void close();

    // Whether the text of the next scalar matters, key or value.
    [[nodiscard]] bool wants_text() const;
    [[nodiscard]] bool awaits_key() const {
        return ignored_ == 0 && !open_.empty() && open_.back().is_mapping &&
               open_.back().awaits_key;
    }

  protected:
    // A document of this shape follows; its text goes to `draft`.
    void begin(const Shape& shape, Draft& draft);
    // Whether the document has had any node.
    [[nodiscard]] bool has_begun() const { return begun_; }

    // A node of shape kItem begins: its draft until it ends.
    virtual Draft& begin_item(const Place& place) = 0;
    virtual void end_item() = 0;

  private:
    // A mapping or sequence that matters and has not ended yet.
    struct Open {
        const Shape* shape = nullptr;
        bool is_mapping = false;
        bool awaits_key = true;
        std::string key = {};
        const Shape* value = nullptr;  // of the value that follows the key
    };

    const Shape* next(const Place& place, const std::string& text);
    [[nodiscard]] bool in_words() const;
    void refuse(const Place& place, const char* expected);

    const Shape* root_ = nullptr;
    Draft* document_ = nullptr;
    Draft* draft_ = nullptr;  // the one that text goes to
    bool begun_ = false;
    std::size_t ignored_ = 0;  // open mappings and sequences in which nothing matters
    std::vector<Open> open_;
};

}  // namespace ambient::kube
