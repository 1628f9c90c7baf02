#include "common/kube/stream.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/base/parse.hpp"
#include "common/kube/draft.hpp"
#include "common/kube/json_feed.hpp"
#include "common/kube/walk.hpp"

namespace ambient::kube {
namespace {

// What the object says of itself must not be another kind. Items of typed lists say nothing.
bool fits(Kind kind, std::string_view name) {
    if (kind == Kind::pod) return name == "Pod";
    return name == "Namespace" || name == "PartialObjectMetadata";
}

Received receive(Kind kind, Draft& draft) {
    Received received;
    received.resource_version = std::move(draft.resource_version);
    const std::string name = draft.pod.namespace_name + "/" + draft.pod.name;
    const auto take = [&](auto taken, Object bare) {
        if (taken) {
            received.object = *std::move(taken);
            return;
        }
        received.object = std::move(bare);
        received.problem = invalid_input(name + ": " + taken.error().sentence);
    };
    if (!draft.kind.empty() && !fits(kind, draft.kind))
        draft.problem = Problem{{}, "unexpected kind " + draft.kind};
    Pod bare = {.namespace_name = draft.pod.namespace_name, .name = draft.pod.name};
    if (kind == Kind::pod) {
        // A path on this node is its administrator's word, by way of a file: in a cluster, who may
        // annotate a pod must not choose which namespace the agent enters.
        draft.pod.netns_path.clear();
        draft.pod.resource_version = received.resource_version;
        take(take_pod(draft), std::move(bare));
    } else {
        take(take_namespace(draft), Namespace{.name = std::move(bare.name)});
    }
    return received;
}

Status status_of(Draft& draft) {
    return {.code = parse_integer<int>(draft.code).value_or(0),
            .reason = std::move(draft.reason),
            .message = std::move(draft.message)};
}

std::optional<Event::Type> type_of(std::string_view text) {
    if (text == "ADDED") return Event::Type::added;
    if (text == "MODIFIED") return Event::Type::modified;
    if (text == "DELETED") return Event::Type::deleted;
    if (text == "BOOKMARK") return Event::Type::bookmark;
    if (text == "ERROR") return Event::Type::error;
    return std::nullopt;
}

// A document without items that is of interest as a whole.
class Single : public Walk {
  public:
    Single() { begin(kDocument, draft_); }

    Result<void> read(std::string_view json) {
        JsonFeed feed(*this, kMaxObjectText);
        TRY(feed.push(json));
        if (!feed.done()) return std::unexpected(invalid_input("not a whole JSON document"));
        return {};
    }
    Draft& draft() { return draft_; }

  private:
    Draft& begin_item(const Place&) override { return item_ = {}; }
    void end_item() override {}

    Draft draft_;
    Draft item_;
};

}  // namespace

class ListReader::Items : public Walk {
  public:
    Items(Kind kind, Take take)
        : kind_(kind), take_(std::move(take)), feed_(*this, kMaxObjectText) {
        begin(kDocument, list_);
    }

    Result<void> push(std::string_view bytes) {
        if (TRY(feed_.push(bytes)) == bytes.size()) return {};
        return std::unexpected(invalid_input("something follows the list"));
    }
    [[nodiscard]] Result<ListEnd> end() const {
        if (!feed_.done()) return std::unexpected(invalid_input("the list ends in the middle"));
        const std::string_view name = list_.kind;
        if (!name.ends_with("List") || !fits(kind_, name.substr(0, name.size() - 4)) ||
            list_.problem) {
            return std::unexpected(invalid_input(fmt::format("not a list but '{}'", list_.kind)));
        }
        return ListEnd{.resource_version = list_.resource_version,
                       .continue_token = list_.continue_token};
    }

  private:
    Draft& begin_item(const Place&) override { return item_ = {}; }
    void end_item() override {
        feed_.forget_text();
        take_(receive(kind_, item_));
    }

    Kind kind_;
    Take take_;
    Draft list_;
    Draft item_;
    JsonFeed feed_;
};

ListReader::ListReader(Kind kind, Take take)
    : items_(std::make_unique<Items>(kind, std::move(take))) {}

ListReader::~ListReader() = default;

Result<void> ListReader::push(std::string_view bytes) { return items_->push(bytes); }

Result<ListEnd> ListReader::end() const { return items_->end(); }

class EventReader::Events : public Walk {
  public:
    Events(Kind kind, Take take)
        : kind_(kind), take_(std::move(take)), feed_(*this, kMaxObjectText) {
        begin_event();
    }

    Result<void> push(std::string_view bytes) {
        while (true) {
            // Between events there are line breaks.
            if (!has_begun()) {
                const std::size_t start = bytes.find_first_not_of(" \t\r\n");
                bytes.remove_prefix(std::min(start, bytes.size()));
            }
            if (bytes.empty()) return {};
            bytes.remove_prefix(TRY(feed_.push(bytes)));
            if (!feed_.done()) return {};
            TRY(end_event());
            feed_.reset();
            begin_event();
        }
    }
    [[nodiscard]] bool whole() const { return !has_begun(); }

  private:
    void begin_event() {
        event_ = {};
        item_ = {};
        begin(kEvent, event_);
    }
    Draft& begin_item(const Place&) override { return item_; }
    void end_item() override {}

    Result<void> end_event() {
        const auto type = type_of(event_.event_type);
        if (!type || event_.problem) {
            return std::unexpected(
                invalid_input(fmt::format("not a watch event: type '{}'", event_.event_type)));
        }
        Event event = {.type = *type, .received = {}};
        if (*type == Event::Type::error) {
            event.status = status_of(item_);
        } else if (*type == Event::Type::bookmark) {
            event.received.resource_version = std::move(item_.resource_version);
        } else {
            event.received = receive(kind_, item_);
        }
        take_(std::move(event));
        return {};
    }

    Kind kind_;
    Take take_;
    Draft event_;
    Draft item_;
    JsonFeed feed_;
};

EventReader::EventReader(Kind kind, Take take)
    : events_(std::make_unique<Events>(kind, std::move(take))) {}

EventReader::~EventReader() = default;

Result<void> EventReader::push(std::string_view bytes) { return events_->push(bytes); }

bool EventReader::whole() const { return events_->whole(); }

Result<Received> decode_object(Kind kind, std::string_view json) {
    Single single;
    TRY(single.read(json));
    Received received = receive(kind, single.draft());
    if (received.problem) return std::unexpected(*std::move(received.problem));
    return received;
}

Status decode_status(std::string_view json) {
    Single single;
    if (!single.read(json)) return {};
    return single.draft().kind == "Status" ? status_of(single.draft()) : Status{};
}

}  // namespace ambient::kube
