// Walking a received buffer: libmnl.h's mnl_cb_run.
#include <cerrno>
#include <cstdlib>

#include <libmnl/libmnl.h>

namespace {

int fail(int error) {
    errno = error;
    return MNL_CB_ERROR;
}

int on_error(const nlmsghdr* message) {
    if (message->nlmsg_len < mnl_nlmsg_size(sizeof(nlmsgerr))) return fail(EBADMSG);
    const auto* report = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
    errno = std::abs(report->error);  // either sign has been seen
    return report->error == 0 ? MNL_CB_STOP : MNL_CB_ERROR;
}

int on_control(const nlmsghdr* message) {
    switch (message->nlmsg_type) {
        case NLMSG_ERROR: return on_error(message);
        case NLMSG_DONE: return MNL_CB_STOP;
        default: return MNL_CB_OK;
    }
}

}  // namespace

int mnl_cb_run(const void* buffer, size_t size, unsigned int sequence, unsigned int portid,
               mnl_cb_t callback, void* data) {
    int result = MNL_CB_OK;
    auto length = static_cast<int>(size);
    for (const auto* message = static_cast<const nlmsghdr*>(buffer); mnl_nlmsg_ok(message, length);
         message = mnl_nlmsg_next(message, &length)) {
        if (!mnl_nlmsg_portid_ok(message, portid)) return fail(ESRCH);
        if (!mnl_nlmsg_seq_ok(message, sequence)) return fail(EPROTO);
        if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) return fail(EINTR);

        if (message->nlmsg_type < NLMSG_MIN_TYPE) {
            result = on_control(message);
        } else if (callback != nullptr) {
            result = callback(message, data);
        }
        if (result <= MNL_CB_STOP) break;
    }
    return result;
}
