# Debian's libfmt-dev has headers and a shared library, but no archive. fmt's own library is its
# headers plus explicit instantiations in one file; cmake/fmt_static.cpp is that file.
find_path(FMT_INCLUDE fmt/format-inl.h REQUIRED)
add_library(fmt_static STATIC ${CMAKE_CURRENT_LIST_DIR}/fmt_static.cpp)
target_include_directories(fmt_static SYSTEM PUBLIC ${FMT_INCLUDE})
