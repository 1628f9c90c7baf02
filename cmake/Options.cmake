# How our own code is compiled: one interface target, linked by every target of ours.
option(AMBIENT_WERROR "Warnings are errors" OFF)
option(AMBIENT_SANITIZE "Address and undefined-behaviour sanitizers" OFF)
option(AMBIENT_TOGETHER "Compile the files of a library as few: most of the time goes into headers" OFF)
option(AMBIENT_COVERAGE "Record line coverage (gcov) of the libraries that are COVERED" OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
# Asserts stay in: these programs run for months and are not bound by them.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON)  # TRY() is a statement expression

add_library(ambient_options INTERFACE)
target_include_directories(ambient_options INTERFACE ${CMAKE_SOURCE_DIR})
# -Wextra's missing-field-initializers counts designated initialisers too, whose point is to leave
# the rest at its default.
target_compile_options(ambient_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wno-sign-conversion -Wno-missing-field-initializers
  -ffunction-sections -fdata-sections
  # C++20 counts the same there; and what libstdc++'s headers do is not ours.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-designated-field-initializers;-Wno-deprecated-declarations>
  $<$<BOOL:${AMBIENT_WERROR}>:-Werror>)
target_link_options(ambient_options INTERFACE -Wl,--gc-sections)

if(AMBIENT_SANITIZE)
  # -O0 -g1: compiling costs more than running the tests does; traces keep file and line.
  set(flags -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(ambient_options INTERFACE ${flags} -O0 -g1)
  target_link_options(ambient_options INTERFACE ${flags})
endif()
if(AMBIENT_COVERAGE)
  target_link_options(ambient_options INTERFACE --coverage)
endif()
