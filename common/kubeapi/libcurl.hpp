// libcurl, loaded by the first client: with the thirty libraries that it brings it is 5.7 MiB of
// resident memory, and an agent that reads files needs none of it. Internal to common/kubeapi.
#pragma once

#include <curl/curl.h>

#include "common/base/error.hpp"

namespace ambient::kubeapi {

// Its functions, without the "curl_" of their names.
struct LibCurl {
    decltype(&curl_global_init) global_init = nullptr;
    decltype(&curl_global_cleanup) global_cleanup = nullptr;
    decltype(&curl_easy_init) easy_init = nullptr;
    decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
    decltype(&curl_easy_setopt) easy_setopt = nullptr;
    decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
    decltype(&curl_easy_strerror) easy_strerror = nullptr;
    decltype(&curl_multi_init) multi_init = nullptr;
    decltype(&curl_multi_cleanup) multi_cleanup = nullptr;
    decltype(&curl_multi_setopt) multi_setopt = nullptr;
    decltype(&curl_multi_add_handle) multi_add_handle = nullptr;
    decltype(&curl_multi_remove_handle) multi_remove_handle = nullptr;
    decltype(&curl_multi_socket_action) multi_socket_action = nullptr;
    decltype(&curl_multi_info_read) multi_info_read = nullptr;
    decltype(&curl_slist_append) slist_append = nullptr;
    decltype(&curl_slist_free_all) slist_free_all = nullptr;
};

// Loads it when it is called first; it stays. Error: not_found, with what to install.
const Result<LibCurl>& libcurl();

}  // namespace ambient::kubeapi
