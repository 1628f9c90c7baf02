#include "node-agent/serve/listener.hpp"

#include <cerrno>
#include <filesystem>
#include <utility>

#include "common/rpc/listener.hpp"
#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

using Clock = std::chrono::steady_clock;

// Without a descriptor to accept with, accepting fails at once, again and again.
constexpr std::chrono::milliseconds kPauseAfterError{200};
constexpr std::chrono::seconds kQuiet{10};
constexpr Backoff::Bounds kRetries = {.first = std::chrono::milliseconds(200),
                                      .most = std::chrono::milliseconds(15'000)};

std::filesystem::path folder_of(const std::string& path) {
    const auto folder = std::filesystem::path(path).parent_path();
    return folder.empty() ? "." : folder;
}

}  // namespace

Listener::Listener(asio::io_context& io, std::string path)
    : path_(std::move(path)),
      socket_(io),
      pause_(io),
      again_(io),
      retries_(kRetries),
      hint_(io, {folder_of(path_)}, [this] { look(); }) {}

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& io, std::string path) {
    std::unique_ptr<Listener> made(new Listener(io, std::move(path)));
    TRY(made->make());
    return made;
}

Result<void> Listener::make() {
    auto socket = TRY(rpc::listen(path_));
    if (::lstat(path_.c_str(), &made_) != 0)
        return std::unexpected(errno_error(errno, "look at socket", path_));
    asio::error_code ignored;
    socket_.close(ignored);  // ends the wait for connections there
    socket_.assign(socket.release());
    pause_.cancel();
    return {};
}

bool Listener::stands() const {
    struct stat found = {};
    return ::lstat(path_.c_str(), &found) == 0 && found.st_dev == made_.st_dev &&
           found.st_ino == made_.st_ino;
}

void Listener::serve(HasRoom has_room, Connected connected, Changed changed) {
    has_room_ = std::move(has_room);
    connected_ = std::move(connected);
    changed_ = std::move(changed);
    accept_next();
    look();
}

void Listener::look() {
    if (const auto followed = hint_.follow(); !followed && !std::exchange(told_of_hint_, true))
        log(LogLevel::warning, "socket only looked at from time to time", followed.error());
    if (stands()) return set_trouble({});
    if (auto made = make(); !made) {
        set_trouble(std::move(made).error());
        again_.expires_after(retries_.next());
        again_.async_wait([this](const asio::error_code& code) {
            if (!code) look();
        });
        return;
    }
    log(LogLevel::info, "socket made again", {{"socket", path_}});
    retries_.reset();
    (void)hint_.follow();  // its folder may be a new one; told above
    accept_next();
    set_trouble({});
}

void Listener::accept_next() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](const asio::error_code& code) {
                           if (code) return;  // closed: another one took its place
                           accept_waiting() ? accept_next() : accept_later();
                       });
}

bool Listener::accept_waiting() {
    while (has_room_()) {
        auto connection = rpc::accept(socket_.native_handle());
        if (connection) {
            connected_(*std::move(connection));
            continue;
        }
        if (connection.error().kind == ErrorKind::unavailable) return true;
        refused(connection.error());
        if (connection.error().errno_value != 0) return false;
    }
    return false;
}

void Listener::accept_later() {
    pause_.expires_after(kPauseAfterError);
    pause_.async_wait([this](const asio::error_code& code) {
        if (!code) accept_next();
    });
}

void Listener::refused(const Error& error) {
    ++unsaid_;
    if (Clock::now() < quiet_until_) return;
    quiet_until_ = Clock::now() + kQuiet;
    log(LogLevel::warning, "connection refused",
        {{"error", describe(error)}, {"times", std::exchange(unsaid_, 0)}});
}

void Listener::set_trouble(std::optional<Error> trouble) {
    if (trouble == trouble_) return;
    trouble_ = std::move(trouble);
    if (trouble_) log(LogLevel::warning, "socket not made again", *trouble_);
    changed_();
}

}  // namespace ambient::agent
