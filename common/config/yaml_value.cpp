#include "common/config/yaml_value.hpp"

#include <algorithm>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace ambient::config {
namespace {

Place place_of(const YAML::Mark& mark) {
    return {.line = mark.line + 1, .column = mark.column + 1};
}

// Thrown out of the parser, caught in parse_yaml.
struct Refused {
    Place place;
    std::string sentence;
};

// Builds the tree from the parser's events. `open_` holds the mappings and sequences not yet ended.
class Builder : public YAML::EventHandler {
  public:
    Value take() { return std::move(document_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (std::exchange(started_, true)) {
            throw Refused{place_of(mark),
                          "only one YAML document is allowed here; remove the others"};
        }
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        add({.kind = Value::Kind::null, .place = place_of(mark)});
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw Refused{place_of(mark), "aliases are not supported; write the value out"};
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  const std::string& value) override {
        add({.kind = Value::Kind::scalar,
             .place = place_of(mark),
             .text = value,
             .quoted = tag == "!"});
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open_.push_back({.value = {.kind = Value::Kind::sequence, .place = place_of(mark)}});
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        open_.push_back({.value = {.kind = Value::Kind::mapping, .place = place_of(mark)}});
    }
    void OnMapEnd() override { close(); }

  private:
    struct Open {
        Value value;
        std::optional<Value> key = std::nullopt;  // of a mapping, while its value is awaited
    };

    void close() {
        Value value = std::move(open_.back().value);
        open_.pop_back();
        add(std::move(value));
    }

    void add(Value value) {
        if (open_.empty()) {
            document_ = std::move(value);
            return;
        }
        Open& parent = open_.back();
        if (parent.value.kind == Value::Kind::sequence) {
            parent.value.items.push_back(std::move(value));
        } else if (parent.key) {
            // The parser places an absent value where the next thing stands.
            if (value.kind == Value::Kind::null) value.place = parent.key->place;
            parent.value.fields.emplace_back(*std::exchange(parent.key, std::nullopt),
                                             std::move(value));
        } else {
            check_key(parent.value, value);
            parent.key = std::move(value);
        }
    }

    static void check_key(const Value& mapping, const Value& key) {
        if (key.kind != Value::Kind::scalar) {
            throw Refused{key.place, "a field's name must be a word"};
        }
        const auto same = [&](const auto& field) { return field.first.text == key.text; };
        const auto found = std::ranges::find_if(mapping.fields, same);
        if (found == mapping.fields.end()) return;
        throw Refused{key.place, fmt::format("'{}' is here a second time, first in line {}; "
                                             "remove one",
                                             key.text, found->first.place.line)};
    }

    bool started_ = false;
    Value document_;
    std::vector<Open> open_;
};

}  // namespace

Error problem_at(const std::string& file, const Place& place, const std::string& sentence) {
    return invalid_input(fmt::format("{}:{}:{}: {}", file, place.line, place.column, sentence));
}

Result<Value> parse_yaml(const std::string& yaml, const std::string& file) {
    if (yaml.size() > kMaxConfigBytes) {
        return std::unexpected(problem_at(
            file, {},
            fmt::format("is larger than {} bytes: not a configuration", kMaxConfigBytes)));
    }
    try {
        std::istringstream stream(yaml);
        YAML::Parser parser(stream);
        Builder builder;
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take();
    } catch (const Refused& refused) {
        return std::unexpected(problem_at(file, refused.place, refused.sentence));
    } catch (const YAML::Exception& e) {
        return std::unexpected(problem_at(file, place_of(e.mark), "not valid YAML: " + e.msg));
    }
}

}  // namespace ambient::config
