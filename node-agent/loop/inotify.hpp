// What inotify(7) has to tell, event by event.
#pragma once

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace ambient::agent {

// Hands every event that is there to `take(event, name)`; the name is empty when the event has
// none. `fd` is a descriptor of inotify's that does not block.
template <class Take>
void drain_inotify(int fd, Take take) {
    alignas(inotify_event) std::array<char, 16 * 1024> buffer;
    while (true) {
        const ssize_t size = ::read(fd, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return;
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const std::string name = event.len > 0 ? buffer.data() + at + sizeof event : "";
            at += sizeof event + event.len;
            take(event, name);
        }
    }
}

}  // namespace ambient::agent
