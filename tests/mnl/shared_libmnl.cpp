#include "tests/mnl/shared_libmnl.hpp"

#include <dlfcn.h>

#include <doctest/doctest.h>

namespace ambient::test {

void* shared_libmnl_symbol(const char* name) {
    // Our functions are not exported from this program, so the library's calls to itself stay
    // inside it.
    static void* const kLibrary = dlopen("libmnl.so.0", RTLD_NOW | RTLD_LOCAL);
    REQUIRE_MESSAGE(kLibrary != nullptr, dlerror());
    void* symbol = dlsym(kLibrary, name);
    REQUIRE_MESSAGE(symbol != nullptr, name);
    return symbol;
}

}  // namespace ambient::test
