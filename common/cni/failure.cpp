#include "common/cni/failure.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "common/cni/json.hpp"

namespace ambient::cni {
namespace {

Code code_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_input: return Code::invalid_config;
        case ErrorKind::conflict: return Code::conflict;
        case ErrorKind::interrupted:
        case ErrorKind::unavailable: return Code::try_again_later;
        case ErrorKind::io: return Code::io_failure;
        case ErrorKind::internal: return Code::internal;
        case ErrorKind::not_found:
        case ErrorKind::already_exists:
        case ErrorKind::unsupported:
        case ErrorKind::permission:
        case ErrorKind::kernel: return Code::kernel_refused;
    }
    return Code::internal;
}

}  // namespace

Failure failure_of(const Error& error, std::string message) {
    return {.code = code_of(error.kind), .message = std::move(message), .details = describe(error)};
}

std::string to_json(const Failure& failure, Version version) {
    Json object = {{"cniVersion", to_string(version)},
                   {"code", static_cast<int>(failure.code)},
                   {"msg", failure.message}};
    if (!failure.details.empty()) object["details"] = failure.details;
    return print_json(object);
}

}  // namespace ambient::cni
