// The error that a plugin answers with: SPEC, "Error". Plain values.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/base/error.hpp"
#include "common/cni/version.hpp"

namespace ambient::cni {

// Up to 99 the meaning is the spec's, from 100 on it is ours.
enum class Code : std::uint8_t {
    incompatible_version = 1,
    unsupported_field = 2,
    unknown_container = 3,
    invalid_environment = 4,
    io_failure = 5,
    decoding_failure = 6,
    invalid_config = 7,
    try_again_later = 11,
    not_available = 50,         // STATUS: ADD cannot be served
    limited_connectivity = 51,  // STATUS: the same, and containers that exist may suffer
    not_as_wanted = 100,        // CHECK: the kernel does not hold what it must
    kernel_refused = 101,       // a kernel call failed; undone
    conflict = 102,             // something that is not ours stands where ours must be
    internal = 103,             // a defect of ours
};

// `message` is one clear sentence; `details` may be long.
struct Failure {
    Code code = Code::internal;
    std::string message;
    std::string details = {};

    bool operator==(const Failure&) const = default;
};

template <class T>
using Outcome = std::expected<T, Failure>;

// The code that says best what the error's kind means to a runtime; describe(error) becomes the
// details.
Failure failure_of(const Error& error, std::string message);

// The object that goes to standard output.
std::string to_json(const Failure& failure, Version version);

}  // namespace ambient::cni
