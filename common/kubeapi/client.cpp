#include "common/kubeapi/client.hpp"

#include <csignal>
#include <map>
#include <set>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "common/kubeapi/libcurl.hpp"
#include "common/kubeapi/transfer.hpp"

namespace ambient::kubeapi {

// libcurl's multi handle on an Asio loop: libcurl says what to wait for, the loop waits and tells
// it. libcurl may not be called from its own callbacks, so what callers ask for is posted.
class Client::Loop : public std::enable_shared_from_this<Client::Loop> {
  public:
    Loop(asio::io_context& io, Access access, std::chrono::seconds connection_life)
        : io_(io), access_(std::move(access)), connection_life_(connection_life), timer_(io) {}
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() { libcurl()->global_cleanup(); }

    Result<void> open();
    void close();
    Call start(Request request, OnData on_data, Done done);
    [[nodiscard]] const Counters& counters() const { return counters_; }

  private:
    // A socket of libcurl's, which owns the descriptor: watched no longer than libcurl says, since
    // its number may be another socket's right after.
    struct Socket {
        Socket(asio::io_context& io, int fd) : descriptor(io, fd) {}
        Socket(const Socket&) = delete;
        Socket& operator=(const Socket&) = delete;
        ~Socket() { descriptor.release(); }

        asio::posix::stream_descriptor descriptor;
        int wanted = CURL_POLL_NONE;
        bool awaits_read = false;
        bool awaits_write = false;
    };

    static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*);
    static int on_timer(CURLM*, long milliseconds, void* self);

    void await(const std::shared_ptr<Socket>& socket);
    void await(const std::shared_ptr<Socket>& socket, bool Socket::* awaits, bool for_read);
    void ready(const std::weak_ptr<Socket>& weak_socket, bool Socket::* awaits, bool for_read);
    void act(int fd, int events);
    void add(const std::shared_ptr<Transfer>& transfer);
    void remove(const std::shared_ptr<Transfer>& transfer);
    void finish(const std::shared_ptr<Transfer>& transfer, Result<Response> result);

    asio::io_context& io_;
    Access access_;
    std::chrono::seconds connection_life_;
    asio::steady_timer timer_;
    CURLM* multi_ = nullptr;
    std::map<int, std::shared_ptr<Socket>> sockets_;
    std::set<std::shared_ptr<Transfer>> transfers_;  // begun, and not finished
    Counters counters_;
};

Result<void> Client::Loop::open() {
    // OpenSSL writes to a connection that the peer has closed: an error, not our death.
    (void)std::signal(SIGPIPE, SIG_IGN);
    if (libcurl()->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) multi_ = libcurl()->multi_init();
    if (!multi_) {
        return std::unexpected(Error{.doing = "start", .object = "libcurl"});
    }
    libcurl()->multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Loop::on_socket);
    libcurl()->multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    libcurl()->multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Loop::on_timer);
    libcurl()->multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    return {};
}

void Client::Loop::close() {
    for (const auto& transfer : transfers_)
        libcurl()->multi_remove_handle(multi_, transfer->handle());
    transfers_.clear();
    libcurl()->multi_cleanup(multi_);
    multi_ = nullptr;
    sockets_.clear();
    timer_.cancel();
}

int Client::Loop::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto& loop = *static_cast<Loop*>(self);
    if (what == CURL_POLL_REMOVE) {
        loop.sockets_.erase(fd);
        return 0;
    }
    auto& socket = loop.sockets_[fd];
    if (!socket) socket = std::make_shared<Socket>(loop.io_, fd);
    socket->wanted = what;
    loop.await(socket);
    return 0;
}

int Client::Loop::on_timer(CURLM*, long milliseconds, void* self) {
    auto& loop = *static_cast<Loop*>(self);
    if (milliseconds < 0) {
        loop.timer_.cancel();
        return 0;
    }
    loop.timer_.expires_after(std::chrono::milliseconds(milliseconds));
    loop.timer_.async_wait([weak = loop.weak_from_this()](const asio::error_code& code) {
        const auto alive = weak.lock();
        if (alive && !code) alive->act(CURL_SOCKET_TIMEOUT, 0);
    });
    return 0;
}

void Client::Loop::await(const std::shared_ptr<Socket>& socket) {
    if (socket->wanted & CURL_POLL_IN) await(socket, &Socket::awaits_read, true);
    if (socket->wanted & CURL_POLL_OUT) await(socket, &Socket::awaits_write, false);
}

void Client::Loop::await(const std::shared_ptr<Socket>& socket, bool Socket::* awaits,
                         bool for_read) {
    if (std::exchange(*socket.*awaits, true)) return;
    using Descriptor = asio::posix::stream_descriptor;
    socket->descriptor.async_wait(
        for_read ? Descriptor::wait_read : Descriptor::wait_write,
        [weak = weak_from_this(), weak_socket = std::weak_ptr<Socket>(socket), awaits,
         for_read](const asio::error_code& code) {
            const auto alive = weak.lock();
            if (alive && !code) alive->ready(weak_socket, awaits, for_read);
        });
}

void Client::Loop::ready(const std::weak_ptr<Socket>& weak_socket, bool Socket::* awaits,
                         bool for_read) {
    int fd = -1;
    if (const auto socket = weak_socket.lock()) {
        (*socket).*awaits = false;
        // What libcurl wants may have changed while the event was on its way.
        if (!(socket->wanted & (for_read ? CURL_POLL_IN : CURL_POLL_OUT))) return;
        fd = socket->descriptor.native_handle();
    }
    if (fd < 0) return;
    act(fd, for_read ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
    if (const auto socket = weak_socket.lock()) await(socket);
}

void Client::Loop::act(int fd, int events) {
    int running = 0;
    libcurl()->multi_socket_action(multi_, fd, events, &running);
    int left = 0;
    while (const CURLMsg* message = multi_ ? libcurl()->multi_info_read(multi_, &left) : nullptr) {
        const CURLcode code = message->data.result;
        Transfer* pointer = nullptr;
        libcurl()->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
        const auto transfer = pointer->shared_from_this();
        auto result = transfer->result(code);
        remove(transfer);
        finish(transfer, std::move(result));
    }
}

void Client::Loop::add(const std::shared_ptr<Transfer>& transfer) {
    if (transfer->abandoned()) return;
    const auto prepared = transfer->prepare(access_, connection_life_);
    if (prepared) {
        libcurl()->multi_add_handle(multi_, transfer->handle());
        return;
    }
    remove(transfer);
    finish(transfer, std::unexpected(prepared.error()));
}

void Client::Loop::remove(const std::shared_ptr<Transfer>& transfer) {
    libcurl()->multi_remove_handle(multi_, transfer->handle());
    transfers_.erase(transfer);
}

void Client::Loop::finish(const std::shared_ptr<Transfer>& transfer, Result<Response> result) {
    if (transfer->abandoned()) return;
    ++counters_[transfer->kind(result)];
    transfer->take_done()(std::move(result));
}

Call Client::Loop::start(Request request, OnData on_data, Done done) {
    const auto transfer =
        std::make_shared<Transfer>(std::move(request), std::move(on_data), std::move(done));
    transfers_.insert(transfer);
    const auto later = [weak = weak_from_this(), weak_transfer = std::weak_ptr<Transfer>(transfer)](
                           void (Loop::*what)(const std::shared_ptr<Transfer>&)) {
        const auto alive = weak.lock();
        if (!alive) return;
        asio::post(alive->io_, [weak, weak_transfer, what] {
            const auto loop = weak.lock();
            const auto still = weak_transfer.lock();
            if (loop && still) ((*loop).*what)(still);
        });
    };
    later(&Loop::add);
    return Call([later, weak_transfer = std::weak_ptr<Transfer>(transfer)] {
        const auto still = weak_transfer.lock();
        if (!still) return;
        still->abandon();
        later(&Loop::remove);
    });
}

Result<std::unique_ptr<Client>> Client::open(asio::io_context& io, Access access,
                                             std::chrono::seconds connection_life) {
    if (!libcurl()) return std::unexpected(libcurl().error());
    auto loop = std::make_shared<Loop>(io, std::move(access), connection_life);
    TRY(loop->open());
    return std::unique_ptr<Client>(new Client(std::move(loop)));
}

Client::Client(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}

Client::~Client() { loop_->close(); }

Call Client::send(Request request, Done done) {
    return loop_->start(std::move(request), nullptr, std::move(done));
}

Call Client::stream(Request request, OnData on_data, Done done) {
    return loop_->start(std::move(request), std::move(on_data), std::move(done));
}

const Counters& Client::counters() const { return loop_->counters(); }

}  // namespace ambient::kubeapi
