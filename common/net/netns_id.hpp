// What the kernel takes for the same network namespace.
#pragma once

#include <sys/types.h>

#include <compare>

namespace ambient {

// The nsfs inode (ioctl_ns(2), st_dev and st_ino). A path may lead to another namespace later; an
// inode is given again only when nothing holds the namespace any more.
struct NetnsId {
    dev_t device = 0;
    ino_t inode = 0;

    auto operator<=>(const NetnsId&) const = default;
};

}  // namespace ambient
