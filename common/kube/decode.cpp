#include "common/kube/decode.hpp"

#include <spanstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "common/kube/draft.hpp"

namespace ambient::kube {
namespace {

Place place_of(const YAML::Mark& mark) {
    return {.line = mark.line + 1, .column = mark.column + 1};
}

// Follows the parser's events down the shapes, so that nothing but the drafts is held. A Problem is
// thrown out of the parser when the document cannot be used; decode() catches it.
class Decoder : public YAML::EventHandler {
  public:
    explicit Decoder(const Limits& limits) : limits_(limits) {}

    Objects take() { return std::move(objects_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        check_room(place_of(mark));
        document_ = {.place = place_of(mark)};
        draft_ = &document_;
        empty_ = true;
    }
    void OnDocumentEnd() override {
        if (!empty_) commit_document();
        items_.clear();
    }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        if (!open_.empty()) next(mark, "");
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        if (next(mark, "")) refuse(mark, "written out; aliases are not supported");
    }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  const std::string& value) override {
        const bool is_key = awaits_key();
        const bool is_word = in_words();
        const Shape* shape = next(mark, value);
        if (is_key || !shape) return;
        if (!is_word && shape->kind != Shape::Kind::text) {
            refuse(mark, name_of(shape->kind));
        } else if (const char* expected = shape->take(*draft_, key(), value)) {
            refuse(mark, expected);
        }
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open(mark, Shape::Kind::sequence);
    }
    void OnSequenceEnd() override { open_.pop_back(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        open(mark, Shape::Kind::mapping);
    }
    void OnMapEnd() override {
        const Open ended = std::move(open_.back());
        open_.pop_back();
        if (ended.shape && ended.shape->ended) ended.shape->ended(*draft_);
        if (ended.shape == &kItem) {
            items_.push_back(std::move(item_));
            draft_ = &document_;
        }
    }

  private:
    // A mapping or sequence not yet ended; without a shape nothing in it matters.
    struct Open {
        const Shape* shape = nullptr;
        bool is_mapping = false;
        bool awaits_key = true;
        std::string key = {};
        const Shape* value = nullptr;  // of the value that follows the key
    };

    [[nodiscard]] bool awaits_key() const {
        return !open_.empty() && open_.back().is_mapping && open_.back().awaits_key;
    }
    [[nodiscard]] const std::string& key() const { return open_.back().key; }

    // The shape of the node that begins; none for a key (whose text is `text`) and for what does
    // not matter.
    const Shape* next(const YAML::Mark& mark, const std::string& text) {
        if (open_.empty()) {
            document_.place = place_of(mark);
            empty_ = false;
            return &kDocument;
        }
        Open& around = open_.back();
        if (!around.is_mapping) return around.shape ? around.shape->each : nullptr;
        if (!std::exchange(around.awaits_key, !around.awaits_key)) return around.value;
        around.value = value_shape(around.shape, text);
        if (around.value) around.key = text;
        return nullptr;
    }

    static const Shape* value_shape(const Shape* mapping, const std::string& name) {
        if (!mapping) return nullptr;
        if (mapping->kind == Shape::Kind::words) return mapping;  // its words are its own
        for (const auto& field : mapping->fields) {
            if (field.name == name) return field.shape;
        }
        return nullptr;
    }

    // Whether the next node stands in a mapping of words: there the mapping's own shape takes text.
    [[nodiscard]] bool in_words() const {
        return !open_.empty() && open_.back().shape &&
               open_.back().shape->kind == Shape::Kind::words;
    }

    static const char* name_of(Shape::Kind kind) {
        switch (kind) {
            case Shape::Kind::text: return "text";
            case Shape::Kind::sequence: return "a list";
            case Shape::Kind::words:
            case Shape::Kind::mapping: break;
        }
        return "a mapping";
    }

    void open(const YAML::Mark& mark, Shape::Kind kind) {
        const bool is_word = in_words();
        const Shape* shape = next(mark, "");
        if (shape) {
            const Shape::Kind wanted = is_word                             ? Shape::Kind::text
                                       : shape->kind == Shape::Kind::words ? Shape::Kind::mapping
                                                                           : shape->kind;
            if (wanted != kind) {
                refuse(mark, name_of(wanted));
                shape = nullptr;
            }
        }
        if (shape == &kItem) begin_item(mark);
        open_.push_back({.shape = shape, .is_mapping = kind == Shape::Kind::mapping});
    }

    void check_room(const Place& place) const {
        const std::size_t held = objects_.pods.size() + objects_.namespaces.size() + items_.size();
        if (held < limits_.objects) return;
        throw Problem{place, fmt::format("more than {} objects; split the file", limits_.objects)};
    }

    void begin_item(const YAML::Mark& mark) {
        check_room(place_of(mark));
        item_ = {.place = place_of(mark)};
        draft_ = &item_;
    }

    void refuse(const YAML::Mark& mark, const char* expected) {
        if (draft_->problem) return;
        std::string path;
        for (const Open& around : open_) {
            if (!path.empty() && around.is_mapping) path += '.';
            path += around.is_mapping ? around.key : "[]";
        }
        draft_->problem =
            Problem{place_of(mark),
                    fmt::format("{} must be {}", path.empty() ? "a document" : path, expected)};
    }

    void commit_document() {
        const std::string& kind = document_.kind;
        if (document_.problem && kind.empty()) throw Problem(*document_.problem);
        if (kind == "List" || kind == "PodList" || kind == "NamespaceList") {
            if (document_.problem) throw Problem(*document_.problem);
            for (Draft& item : items_) {
                if (item.kind.empty()) item.kind = kind.substr(0, kind.size() - 4);
                commit(item);
            }
        } else {
            commit(document_);
        }
    }

    void commit(Draft& draft) {
        if (draft.kind.empty()) {
            throw Problem{draft.place, "has no kind: not a Kubernetes object"};
        }
        const bool is_pod = draft.kind == "Pod";
        const bool ours = is_pod || draft.kind == "Namespace";
        if (!ours || (draft.api_version != "v1" && !draft.api_version.empty())) return;
        if (draft.problem) throw Problem(*draft.problem);
        Pod& pod = draft.pod;
        if (pod.name.empty()) {
            throw Problem{draft.place, fmt::format("{} has no metadata.name", draft.kind)};
        }
        if (!is_pod) {
            objects_.namespaces.push_back(
                {.name = std::move(pod.name), .labels = std::move(pod.labels)});
            return;
        }
        if (pod.namespace_name.empty()) pod.namespace_name = "default";  // as kubectl does
        if (pod.addresses.empty() && draft.pod_ip) pod.addresses.push_back(*draft.pod_ip);
        // Files written by hand often leave the transition out.
        if (pod.ready && pod.ready_since.empty()) pod.ready_since = std::move(draft.created);
        objects_.pods.push_back(std::move(pod));
    }

    Limits limits_;
    Objects objects_;
    Draft document_;
    Draft item_;
    std::vector<Draft> items_;
    Draft* draft_ = &document_;  // the one that events go to: document_ or item_
    bool empty_ = true;
    std::vector<Open> open_;
};

Error problem_in(const std::string& file, const Problem& problem) {
    return invalid_input(fmt::format("{}:{}:{}: {}", file, problem.place.line, problem.place.column,
                                     problem.sentence));
}

}  // namespace

Result<Objects> decode(std::string_view text, const std::string& file, const Limits& limits) {
    if (text.size() > limits.bytes) {
        return std::unexpected(problem_in(
            file, {{}, fmt::format("larger than {} bytes; split the file", limits.bytes)}));
    }
    try {
        std::ispanstream stream(std::span<const char>(text.data(), text.size()));
        YAML::Parser parser(stream);
        Decoder decoder(limits);
        while (parser.HandleNextDocument(decoder)) {
        }
        return decoder.take();
    } catch (const Problem& problem) {
        return std::unexpected(problem_in(file, problem));
    } catch (const YAML::Exception& e) {
        return std::unexpected(problem_in(file, {place_of(e.mark), "not valid YAML: " + e.msg}));
    }
}

}  // namespace ambient::kube
