#include "common/kubeapi/credentials.hpp"

#include <algorithm>
#include <string_view>

#include "common/base/read_file.hpp"

namespace ambient::kubeapi {
namespace {

constexpr std::size_t kMaxTokenBytes = 64 * 1024;
constexpr const char* kSpace = " \t\r\n";

std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string::npos) return "";
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

Result<std::string> bearer_token(const Access& access) {
    if (access.token_file.empty()) return access.token;
    std::string token = trimmed(TRY(read_file(access.token_file, kMaxTokenBytes)));
    // It becomes a line of the request's head.
    const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
    if (token.empty() || !std::ranges::all_of(token, printable)) {
        return std::unexpected(invalid_input(access.token_file.native() + ": holds no token"));
    }
    return token;
}

std::string host_and_port(const std::string& server) {
    const std::size_t scheme = server.find("://");
    const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
    return server.substr(begin, server.find('/', begin) - begin);
}

}  // namespace ambient::kubeapi
