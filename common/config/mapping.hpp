// Reads the fields of a YAML mapping into typed variables. Internal to common/config.
//
// The first problem of the file is kept, so that readers are lists of fields without error handling
// of their own.
#pragma once

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/yaml_value.hpp"
#include "common/net/ip_address.hpp"
#include "common/net/mark.hpp"

namespace ambient::config {

// What is known of one file: its first problem, and where each field stood.
class Report {
  public:
    explicit Report(std::string file) : file_(std::move(file)) {}

    void refuse(const Place& place, const std::string& sentence);
    // At the field's place, or that of the nearest mapping around it which the file has.
    void refuse_field(const std::string& path, const std::string& sentence);
    void note(const std::string& path, const Place& place) { places_[path] = place; }

    [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

  private:
    std::string file_;
    std::map<std::string, Place> places_;
    std::optional<Error> problem_;
    Place problem_place_;
};

class Mapping {
  public:
    // `path` is the mapping's own name with those around it, "datapath.inbound"; empty at the top.
    Mapping(Report& report, const Value& value, std::string path = {});

    // Each takes the field `name` into `out` if the file has it.
    void text(const char* name, std::string& out);
    void texts(const char* name, std::vector<std::string>& out);
    void address(const char* name, IpAddress& out, Family family);
    void address(const char* name, IpAddress& out);
    void addresses(const char* name, std::vector<IpAddress>& out);
    void mark(const char* name, Mark& out);
    void flag(const char* name, bool& out);
    template <std::unsigned_integral T>
    void number(const char* name, T& out, T min, T max = std::numeric_limits<T>::max()) {
        if (const auto value = integer(name, min, max)) out = static_cast<T>(*value);
    }
    void number(const char* name, int& out, int min, int max) {
        const auto value =
            integer(name, static_cast<std::uint64_t>(min), static_cast<std::uint64_t>(max));
        if (value) out = static_cast<int>(*value);
    }
    // The position of the field's word among `words`.
    std::optional<std::size_t> choice(const char* name, std::span<const std::string_view> words);
    template <class Read>
    void mapping(const char* name, Read read) {
        const Value* value = take(name);
        if (!value) return;
        Mapping inner(report_, *value, path_of(name));
        read(inner);
        inner.finish();
    }

    // Refuses the fields that nobody asked for.
    void finish();

  private:
    // The field's value; null when it is absent.
    const Value* take(const char* name);
    const Value* take_scalar(const char* name, const char* expected);
    std::optional<std::uint64_t> integer(const char* name, std::uint64_t min, std::uint64_t max);
    std::string path_of(std::string_view name) const;
    // Non-empty scalars.
    std::optional<std::vector<const Value*>> take_list(const char* name, const char* expected);
    void must_be(const Value& value, const char* name, const std::string& expected);

    Report& report_;
    const Value& value_;
    std::string path_;
    std::vector<std::string_view> known_;
};

}  // namespace ambient::config
