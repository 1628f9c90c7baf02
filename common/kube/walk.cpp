#include "common/kube/walk.hpp"

#include <utility>

#include <fmt/format.h>

namespace ambient::kube {
namespace {

const char* name_of(Shape::Kind kind) {
    switch (kind) {
        case Shape::Kind::text: return "text";
        case Shape::Kind::sequence: return "a list";
        case Shape::Kind::words:
        case Shape::Kind::mapping: break;
    }
    return "a mapping";
}

const Shape* value_shape(const Shape& mapping, const std::string& name) {
    if (mapping.kind == Shape::Kind::words) return &mapping;  // its words are its own
    for (const auto& field : mapping.fields) {
        if (field.name == name) return field.shape;
    }
    return nullptr;
}

}  // namespace

void Walk::begin(const Shape& shape, Draft& draft) {
    root_ = &shape;
    document_ = draft_ = &draft;
    begun_ = false;
    ignored_ = 0;
    open_.clear();
}

bool Walk::wants_text() const {
    if (ignored_ > 0) return false;
    if (open_.empty()) return true;
    const Open& around = open_.back();
    if (!around.is_mapping) return around.shape->each != nullptr;
    return around.awaits_key || around.value != nullptr;
}

void Walk::scalar(const Place& place, const std::string& text) {
    if (ignored_ > 0) return;
    const bool is_key = awaits_key();
    const bool is_word = in_words();
    const Shape* shape = next(place, text);
    if (is_key || !shape) return;
    if (!is_word && shape->kind != Shape::Kind::text) {
        refuse(place, name_of(shape->kind));
    } else if (const char* expected = shape->take(*draft_, open_.back().key, text)) {
        refuse(place, expected);
    }
}

void Walk::null(const Place& place) {
    if (ignored_ == 0 && !open_.empty()) next(place, "");
}

void Walk::alias(const Place& place) {
    if (ignored_ == 0 && next(place, "")) refuse(place, "written out; aliases are not supported");
}

void Walk::open(const Place& place, Shape::Kind kind) {
    if (ignored_ > 0) {
        ++ignored_;
        return;
    }
    const bool is_word = in_words();
    const Shape* shape = next(place, "");
    if (shape) {
        const Shape::Kind wanted = is_word                             ? Shape::Kind::text
                                   : shape->kind == Shape::Kind::words ? Shape::Kind::mapping
                                                                       : shape->kind;
        if (wanted != kind) {
            refuse(place, name_of(wanted));
            shape = nullptr;
        }
    }
    if (!shape) {
        ++ignored_;
        return;
    }
    if (shape == &kItem) draft_ = &begin_item(place);
    open_.push_back({.shape = shape, .is_mapping = kind == Shape::Kind::mapping});
}

void Walk::close() {
    if (ignored_ > 0) {
        --ignored_;
        return;
    }
    const Shape* ended = open_.back().shape;
    open_.pop_back();
    if (ended->ended) ended->ended(*draft_);
    if (ended == &kItem) {
        end_item();
        draft_ = document_;
    }
}

// The shape of the node that begins; none for a key (whose text is `text`) and for what does not
// matter.
const Shape* Walk::next(const Place& place, const std::string& text) {
    if (open_.empty()) {
        document_->place = place;
        begun_ = true;
        return root_;
    }
    Open& around = open_.back();
    if (!around.is_mapping) return around.shape->each;
    if (!std::exchange(around.awaits_key, !around.awaits_key)) return around.value;
    around.value = value_shape(*around.shape, text);
    if (around.value) around.key = text;
    return nullptr;
}

// Whether the next node stands in a mapping of words: there the mapping's own shape takes text.
bool Walk::in_words() const {
    return !open_.empty() && open_.back().shape->kind == Shape::Kind::words;
}

void Walk::refuse(const Place& place, const char* expected) {
    if (draft_->problem) return;
    std::string path;
    for (const Open& around : open_) {
        if (!path.empty() && around.is_mapping) path += '.';
        path += around.is_mapping ? around.key : "[]";
    }
    draft_->problem =
        Problem{place, fmt::format("{} must be {}", path.empty() ? "a document" : path, expected)};
}

}  // namespace ambient::kube
