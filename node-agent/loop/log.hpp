// The agent's log: one line an event, key=value text or JSON. Only the program logs; libraries
// return.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace ambient::agent {

struct Field {
    Field(std::string_view field_key, std::string_view field_value)
        : key(field_key), value(field_value) {}
    template <std::integral T>
    Field(std::string_view field_key, T field_value)
        : key(field_key), value(fmt::to_string(field_value)) {}

    std::string_view key;
    std::string value;
};

enum class LogLevel { debug, info, warning, error };

// Once, before anything is logged. Lines go to standard error.
void start_log(LogLevel least, bool json);

// Whether lines of this level are written: for those whose fields cost something.
bool logs(LogLevel level);
// `event` is a few fixed words, what varies goes into fields: log(LogLevel::info, "pod captured",
// {{"pod", "ns/name"}}).
void log(LogLevel level, std::string_view event, std::initializer_list<Field> fields = {});
// An error as the event's fields: kind, what happened, in the kernel's words too.
void log(LogLevel level, std::string_view event, const Error& error);

}  // namespace ambient::agent
