#include "common/base/read_file.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

namespace ambient {
namespace {

TEST_CASE("a file comes back byte for byte, up to the limit") {
    std::string name = (std::filesystem::temp_directory_path() / "ambient-read-XXXXXX").native();
    const int fd = ::mkstemp(name.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    // Longer than what is read at once, and with a NUL in it.
    const std::string text = std::string(200'000, 'x') + '\0' + "end";
    std::ofstream(name, std::ios::binary) << text;
    CHECK(read_file(name, text.size()) == text);

    const auto refused = read_file(name, text.size() - 1);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::invalid_input);
    CHECK(describe(refused.error()) == name + ": larger than 200003 bytes");
    std::filesystem::remove(name);
}

TEST_CASE("what cannot be read") {
    const auto missing = read_file("/no/such/file", 10);
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().kind == ErrorKind::not_found);
    CHECK(describe(missing.error()) == "read file /no/such/file: No such file or directory");
    const auto folder = read_file("/", 10);
    REQUIRE_FALSE(folder.has_value());
    CHECK(folder.error().kind == ErrorKind::io);
    CHECK(describe(folder.error()) == "read file /: Is a directory");
}

}  // namespace
}  // namespace ambient
