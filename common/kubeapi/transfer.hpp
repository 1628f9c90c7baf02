// One HTTP request as a libcurl handle. Internal to common/kubeapi.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "common/kubeapi/client.hpp"
#include "common/kubeapi/libcurl.hpp"

namespace ambient::kubeapi {

struct FreeEasy {
    void operator()(CURL* handle) const { libcurl()->easy_cleanup(handle); }
};
struct FreeList {
    void operator()(curl_slist* list) const { libcurl()->slist_free_all(list); }
};

// Stays where it is made: its handle points to it.
class Transfer : public std::enable_shared_from_this<Transfer> {
  public:
    // Without `on_data` the body is part of the response.
    Transfer(Request request, Client::OnData on_data, Client::Done done);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    // Errors: internal (libcurl refuses an option), and those of reading token and certificates.
    Result<void> prepare(const Access& access, std::chrono::seconds connection_life);

    [[nodiscard]] CURL* handle() const { return easy_.get(); }
    // Nobody wants the answer any more. What the callbacks hold stays until the end: this may be
    // called by one of them.
    void abandon() { abandoned_ = true; }
    [[nodiscard]] bool abandoned() const { return abandoned_; }
    // What libcurl reported at the end.
    Result<Response> result(CURLcode code);
    [[nodiscard]] RequestKind kind(const Result<Response>& result) const;
    // The caller's callback, to be called once.
    Client::Done take_done() { return std::move(done_); }

  private:
    static std::size_t on_write(char* data, std::size_t size, std::size_t count, void* self);
    static int on_socket(void* self, curl_socket_t socket, curlsocktype purpose);

    void describe_request(const Access& access, const std::string& token);
    void describe_connection(const Access& access, std::chrono::seconds connection_life);
    Result<void> describe_tls(const Access& access);
    void add_header(const std::string& line);
    template <class T>
    void set(CURLoption option, T value);
    Result<void> set_pem(CURLoption option, const Pem& pem);
    [[nodiscard]] Error failure(CURLcode code) const;

    Request request_;
    Client::OnData on_data_;
    Client::Done done_;
    Response response_;
    bool abandoned_ = false;
    bool too_large_ = false;
    CURLcode refused_ = CURLE_OK;  // the first option that libcurl did not take
    std::array<char, CURL_ERROR_SIZE> words_ = {};
    std::unique_ptr<curl_slist, FreeList> headers_;
    std::unique_ptr<curl_slist, FreeList> connect_to_;
    std::unique_ptr<CURL, FreeEasy> easy_;
};

}  // namespace ambient::kubeapi
