#include "node-agent/loop/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "node-agent/loop/log_sink.hpp"

namespace ambient::agent {
namespace {

bool json_lines = false;  // set once by start_log

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return spdlog::level::debug;
        case LogLevel::info: return spdlog::level::info;
        case LogLevel::warning: return spdlog::level::warn;
        case LogLevel::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

// As a JSON string: quotes and control characters escaped, bytes that are not UTF-8 replaced.
std::string as_json_string(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_plain(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '=';
    });
}

std::string text_line(std::string_view event, std::initializer_list<Field> fields) {
    std::string line =
        fmt::format("event={}", is_plain(event) ? std::string(event) : as_json_string(event));
    for (const auto& field : fields) {
        line += fmt::format(" {}={}", field.key,
                            is_plain(field.value) ? field.value : as_json_string(field.value));
    }
    return line;
}

std::string json_line(std::string_view event, std::initializer_list<Field> fields) {
    std::string line = fmt::format(R"("event":{})", as_json_string(event));
    for (const auto& field : fields)
        line += fmt::format(",{}:{}", as_json_string(field.key), as_json_string(field.value));
    return line;
}

std::string line_of(std::string_view event, std::initializer_list<Field> fields) {
    return json_lines ? json_line(event, fields) : text_line(event, fields);
}

class StandardError final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        sink_.write(formatted(message));
    }
    void flush_() override {}

    std::string formatted(const spdlog::details::log_msg& message) {
        spdlog::memory_buf_t text;
        formatter_->format(message, text);
        return {text.data(), text.size()};
    }

    LogSink sink_{STDERR_FILENO, [this](std::size_t lost) {
                      const auto line = line_of("log lines lost", {{"lines", lost}});
                      return formatted({"agent", spdlog::level::warn, line});
                  }};
};

}  // namespace

void start_log(LogLevel least, bool json) {
    json_lines = json;
    auto logger = std::make_shared<spdlog::logger>("agent", std::make_shared<StandardError>());
    logger->set_level(level_of(least));
    logger->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                             : "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
                        spdlog::pattern_time_type::utc);
    spdlog::set_default_logger(std::move(logger));
}

bool logs(LogLevel level) { return spdlog::should_log(level_of(level)); }

void log(LogLevel level, std::string_view event, std::initializer_list<Field> fields) {
    if (!logs(level)) return;
    spdlog::log(level_of(level), "{}", line_of(event, fields));
}

void log(LogLevel level, std::string_view event, const Error& error) {
    log(level, event, {{"kind", to_string(error.kind)}, {"error", describe(error)}});
}

}  // namespace ambient::agent
