# Our own targets, so that a folder's CMakeLists.txt is a list of files and a list of layers.

# With AMBIENT_TOGETHER the sources of a target are compiled as few, but those that are named.
function(ambient_compile_together name)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${AMBIENT_TOGETHER} UNITY_BUILD_BATCH_SIZE 8)
  if(ARGN)
    set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# ambient_library(NAME [SOURCES file...] [ALONE file...] [DEPS target...] [COVERED]): a static library, or
# a header-only one when there are no sources. ALONE: those of the sources that cannot be compiled as one
# with others (AMBIENT_TOGETHER), since both have something of the same name. COVERED: with
# AMBIENT_COVERAGE its lines are counted.
function(ambient_library name)
  cmake_parse_arguments(arg "COVERED" "" "SOURCES;ALONE;DEPS" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC ambient_options ${arg_DEPS})
    ambient_compile_together(${name} ${arg_ALONE})
    if(arg_COVERED AND AMBIENT_COVERAGE)
      target_compile_options(${name} PRIVATE --coverage)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ambient_options ${arg_DEPS})
  endif()
endfunction()

# All test programs of a label, so that a build can make only those.
add_custom_target(unit_tests)
add_custom_target(kernel_tests)

# ambient_test(NAME SOURCES file... [ALONE file...] [DEPS target...] [KERNEL]): a doctest program, run by
# ctest from the repository's root. KERNEL: it writes to the kernel, so it needs root and belongs into a
# namespace of its own; ctest label "kernel" instead of "unit".
function(ambient_test name)
  cmake_parse_arguments(arg "KERNEL" "" "SOURCES;ALONE;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ambient_options ambient_doctest_main ${arg_DEPS})
  ambient_compile_together(${name} ${arg_ALONE})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set(label unit)
  if(arg_KERNEL)
    set(label kernel)
  endif()
  # An emulated machine is ten times slower, and so is a busy one.
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 600)
  add_dependencies(${label}_tests ${name})
endfunction()
