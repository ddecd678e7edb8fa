# Everything that is linked, each as a target dep::<name>. What is missing is named together
# with the one command that brings it.

set(missing)
set(dependency_packages
    "websockets libwebsockets libwebsockets-dev"
    "uv libuv libuv1-dev"
    "jansson jansson libjansson-dev"
    "crypto libcrypto libssl-dev"
    "ssl libssl libssl-dev"
    "qrencode libqrencode libqrencode-dev"
    "ini inih libinih-dev")

find_program(PKG_CONFIG_EXECUTABLE pkg-config)
if(NOT PKG_CONFIG_EXECUTABLE)
    message(FATAL_ERROR "pkg-config is missing: apt-get install pkg-config")
endif()
find_package(PkgConfig REQUIRED)

foreach(row IN LISTS dependency_packages)
    separate_arguments(row)
    list(GET row 0 name)
    list(GET row 1 module)
    list(GET row 2 package)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
    if(TARGET PkgConfig::${name})
        add_library(dep::${name} ALIAS PkgConfig::${name})
    else()
        list(APPEND missing ${package})
    endif()
endforeach()

find_file(evlib_uv libwebsockets-evlib_uv.so
    PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} /usr/lib/x86_64-linux-gnu)
if(NOT evlib_uv)
    list(APPEND missing libwebsockets-evlib-uv)
endif()

find_program(NODE_EXECUTABLE node)
if(NOT NODE_EXECUTABLE)
    list(APPEND missing nodejs npm)
elseif(NOT EXISTS ${CMAKE_SOURCE_DIR}/node_modules/esbuild)
    message(FATAL_ERROR "The front end's build tools are missing: npm ci")
endif()

if(missing)
    list(JOIN missing " " missing)
    message(FATAL_ERROR "Missing: apt-get install ${missing}")
endif()
