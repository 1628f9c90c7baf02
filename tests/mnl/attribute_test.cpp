#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/mnl/shared_libmnl.hpp"

namespace {

struct Buffer {
    alignas(8) std::array<char, 512> bytes;
    nlmsghdr* message;

    explicit Buffer(decltype(&mnl_nlmsg_put_header) put_header, char fill = 0) : bytes() {
        bytes.fill(fill);
        message = put_header(bytes.data());
    }

    std::string text() const { return {bytes.data(), message->nlmsg_len}; }
};

using Seen = std::vector<std::pair<uint16_t, std::string>>;

int remember(const nlattr* attribute, void* data) {
    auto* seen = static_cast<Seen*>(data);
    seen->emplace_back(mnl_attr_get_type(attribute),
                       std::string(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                                   mnl_attr_get_payload_len(attribute)));
    return mnl_attr_get_type(attribute) == 99 ? MNL_CB_STOP : MNL_CB_OK;
}

// One attribute with this payload, alone in a message.
Buffer message_with(const std::string& payload) {
    Buffer buffer(mnl_nlmsg_put_header);
    mnl_attr_put(buffer.message, 1, payload.size(), payload.data());
    return buffer;
}

const nlattr* first_attribute(const Buffer& buffer) {
    return static_cast<const nlattr*>(mnl_nlmsg_get_payload(buffer.message));
}

}  // namespace

TEST_CASE("attributes are written byte by byte as the shared library writes them") {
    // Padding is zeroed here, which libmnl leaves to the caller: so only ours starts dirty.
    Buffer ours(mnl_nlmsg_put_header, 0x5a);
    Buffer theirs(SHARED(mnl_nlmsg_put_header));
#define ON_BOTH(function, ...)                         \
    function(ours.message __VA_OPT__(, ) __VA_ARGS__); \
    SHARED(function)(theirs.message __VA_OPT__(, ) __VA_ARGS__)

    ON_BOTH(mnl_nlmsg_put_extra_header, 5);
    ON_BOTH(mnl_attr_put_u8, 1, 0x11);
    ON_BOTH(mnl_attr_put_u16, 2, 0x2233);
    ON_BOTH(mnl_attr_put_u32, 3, 0x44556677);
    ON_BOTH(mnl_attr_put_u64, 4, 0x8899aabbccddeeffULL);
    ON_BOTH(mnl_attr_put_str, 5, "geneve");
    ON_BOTH(mnl_attr_put_strz, 6, "istioin");
    ON_BOTH(mnl_attr_put, 7, 0, nullptr);
    nlattr* our_nest = mnl_attr_nest_start(ours.message, 8);
    nlattr* their_nest = SHARED(mnl_attr_nest_start)(theirs.message, 8);
    ON_BOTH(mnl_attr_put, 9, 3, "abc");
    mnl_attr_nest_end(ours.message, our_nest);
    SHARED(mnl_attr_nest_end)(theirs.message, their_nest);
#undef ON_BOTH

    CHECK(ours.message->nlmsg_len == theirs.message->nlmsg_len);
    CHECK(ours.text() == theirs.text());
}

TEST_CASE("attributes are read back, nested ones too, until the callback says stop") {
    Buffer buffer(mnl_nlmsg_put_header);
    mnl_nlmsg_put_extra_header(buffer.message, 4);
    mnl_attr_put_u32(buffer.message, 3, 7);
    nlattr* nest = mnl_attr_nest_start(buffer.message, 8);
    mnl_attr_put_strz(buffer.message, 9, "in");
    mnl_attr_nest_end(buffer.message, nest);
    mnl_attr_put_u8(buffer.message, 99, 1);
    mnl_attr_put_u8(buffer.message, 100, 1);

    Seen ours;
    Seen theirs;
    CHECK(mnl_attr_parse(buffer.message, 4, remember, &ours) == MNL_CB_STOP);
    CHECK(SHARED(mnl_attr_parse)(buffer.message, 4, remember, &theirs) == MNL_CB_STOP);
    CHECK(ours.size() == 3);
    CHECK(ours == theirs);

    Seen inner;
    CHECK(mnl_attr_parse_nested(nest, remember, &inner) == MNL_CB_OK);
    CHECK(inner == Seen{{9, std::string("in\0", 3)}});
}

TEST_CASE("numbers come back, from payloads that are not aligned for them") {
    Buffer buffer(mnl_nlmsg_put_header);
    mnl_attr_put_u64(buffer.message, 1, 0x0102030405060708ULL);
    const nlattr* attribute = first_attribute(buffer);
    CHECK(mnl_attr_get_u64(attribute) == 0x0102030405060708ULL);
    CHECK(mnl_attr_get_u32(attribute) == 0x05060708U);
    CHECK(mnl_attr_get_u16(attribute) == 0x0708U);
    CHECK(mnl_attr_get_u8(attribute) == 0x08U);
    CHECK(std::strcmp(mnl_attr_get_str(first_attribute(message_with(std::string("eth0\0", 5)))),
                      "eth0") == 0);
}

TEST_CASE("validation has the shared library's verdict for every type and length") {
    for (int type = MNL_TYPE_UNSPEC; type <= MNL_TYPE_MAX; ++type) {
        for (size_t length = 0; length <= 9; ++length) {
            for (const char fill : {'x', '\0'}) {
                CAPTURE(type);
                CAPTURE(length);
                const Buffer buffer = message_with(std::string(length, fill));
                const nlattr* attribute = first_attribute(buffer);
                const auto data_type = static_cast<mnl_attr_data_type>(type);
                errno = 0;
                const int ours = mnl_attr_validate(attribute, data_type);
                const int our_errno = std::exchange(errno, 0);
                CHECK(ours == SHARED(mnl_attr_validate)(attribute, data_type));
                CHECK(our_errno == errno);
            }
        }
    }
}

TEST_CASE("an attribute that does not fit is refused") {
    const Buffer buffer = message_with("12345678");
    auto* attribute = const_cast<nlattr*>(first_attribute(buffer));
    CHECK(mnl_attr_ok(attribute, 12));
    CHECK_FALSE(mnl_attr_ok(attribute, 11));
    CHECK_FALSE(mnl_attr_ok(attribute, 3));
    CHECK_FALSE(mnl_attr_ok(attribute, -4));
    attribute->nla_len = 3;  // shorter than its own header
    CHECK_FALSE(mnl_attr_ok(attribute, 12));
}

TEST_CASE("a type above the maximum is unknown") {
    const Buffer buffer = message_with("");
    errno = 0;
    CHECK(mnl_attr_type_valid(first_attribute(buffer), 1) == 1);
    CHECK(mnl_attr_type_valid(first_attribute(buffer), 0) == -1);
    CHECK(errno == EOPNOTSUPP);
}
