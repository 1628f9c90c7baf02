// A handle to one network namespace. It and its copies, which share one descriptor, keep the
// namespace alive, wherever the path that led to it goes. Threading: immutable once made; may be
// used from any thread.
#pragma once

#include <memory>
#include <string>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"
#include "common/net/netns_id.hpp"

namespace ambient {

class Netns {
  public:
    // Any path that is a network namespace: /run/netns/x, /proc/1/ns/net. Errors: not_found;
    // invalid_input when something else is there.
    static Result<Netns> open(const std::string& path);
    // `name` is for error texts only.
    static Result<Netns> adopt(UniqueFd fd, std::string name);
    // The calling thread's.
    static Result<Netns> current();
    static Result<NetnsId> current_id();

    [[nodiscard]] int fd() const { return fd_->get(); }
    [[nodiscard]] const NetnsId& id() const { return id_; }
    // For people: the path it was opened by.
    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    static Result<Netns> identified(UniqueFd fd, std::string name);
    Netns(UniqueFd fd, NetnsId id, std::string name)
        : fd_(std::make_shared<const UniqueFd>(std::move(fd))), id_(id), name_(std::move(name)) {}

    std::shared_ptr<const UniqueFd> fd_;
    NetnsId id_;
    std::string name_;
};

}  // namespace ambient
