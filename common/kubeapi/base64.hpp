// Base64 (RFC 4648, section 4), as kubeconfig files carry certificates in. Internal to
// common/kubeapi.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ambient::kubeapi {

// None when the text is not base64; line breaks and spaces are passed over.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace ambient::kubeapi
