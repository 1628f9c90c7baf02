// JSON text in and out, for the .cpp files of this folder. Member order is kept: a result passes
// through unchanged.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/cni/failure.hpp"

namespace ambient::cni {

using Json = nlohmann::ordered_json;

// A network configuration is some kilobytes with its result; these bounds only keep hostile input
// harmless (printing a value recurses once a level).
inline constexpr std::size_t kMaxJsonBytes = 1024 * 1024;
inline constexpr int kMaxJsonDepth = 64;

// Failure decoding_failure when the text is not JSON or exceeds the bounds; `what` names the text.
Outcome<Json> parse_json(std::string_view text, std::string_view what);

// What an exception says, without the JSON library's own "[json.exception.parse_error.101] ".
std::string words_of(const std::exception& error);

// On one line. Bytes that are not UTF-8 become the replacement character.
std::string print_json(const Json& value);

}  // namespace ambient::cni
