#include "common/kubeapi/libcurl.hpp"

#include <dlfcn.h>

#include <string>

namespace ambient::kubeapi {
namespace {

// Its interface is the same for all programs since 2006 (curl.se/libcurl/abi.html).
constexpr const char* kLibrary = "libcurl.so.4";

Error not_loaded() {
    const char* why = ::dlerror();
    return {.kind = ErrorKind::not_found,
            .doing = "load",
            .object = kLibrary,
            .kernel_text = std::string(why ? why : "") + "; install Debian's libcurl4"};
}

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

Result<LibCurl> load() {
    void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
    LibCurl curl;
    const bool complete = library && find(library, "curl_global_init", curl.global_init) &&
                          find(library, "curl_global_cleanup", curl.global_cleanup) &&
                          find(library, "curl_easy_init", curl.easy_init) &&
                          find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
                          find(library, "curl_easy_setopt", curl.easy_setopt) &&
                          find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
                          find(library, "curl_easy_strerror", curl.easy_strerror) &&
                          find(library, "curl_multi_init", curl.multi_init) &&
                          find(library, "curl_multi_cleanup", curl.multi_cleanup) &&
                          find(library, "curl_multi_setopt", curl.multi_setopt) &&
                          find(library, "curl_multi_add_handle", curl.multi_add_handle) &&
                          find(library, "curl_multi_remove_handle", curl.multi_remove_handle) &&
                          find(library, "curl_multi_socket_action", curl.multi_socket_action) &&
                          find(library, "curl_multi_info_read", curl.multi_info_read) &&
                          find(library, "curl_slist_append", curl.slist_append) &&
                          find(library, "curl_slist_free_all", curl.slist_free_all);
    if (!complete) return std::unexpected(not_loaded());
    return curl;
}

}  // namespace

const Result<LibCurl>& libcurl() {
    static const auto kLoaded = load();
    return kLoaded;
}

}  // namespace ambient::kubeapi
