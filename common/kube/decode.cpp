#include "common/kube/decode.hpp"

#include <span>
#include <spanstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "common/kube/draft.hpp"
#include "common/kube/json_feed.hpp"
#include "common/kube/walk.hpp"

namespace ambient::kube {
namespace {

// Gathers the pods and namespaces of documents. A Problem is thrown when a document cannot be
// used; decode() catches it.
class Gatherer : public Walk {
  public:
    explicit Gatherer(const Limits& limits) : limits_(limits) {}

    Objects take() { return std::move(objects_); }

    void begin_document(const Place& place) {
        check_room(place);
        document_ = {.place = place};
        begin(kDocument, document_);
    }
    void end_document() {
        if (has_begun()) commit_document();
        items_.clear();
    }

  private:
    void check_room(const Place& place) const {
        const std::size_t held = objects_.pods.size() + objects_.namespaces.size() + items_.size();
        if (held < limits_.objects) return;
        throw Problem{place, fmt::format("more than {} objects; split the file", limits_.objects)};
    }

    Draft& begin_item(const Place& place) override {
        check_room(place);
        item_ = {.place = place};
        return item_;
    }
    void end_item() override { items_.push_back(std::move(item_)); }

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
        if (draft.api_version != "v1" && !draft.api_version.empty()) return;
        if (draft.kind == "Pod") objects_.pods.push_back(or_throw(take_pod(draft)));
        if (draft.kind == "Namespace") {
            objects_.namespaces.push_back(or_throw(take_namespace(draft)));
        }
    }

    template <class T>
    static T or_throw(std::expected<T, Problem> taken) {
        if (!taken) throw Problem(std::move(taken).error());
        return *std::move(taken);
    }

    Limits limits_;
    Objects objects_;
    Draft document_;
    Draft item_;
    std::vector<Draft> items_;
};

Place place_of(const YAML::Mark& mark) {
    return {.line = mark.line + 1, .column = mark.column + 1};
}

class YamlEvents : public YAML::EventHandler {
  public:
    explicit YamlEvents(Gatherer& gatherer) : to_(gatherer) {}

    void OnDocumentStart(const YAML::Mark& mark) override { to_.begin_document(place_of(mark)); }
    void OnDocumentEnd() override { to_.end_document(); }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { to_.null(place_of(mark)); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { to_.alias(place_of(mark)); }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  const std::string& value) override {
        to_.scalar(place_of(mark), value);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        to_.open(place_of(mark), Shape::Kind::sequence);
    }
    void OnSequenceEnd() override { to_.close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        to_.open(place_of(mark), Shape::Kind::mapping);
    }
    void OnMapEnd() override { to_.close(); }

  private:
    Gatherer& to_;
};

Error problem_in(const std::string& file, const Problem& problem) {
    return invalid_input(fmt::format("{}:{}:{}: {}", file, problem.place.line, problem.place.column,
                                     problem.sentence));
}

// One JSON document and nothing else; what is wrong with any other text, the YAML reader says.
std::optional<Objects> decode_json(std::string_view text, const Limits& limits) {
    try {
        Gatherer gatherer(limits);
        gatherer.begin_document({});
        JsonFeed feed(gatherer, limits.bytes);
        const auto taken = feed.push(text);
        if (!taken || *taken != text.size() || !feed.done()) return std::nullopt;
        gatherer.end_document();
        return gatherer.take();
    } catch (const Problem&) {
        return std::nullopt;
    }
}

}  // namespace

Result<Objects> decode(std::string_view text, const std::string& file, const Limits& limits) {
    if (text.size() > limits.bytes) {
        return std::unexpected(problem_in(
            file, {{}, fmt::format("larger than {} bytes; split the file", limits.bytes)}));
    }
    if (text.starts_with('{')) {
        if (auto objects = decode_json(text, limits)) return *std::move(objects);
    }
    try {
        std::ispanstream stream(std::span<const char>(text.data(), text.size()));
        YAML::Parser parser(stream);
        Gatherer gatherer(limits);
        YamlEvents events(gatherer);
        while (parser.HandleNextDocument(events)) {
        }
        return gatherer.take();
    } catch (const Problem& problem) {
        return std::unexpected(problem_in(file, problem));
    } catch (const YAML::Exception& e) {
        return std::unexpected(problem_in(file, {place_of(e.mark), "not valid YAML: " + e.msg}));
    }
}

}  // namespace ambient::kube
