#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/mnl/shared_libmnl.hpp"

namespace {

constexpr unsigned kSequence = 7;
constexpr unsigned kPort = 4242;

nlmsghdr header(uint16_t type, uint16_t flags = 0) {
    nlmsghdr message{};
    message.nlmsg_len = sizeof(message);
    message.nlmsg_type = type;
    message.nlmsg_flags = flags;
    message.nlmsg_seq = kSequence;
    message.nlmsg_pid = kPort;
    return message;
}

std::string bytes_of(const nlmsghdr& message) {
    return {reinterpret_cast<const char*>(&message), sizeof(message)};
}

std::string error_message(int error) {
    struct {
        nlmsghdr message;
        nlmsgerr report;
    } whole{header(NLMSG_ERROR), {}};
    whole.message.nlmsg_len = sizeof(whole);
    whole.report.error = error;
    return {reinterpret_cast<const char*>(&whole), sizeof(whole)};
}

int count(const nlmsghdr*, void* data) {
    ++*static_cast<int*>(data);
    return MNL_CB_OK;
}

struct Outcome {
    int result;
    int error;
    int messages;
    bool operator==(const Outcome&) const = default;
};

Outcome run(decltype(&mnl_cb_run) cb_run, const std::string& buffer) {
    alignas(8) std::array<char, 512> aligned{};
    std::memcpy(aligned.data(), buffer.data(), buffer.size());
    Outcome outcome{};
    errno = 0;
    outcome.result =
        cb_run(aligned.data(), buffer.size(), kSequence, kPort, count, &outcome.messages);
    outcome.error = errno;
    return outcome;
}

}  // namespace

TEST_CASE("a received buffer is walked as the shared library walks it") {
    nlmsghdr other_port = header(20);
    other_port.nlmsg_pid = kPort + 1;
    nlmsghdr other_sequence = header(20);
    other_sequence.nlmsg_seq = kSequence + 1;
    nlmsghdr notification = header(20);
    notification.nlmsg_pid = 0;
    notification.nlmsg_seq = 0;
    nlmsghdr too_long = header(20);
    too_long.nlmsg_len = 400;
    const std::string data = bytes_of(header(20));
    const std::string done = bytes_of(header(NLMSG_DONE));

    struct Case {
        const char* name;
        std::string buffer;
        Outcome expected;
    };
    const std::vector<Case> cases{
        {"nothing", "", {MNL_CB_OK, 0, 0}},
        {"two messages and the end", data + data + done + data, {MNL_CB_STOP, 0, 2}},
        {"no-op first", bytes_of(header(NLMSG_NOOP)) + data, {MNL_CB_OK, 0, 1}},
        {"ack", error_message(0), {MNL_CB_STOP, 0, 0}},
        {"refused", error_message(-ENETUNREACH), {MNL_CB_ERROR, ENETUNREACH, 0}},
        {"refused, positive errno", error_message(EPERM), {MNL_CB_ERROR, EPERM, 0}},
        {"short error", bytes_of(header(NLMSG_ERROR)), {MNL_CB_ERROR, EBADMSG, 0}},
        {"interrupted dump", data + bytes_of(header(20, NLM_F_DUMP_INTR)), {-1, EINTR, 1}},
        {"another's port", bytes_of(other_port), {MNL_CB_ERROR, ESRCH, 0}},
        {"another's sequence", bytes_of(other_sequence), {MNL_CB_ERROR, EPROTO, 0}},
        {"notification", bytes_of(notification), {MNL_CB_OK, 0, 1}},
        {"cut off", bytes_of(too_long), {MNL_CB_OK, 0, 0}},
    };
    for (const Case& one : cases) {
        CAPTURE(one.name);
        CHECK(run(mnl_cb_run, one.buffer) == one.expected);
        CHECK(run(SHARED(mnl_cb_run), one.buffer) == one.expected);
    }
}

TEST_CASE("a batch ends at its limit, before the message that crosses it") {
    const auto fill = [](auto start, auto next, auto current, auto size, auto stop) {
        alignas(8) std::array<char, 256> buffer{};
        mnl_nlmsg_batch* batch = start(buffer.data(), 50);
        std::vector<size_t> sizes;
        bool more = true;
        while (more) {
            mnl_nlmsg_put_header(current(batch));
            more = next(batch);
            sizes.push_back(size(batch));
        }
        stop(batch);
        return sizes;
    };
    const auto ours = fill(mnl_nlmsg_batch_start, mnl_nlmsg_batch_next, mnl_nlmsg_batch_current,
                           mnl_nlmsg_batch_size, mnl_nlmsg_batch_stop);
    CHECK(ours == std::vector<size_t>{16, 32, 48, 48});
    CHECK(ours == fill(SHARED(mnl_nlmsg_batch_start), SHARED(mnl_nlmsg_batch_next),
                       SHARED(mnl_nlmsg_batch_current), SHARED(mnl_nlmsg_batch_size),
                       SHARED(mnl_nlmsg_batch_stop)));
}

TEST_CASE("a batch without a message is empty") {
    std::array<char, 64> buffer{};
    mnl_nlmsg_batch* batch = mnl_nlmsg_batch_start(buffer.data(), 32);
    CHECK(mnl_nlmsg_batch_is_empty(batch));
    CHECK(mnl_nlmsg_batch_head(batch) == buffer.data());
    mnl_nlmsg_put_header(mnl_nlmsg_batch_current(batch));
    CHECK(mnl_nlmsg_batch_next(batch));
    CHECK_FALSE(mnl_nlmsg_batch_is_empty(batch));
    mnl_nlmsg_batch_stop(batch);
}

TEST_CASE("a socket talks to the kernel: a dump of the links has lo in it") {
    mnl_socket* socket = mnl_socket_open(NETLINK_ROUTE);
    REQUIRE(socket != nullptr);
    REQUIRE(mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0);
    CHECK(mnl_socket_get_portid(socket) != 0);

    alignas(8) std::array<char, 32768> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_GETLINK;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = kSequence;
    mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));
    REQUIRE(mnl_socket_sendto(socket, request, request->nlmsg_len) == request->nlmsg_len);

    int links = 0;
    int result = MNL_CB_OK;
    while (result > MNL_CB_STOP) {
        const ssize_t size = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
        REQUIRE(size > 0);
        result = mnl_cb_run(buffer.data(), static_cast<size_t>(size), kSequence,
                            mnl_socket_get_portid(socket), count, &links);
    }
    CHECK(result == MNL_CB_STOP);
    CHECK(links >= 1);
    CHECK(mnl_socket_close(socket) == 0);
}
