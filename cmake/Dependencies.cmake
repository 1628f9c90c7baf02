# Everything that is not ours, as deps::* targets. All of it comes from Debian packages.
# The plugin is one static binary, so what it links (deps::fmt, deps::netlink) is static here, and
# the agent links the same archives: one set of code for both programs.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
include(StaticFmt)

function(ambient_dependency name)  # ambient_dependency(NAME TARGET...)
  add_library(deps_${name} INTERFACE)
  target_link_libraries(deps_${name} INTERFACE ${ARGN})
  add_library(deps::${name} ALIAS deps_${name})
endfunction()

function(ambient_archive out file)
  find_library(${out} ${file} REQUIRED)
  set(${out} ${${out}} PARENT_SCOPE)
endfunction()

ambient_archive(LIBNL_ROUTE libnl-route-3.a)
ambient_archive(LIBNL libnl-3.a)
ambient_archive(LIBNFTNL libnftnl.a)
find_path(LIBNL_INCLUDE netlink/netlink.h PATH_SUFFIXES libnl3 REQUIRED)
# ambient_mnl: common/mnl, since Debian has no libmnl.a
ambient_dependency(netlink
  ${LIBNL_ROUTE} ${LIBNL} ${LIBNFTNL} ambient_mnl Threads::Threads m)
target_include_directories(deps_netlink SYSTEM INTERFACE ${LIBNL_INCLUDE})

ambient_dependency(fmt fmt_static)

find_package(nlohmann_json REQUIRED)
ambient_dependency(json nlohmann_json::nlohmann_json)

ambient_archive(YAML_CPP libyaml-cpp.a)
ambient_dependency(yaml ${YAML_CPP})

find_package(CLI11 REQUIRED)
ambient_dependency(cli11 CLI11::CLI11)

# Header-only use of spdlog, on the fmt above: Debian's compiled one brings its own shared fmt.
ambient_dependency(spdlog fmt_static Threads::Threads)
target_compile_definitions(deps_spdlog INTERFACE SPDLOG_FMT_EXTERNAL)

find_path(ASIO_INCLUDE asio.hpp REQUIRED)
ambient_dependency(asio Threads::Threads)
target_compile_definitions(deps_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)

# Boost.JSON's push parser is a header; its archive has the error categories.
ambient_archive(BOOST_JSON libboost_json.a)
ambient_dependency(boost_json ${BOOST_JSON})

# Only its headers: common/kubeapi loads it.
find_path(CURL_INCLUDE curl/curl.h REQUIRED)
ambient_dependency(curl ${CMAKE_DL_LIBS})
# Only its core: the values and their text format. (Its CMake package asks for a web server, too.)
find_library(PROMETHEUS_CORE prometheus-cpp-core REQUIRED)
find_path(PROMETHEUS_INCLUDE prometheus/text_serializer.h REQUIRED)
ambient_dependency(prometheus ${PROMETHEUS_CORE})

find_package(doctest REQUIRED)
ambient_dependency(doctest doctest::doctest)

find_package(benchmark REQUIRED)
ambient_dependency(benchmark benchmark::benchmark)
