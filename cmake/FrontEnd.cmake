# Bundles static/ and writes it down as C; nothing is read from disk at run time.

set(FRONT_END_SOURCE ${CMAKE_BINARY_DIR}/front_end/assets.c)
add_custom_command(
    OUTPUT ${FRONT_END_SOURCE}
    COMMAND ${NODE_EXECUTABLE} ${CMAKE_SOURCE_DIR}/cmake/front_end.mjs
            --out ${CMAKE_BINARY_DIR}/front_end
    DEPENDS ${CMAKE_SOURCE_DIR}/cmake/front_end.mjs ${CMAKE_SOURCE_DIR}/package-lock.json
    DEPFILE ${CMAKE_BINARY_DIR}/front_end/assets.d
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    COMMENT "Bundling the front end"
    VERBATIM)
