// Several messages in one buffer: libmnl.h's mnl_nlmsg_batch_*.
#include <cerrno>
#include <new>

#include <libmnl/libmnl.h>

// The buffer is the caller's and longer than `limit` by one message: the message that crosses the
// limit is complete, but belongs into the next batch.
struct mnl_nlmsg_batch {
    char* buffer;
    size_t limit;
    size_t used;
};

mnl_nlmsg_batch* mnl_nlmsg_batch_start(void* buffer, size_t limit) {
    auto* batch = new (std::nothrow) mnl_nlmsg_batch{static_cast<char*>(buffer), limit, 0};
    if (batch == nullptr) errno = ENOMEM;
    return batch;
}

void mnl_nlmsg_batch_stop(mnl_nlmsg_batch* batch) { delete batch; }

bool mnl_nlmsg_batch_next(mnl_nlmsg_batch* batch) {
    const auto* message = reinterpret_cast<const nlmsghdr*>(batch->buffer + batch->used);
    if (batch->used + message->nlmsg_len > batch->limit) return false;
    batch->used += message->nlmsg_len;
    return true;
}

size_t mnl_nlmsg_batch_size(mnl_nlmsg_batch* batch) { return batch->used; }

void* mnl_nlmsg_batch_head(mnl_nlmsg_batch* batch) { return batch->buffer; }

void* mnl_nlmsg_batch_current(mnl_nlmsg_batch* batch) { return batch->buffer + batch->used; }

bool mnl_nlmsg_batch_is_empty(mnl_nlmsg_batch* batch) { return batch->used == 0; }
