// Debian's own libmnl.so, opened beside ours: the tests make the same call on both.
#pragma once

#include <libmnl/libmnl.h>

namespace ambient::test {

void* shared_libmnl_symbol(const char* name);

// SHARED(mnl_attr_put): the shared library's function of that name, with the header's type.
#define SHARED(function) \
    (reinterpret_cast<decltype(&(function))>(ambient::test::shared_libmnl_symbol(#function)))

}  // namespace ambient::test
