// A whole file as text.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "common/base/error.hpp"

namespace ambient {

// Errors: not_found, permission, io; invalid_input when it holds more than `max_bytes`.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace ambient
