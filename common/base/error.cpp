#include "common/base/error.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace ambient {

std::string_view to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_input: return "invalid_input";
        case ErrorKind::not_found: return "not_found";
        case ErrorKind::already_exists: return "already_exists";
        case ErrorKind::conflict: return "conflict";
        case ErrorKind::unsupported: return "unsupported";
        case ErrorKind::permission: return "permission";
        case ErrorKind::interrupted: return "interrupted";
        case ErrorKind::unavailable: return "unavailable";
        case ErrorKind::io: return "io";
        case ErrorKind::kernel: return "kernel";
        case ErrorKind::internal: return "internal";
    }
    return "unknown";
}

std::string describe(const Error& error) {
    std::string text = error.doing;
    if (!error.object.empty()) text += " " + error.object;
    if (!error.netns.empty()) text += " in netns " + error.netns;
    if (error.errno_value != 0) text += ": " + std::generic_category().message(error.errno_value);
    if (!error.kernel_text.empty()) text += " (" + error.kernel_text + ")";
    return text;
}

ErrorKind kind_of_errno(int errno_value) {
    switch (errno_value) {
        case ENOENT:
        case ENODEV:
        case ESRCH:
        case EADDRNOTAVAIL: return ErrorKind::not_found;
        case EEXIST: return ErrorKind::already_exists;
        case EOPNOTSUPP:
        case EPROTONOSUPPORT:
        case EAFNOSUPPORT: return ErrorKind::unsupported;
        case EPERM:
        case EACCES: return ErrorKind::permission;
        case EINTR:
        case ENOBUFS: return ErrorKind::interrupted;
        case EAGAIN:
        case ECONNREFUSED:
        case ETIMEDOUT: return ErrorKind::unavailable;
        default: return ErrorKind::kernel;
    }
}

Error errno_error(int errno_value, std::string doing, std::string object) {
    return Error{.kind = kind_of_errno(errno_value),
                 .doing = std::move(doing),
                 .object = std::move(object),
                 .errno_value = errno_value};
}

Error invalid_input(std::string what) {
    return Error{.kind = ErrorKind::invalid_input, .doing = std::move(what)};
}

}  // namespace ambient
