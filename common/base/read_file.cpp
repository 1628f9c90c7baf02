#include "common/base/read_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/base/unique_fd.hpp"

namespace ambient {

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
    const auto failed = [&](int errno_value) {
        Error error = errno_error(errno_value, "read file", path.native());
        if (error.kind == ErrorKind::kernel) error.kind = ErrorKind::io;
        return std::unexpected(std::move(error));
    };
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return failed(errno);
    std::string text;
    constexpr std::size_t kChunk = 64 * 1024;
    while (true) {
        const std::size_t size = text.size();
        text.resize(size + kChunk);
        const ssize_t got = ::read(fd.get(), text.data() + size, kChunk);
        if (got < 0 && errno != EINTR) return failed(errno);
        text.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
        if (text.size() > max_bytes) {
            return std::unexpected(invalid_input(path.native() + ": larger than " +
                                                 std::to_string(max_bytes) + " bytes"));
        }
        if (got == 0) return text;
    }
}

}  // namespace ambient
