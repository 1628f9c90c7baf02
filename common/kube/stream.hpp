// What an API server answers, as JSON in pieces of any size: lists and watches object by object, of
// which only what matters is ever held. Pure.
//
// https://kubernetes.io/docs/reference/using-api/api-concepts/
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/error.hpp"
#include "common/kube/objects.hpp"

namespace ambient::kube {

// Bounds the text of one object that is held while it is read. etcd takes no request beyond 1.5 MiB
// (its --max-request-bytes), so no object is larger.
inline constexpr std::size_t kMaxObjectText = 2 << 20;

enum class Kind { pod, space };  // Namespace, whole or as PartialObjectMetadata

using Object = std::variant<Pod, Namespace>;

struct Received {
    Object object;
    std::string resource_version = {};
    // Why the object is not to be used; it has its name, if there was one.
    std::optional<Error> problem = std::nullopt;
};

// The end of a list, or of one of its chunks.
struct ListEnd {
    std::string resource_version = {};
    std::string continue_token = {};  // not empty: more follows
};

// How the API says what went wrong.
struct Status {
    int code = 0;
    std::string reason = {};
    std::string message = {};
};

struct Event {
    enum class Type { added, modified, deleted, bookmark, error };

    Type type;
    Received received;   // of a bookmark only the version
    Status status = {};  // of an error
};

// One list.
class ListReader {
  public:
    using Take = std::function<void(Received)>;

    ListReader(Kind kind, Take take);
    ~ListReader();

    // Errors: invalid_input; nothing can be pushed after one.
    Result<void> push(std::string_view bytes);
    // After the last byte. Errors: invalid_input when it was not a whole list.
    [[nodiscard]] Result<ListEnd> end() const;

  private:
    class Items;

    std::unique_ptr<Items> items_;
};

// The events of a watch.
class EventReader {
  public:
    using Take = std::function<void(Event)>;

    EventReader(Kind kind, Take take);
    ~EventReader();

    // Errors: invalid_input; nothing can be pushed after one.
    Result<void> push(std::string_view bytes);
    // The bytes so far are whole events.
    [[nodiscard]] bool whole() const;

  private:
    class Events;

    std::unique_ptr<Events> events_;
};

// A single object. Errors: invalid_input.
Result<Received> decode_object(Kind kind, std::string_view json);

// The Status that an answer other than 200 carries; empty when it is none.
Status decode_status(std::string_view json);

}  // namespace ambient::kube
