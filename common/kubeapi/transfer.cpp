#include "common/kubeapi/transfer.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/base/read_file.hpp"
#include "common/kubeapi/credentials.hpp"

namespace ambient::kubeapi {
namespace {

constexpr long kConnectMs = 10'000;
// A peer that vanished without a word (its node lost power) is noticed in about a minute.
constexpr long kKeepaliveIdleSeconds = 30;
constexpr long kKeepaliveIntervalSeconds = 10;
constexpr unsigned kUnansweredMs = 60'000;
// The default upload buffer of 64 KiB is for larger bodies than ours.
constexpr long kBufferBytes = 16 * 1024;
constexpr std::size_t kMaxPemBytes = 1 << 20;  // a bundle of all public authorities is 220 KiB

}  // namespace

Transfer::Transfer(Request request, Client::OnData on_data, Client::Done done)
    : request_(std::move(request)),
      on_data_(std::move(on_data)),
      done_(std::move(done)),
      easy_(libcurl()->easy_init()) {}

template <class T>
void Transfer::set(CURLoption option, T value) {
    const CURLcode code = libcurl()->easy_setopt(handle(), option, value);
    if (refused_ == CURLE_OK) refused_ = code;
}

void Transfer::add_header(const std::string& line) {
    headers_.reset(libcurl()->slist_append(headers_.release(), line.c_str()));
}

// As text also what is in a file: libcurl uses a connection again when the options are the same,
// and the name of a file says nothing about what was in it (vtls.c, Curl_ssl_config_matches).
Result<void> Transfer::set_pem(CURLoption option, const Pem& pem) {
    if (pem.empty()) return {};
    std::string text = pem.file.empty() ? pem.text : TRY(read_file(pem.file, kMaxPemBytes));
    curl_blob blob = {.data = text.data(), .len = text.size(), .flags = CURL_BLOB_COPY};
    set(option, &blob);
    return {};
}

void Transfer::describe_request(const Access& access, const std::string& token) {
    std::string url = access.server;
    if (!access.tls_server_name.empty()) {
        // libcurl checks a certificate against the URL's host; the connection goes elsewhere.
        const std::string real = host_and_port(access.server);
        url.replace(url.find(real), real.size(), access.tls_server_name);
        connect_to_.reset(libcurl()->slist_append(nullptr, ("::" + real).c_str()));
        set(CURLOPT_CONNECT_TO, connect_to_.get());
        add_header("Host: " + real);
    }
    set(CURLOPT_URL, (url + request_.path).c_str());
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_USERAGENT, "ambient-node-agent/" AMBIENT_RELEASE " (ambient node)");
    add_header("Accept: " + request_.accept);
    if (!token.empty()) add_header("Authorization: Bearer " + token);
    if (request_.method != "GET") {
        set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
        set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.body.size()));
        set(CURLOPT_POSTFIELDS, request_.body.c_str());
        add_header("Content-Type: " + request_.content_type);
        add_header("Expect:");  // do not wait for a "100 Continue"
    }
    set(CURLOPT_HTTPHEADER, headers_.get());
}

void Transfer::describe_connection(const Access& access, std::chrono::seconds connection_life) {
    set(CURLOPT_PROTOCOLS_STR, access.server.starts_with("http:") ? "http" : "https");
    set(CURLOPT_PROXY, "");  // whatever the environment says: it is meant for other programs
    // A watch is a connection of its own: the end of one ends no other.
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_NOSIGNAL, 1L);
    // A name that does not resolve must not block the loop until the resolver gives up.
    set(CURLOPT_QUICK_EXIT, 1L);
    const auto deadline = static_cast<long>(request_.deadline.count());
    set(CURLOPT_TIMEOUT_MS, deadline);
    set(CURLOPT_CONNECTTIMEOUT_MS, std::min(deadline, kConnectMs));
    set(CURLOPT_MAXLIFETIME_CONN, static_cast<long>(connection_life.count()));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TCP_KEEPIDLE, kKeepaliveIdleSeconds);
    set(CURLOPT_TCP_KEEPINTVL, kKeepaliveIntervalSeconds);
    set(CURLOPT_SOCKOPTFUNCTION, &Transfer::on_socket);
    set(CURLOPT_BUFFERSIZE, kBufferBytes);
    set(CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
}

Result<void> Transfer::describe_tls(const Access& access) {
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, access.insecure_skip_tls_verify ? 0L : 1L);
    set(CURLOPT_SSL_VERIFYHOST, access.insecure_skip_tls_verify ? 0L : 2L);
    set(CURLOPT_CA_CACHE_TIMEOUT, 0L);      // the authority rotates, too
    if (access.insecure_skip_tls_verify) {  // do not read the system's authorities for nothing
        set(CURLOPT_CAINFO, nullptr);
        set(CURLOPT_CAPATH, nullptr);
    }
    set(CURLOPT_KEYPASSWD, "");  // without one OpenSSL asks the terminal
    TRY(set_pem(CURLOPT_CAINFO_BLOB, access.ca));
    TRY(set_pem(CURLOPT_SSLCERT_BLOB, access.client_certificate));
    return set_pem(CURLOPT_SSLKEY_BLOB, access.client_key);
}

Result<void> Transfer::prepare(const Access& access, std::chrono::seconds connection_life) {
    const std::string token = TRY(bearer_token(access));
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_ERRORBUFFER, words_.data());
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_write);
    set(CURLOPT_WRITEDATA, this);
    describe_request(access, token);
    describe_connection(access, connection_life);
    TRY(describe_tls(access));
    if (refused_ != CURLE_OK) return std::unexpected(failure(refused_));
    return {};
}

std::size_t Transfer::on_write(char* data, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::size_t bytes = size * count;
    if (transfer.abandoned_) return CURL_WRITEFUNC_ERROR;
    long status = 0;
    libcurl()->easy_getinfo(transfer.handle(), CURLINFO_RESPONSE_CODE, &status);
    if (transfer.on_data_ && status == 200) {
        transfer.on_data_({data, bytes});
        return bytes;
    }
    std::string& body = transfer.response_.body;
    transfer.too_large_ = bytes > kMaxBodyBytes - body.size();
    if (transfer.too_large_) return CURL_WRITEFUNC_ERROR;
    body.append(data, bytes);
    return bytes;
}

int Transfer::on_socket(void*, curl_socket_t socket, curlsocktype) {
    // Not taken by the kernel: then the keepalive's own count does it, later.
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnansweredMs, sizeof kUnansweredMs);
    return CURL_SOCKOPT_OK;
}

Error Transfer::failure(CURLcode code) const {
    Error error = {.kind = ErrorKind::unavailable,
                   .doing = request_.method,
                   .object = request_.path,
                   .kernel_text = words_[0] ? words_.data() : libcurl()->easy_strerror(code)};
    if (too_large_) {
        error.kind = ErrorKind::invalid_input;
        error.kernel_text = "an answer larger than 1 MiB";
    } else if (refused_ != CURLE_OK) {
        error.kind = ErrorKind::internal;
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        error.errno_value = ETIMEDOUT;
    }
    return error;
}

Result<Response> Transfer::result(CURLcode code) {
    if (code != CURLE_OK) return std::unexpected(failure(code));
    long status = 0;
    libcurl()->easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    curl_off_t retry_after = 0;
    libcurl()->easy_getinfo(handle(), CURLINFO_RETRY_AFTER, &retry_after);
    if (retry_after > 0)
        response_.retry_after = std::min(std::chrono::seconds(retry_after), kLongestRetryAfter);
    return std::move(response_);
}

RequestKind Transfer::kind(const Result<Response>& result) const {
    RequestKind kind = kind_of(request_.method, request_.path);
    if (result) kind.status = result->status;
    return kind;
}

}  // namespace ambient::kubeapi
