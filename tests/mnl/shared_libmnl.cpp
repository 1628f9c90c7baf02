#include "tests/mnl/shared_libmnl.hpp"

#include <dlfcn.h>

#include <doctest/doctest.h>

namespace ambient::test {

void* shared_libmnl_symbol(const char* name) {
    // RTLD_DEEPBIND is not needed: libmnl's calls to itself are bound inside the library (its
    // functions are protected by the linker's version script), and ours are not exported.
    static void* const kLibrary = dlopen("libmnl.so.0", RTLD_NOW | RTLD_LOCAL);
    REQUIRE_MESSAGE(kLibrary != nullptr, dlerror());
    void* symbol = dlsym(kLibrary, name);
    REQUIRE_MESSAGE(symbol != nullptr, name);
    return symbol;
}

}  // namespace ambient::test
