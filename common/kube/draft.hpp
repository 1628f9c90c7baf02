// An object while it is read, and the shape of what is read: which fields matter and where their
// text goes. Internal to common/kube.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/kube/objects.hpp"

namespace ambient::kube {

struct Place {  // 1-based, as editors count
    int line = 1;
    int column = 1;
};

struct Problem {
    Place place;
    std::string sentence;
};

struct Draft {
    Place place = {};
    // The first thing that does not have its shape: an error if this turns out to be a kind that
    // we read.
    std::optional<Problem> problem = std::nullopt;
    std::string api_version = {};
    std::string kind = {};
    Pod pod = {};  // of a Namespace only name, labels and annotations are used
    std::optional<IpAddress> pod_ip = std::nullopt;
    std::string created = {};
    std::string resource_version = {};
    std::string continue_token = {};  // of a list
    std::string event_type = {};      // of a watch's event
    std::string code = {};            // these three of a Status
    std::string reason = {};
    std::string message = {};

    // The container at hand.
    struct Container {
        std::string name = {};
        ProxyContainer content = {};
    };
    Container container = {};

    // The element of a list (env, conditions) at hand.
    struct Element {
        std::string name = {};
        std::optional<std::string> value = std::nullopt;
        std::string type = {};
        std::string status = {};
        std::string since = {};
    };
    Element element = {};
};

// What is expected at one place of an object.
struct Shape {
    enum class Kind : std::uint8_t {
        text,      // a scalar
        words,     // a mapping from any name to text, as labels are
        mapping,   // the fields that matter; others are passed over
        sequence,  // of `each`
    };
    struct Field {
        std::string_view name;
        const Shape* shape;
    };

    Kind kind = Kind::text;
    // Takes a scalar; `key` is its name in the mapping around it. Says what was expected when the
    // text is not that, else null.
    const char* (*take)(Draft&, const std::string& key, const std::string& text) = nullptr;
    std::span<const Field> fields = {};
    const Shape* each = nullptr;
    void (*ended)(Draft&) = nullptr;  // of a mapping
};

// What a whole draft turned out to be, or its problem.
std::expected<Pod, Problem> take_pod(Draft& draft);
std::expected<Namespace, Problem> take_namespace(Draft& draft);

// Of a document: an object, or a list of objects under `items`.
extern const Shape kDocument;
// Of one of the items.
extern const Shape kItem;
// Of a watch's event: its type and an item.
extern const Shape kEvent;

}  // namespace ambient::kube
