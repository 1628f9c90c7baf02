// What went wrong, told once, by the layer that knows: every fallible function returns Result<T>.
// Callers branch on kind, never on text. Threading: plain values.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace ambient {

enum class ErrorKind {
    invalid_input,   // what a person or another program gave us is wrong; nothing was changed
    not_found,       // the object, or one that it needs, does not exist
    already_exists,  // the object exists and was not expected to
    conflict,        // something foreign stands on our keys; reported before any write
    unsupported,     // this kernel cannot do it
    permission,      // we lack a capability
    interrupted,     // a dump raced with a change or events were lost: observe again
    unavailable,     // a peer (agent, file) cannot be reached now: try again later
    io,              // a file or socket failed
    kernel,          // the kernel refused for any other reason
    internal,        // a defect of ours
};

std::string_view to_string(ErrorKind kind);

// `doing` is the action ("add route"), `object` its object ("10.244.1.11/32 table 100"), `netns`
// where, empty when it does not matter. `errno_value` is positive or 0. `kernel_text` is the
// kernel's extended-ack message.
struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string doing;
    std::string object = {};
    std::string netns = {};
    int errno_value = 0;
    std::string kernel_text = {};

    bool operator==(const Error&) const = default;
};

// "add route 10.244.1.11/32 table 100 in netns /run/netns/a: Network is unreachable (Nexthop has
// invalid gateway)"
std::string describe(const Error& error);

// The kind that a kernel errno means for callers.
ErrorKind kind_of_errno(int errno_value);

// An Error from an errno (positive).
Error errno_error(int errno_value, std::string doing, std::string object = {});

// An Error for bad input: `what` is one clear sentence.
Error invalid_input(std::string what);

template <class T>
using Result = std::expected<T, Error>;

}  // namespace ambient

// Takes the value out of a Result, or returns its error from the surrounding function. May be
// nested.
#define TRY(expression) AMBIENT_TRY_COUNTED(expression, __COUNTER__)
#define AMBIENT_TRY_COUNTED(expression, number) AMBIENT_TRY_NAMED(expression, number)
#define AMBIENT_TRY_NAMED(expression, number)                               \
    ({                                                                      \
        auto&& try_result_##number = (expression);                          \
        if (!try_result_##number) [[unlikely]]                              \
            return std::unexpected(std::move(try_result_##number).error()); \
        *std::move(try_result_##number);                                    \
    })
