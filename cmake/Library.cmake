# libwhilst, shared and static: the client for other programs. Only whilst_* can be seen from
# outside: in the shared library by its version script, in the static one because all of it is
# one object whose other names have been made local.

math(EXPR version_number
    "${PROJECT_VERSION_MAJOR} * 10000 + ${PROJECT_VERSION_MINOR} * 100 + ${PROJECT_VERSION_PATCH}")

add_library(whilst_library OBJECT src/library/whilst.c)
target_compile_definitions(whilst_library PRIVATE
    VERSION="${PROJECT_VERSION}" VERSION_NUMBER=${version_number} _GNU_SOURCE) # uv.h
target_link_libraries(whilst_library PRIVATE whilst_client)

set(version_script ${CMAKE_SOURCE_DIR}/src/library/whilst.map)
add_library(whilst_shared SHARED $<TARGET_OBJECTS:whilst_library>)
set_target_properties(whilst_shared PROPERTIES OUTPUT_NAME whilst LINKER_LANGUAGE C
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${version_script})
target_link_libraries(whilst_shared PRIVATE whilst_client)
target_link_options(whilst_shared PRIVATE -Wl,--as-needed -Wl,--version-script=${version_script})

set(static_library ${CMAKE_BINARY_DIR}/libwhilst.a)
set(one_object ${CMAKE_BINARY_DIR}/libwhilst.o)
add_custom_command(
    OUTPUT ${static_library}
    COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${one_object} $<TARGET_OBJECTS:whilst_library>
            $<TARGET_FILE:whilst_client> $<TARGET_FILE:whilst_core>
    COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=whilst_* ${one_object}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${static_library}
    COMMAND ${CMAKE_AR} rcs ${static_library} ${one_object}
    DEPENDS $<TARGET_OBJECTS:whilst_library> whilst_client whilst_core
    COMMAND_EXPAND_LISTS
    COMMENT "Linking C static library libwhilst.a"
    VERBATIM)
add_custom_target(whilst_static ALL DEPENDS ${static_library})

# Prefix and paths are told from where the file is: a package may be moved.
file(RELATIVE_PATH pkgconfig_to_prefix
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${CMAKE_SOURCE_DIR}/cmake/whilst.pc.in ${CMAKE_BINARY_DIR}/whilst.pc @ONLY)

install(TARGETS whilst_shared LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(FILES ${static_library} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(FILES ${CMAKE_SOURCE_DIR}/include/whilst/whilst.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/whilst COMPONENT development)
install(FILES ${CMAKE_BINARY_DIR}/whilst.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
