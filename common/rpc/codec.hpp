// Messages as JSON text; a namespace goes beside it (descriptor.hpp). Pure; text from outside is
// refused with a sentence, never trusted.
#pragma once

#include <string>
#include <string_view>

#include "common/rpc/messages.hpp"

namespace ambient::rpc {

std::string encode(const Request& request);
std::string encode(const Reply& reply);

// Errors: invalid_input when the text is not such a message; unsupported when the other side speaks
// another version.
Result<Request> decode_request(std::string_view text);
Result<Reply> decode_reply(std::string_view text);

}  // namespace ambient::rpc
