# How everything is compiled: one interface target that all others link.

option(SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(FUZZ "Build the fuzz targets (needs clang)" OFF)
option(COVERAGE "Count what the tests reach" OFF)
option(WERROR "Treat warnings as errors" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g") # NDEBUG is not set: asserts stay
set(CMAKE_C_FLAGS_DEBUG "-Og -g")

add_library(whilst_settings INTERFACE)
target_compile_options(whilst_settings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wformat -Werror=format-security $<$<BOOL:${WERROR}>:-Werror>)

if(SANITIZE)
    set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=undefined
        -fno-omit-frame-pointer)
    target_compile_options(whilst_settings INTERFACE ${sanitizers})
    target_link_options(whilst_settings INTERFACE ${sanitizers})
elseif(COVERAGE)
    target_compile_options(whilst_settings INTERFACE --coverage)
    target_link_options(whilst_settings INTERFACE --coverage)
elseif(NOT FUZZ)
    target_compile_options(whilst_settings INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
        -fcf-protection=full -ftrivial-auto-var-init=zero)
    target_link_options(whilst_settings INTERFACE
        -Wl,-z,relro,-z,now,-z,noexecstack $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)
endif()

if(FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
        message(FATAL_ERROR "Fuzzing needs clang: apt-get install clang libclang-rt-14-dev, then use the preset fuzz")
    endif()
    set(fuzzers -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
    target_compile_options(whilst_settings INTERFACE ${fuzzers})
    target_link_options(whilst_settings INTERFACE ${fuzzers})
endif()
