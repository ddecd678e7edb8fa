# What `cmake --install` puts where, beside the library (Library.cmake). The manual page, the
# completions and the example configuration are printed by the program itself.

set(printed ${CMAKE_BINARY_DIR}/printed)
file(MAKE_DIRECTORY ${printed})
set(printed_files whilst.1.gz whilst.bash whilst.zsh whilst.conf copyright)
list(TRANSFORM printed_files PREPEND ${printed}/)
add_custom_command(
    OUTPUT ${printed_files}
    COMMAND whilst help --man > ${printed}/whilst.1
    COMMAND gzip -9nf ${printed}/whilst.1
    COMMAND whilst help --bash > ${printed}/whilst.bash
    COMMAND whilst help --zsh > ${printed}/whilst.zsh
    COMMAND ${CMAKE_COMMAND} -E env --unset=WHILST_CONFIG $<TARGET_FILE:whilst> config defaults
            > ${printed}/whilst.conf
    COMMAND cat ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/cmake/debian/copyright
            ${CMAKE_BINARY_DIR}/front_end/site/-/licences.txt > ${printed}/copyright
    DEPENDS whilst LICENSE cmake/debian/copyright
    COMMENT "Printing the manual page, completions and the example configuration"
    VERBATIM)
add_custom_target(whilst_printed ALL DEPENDS ${printed_files})

install(TARGETS whilst COMPONENT program)
install(FILES ${printed}/whilst.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${printed}/whilst.bash RENAME whilst
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)

set(documents ${CMAKE_INSTALL_DATADIR}/doc/whilst)
install(DIRECTORY docs/ DESTINATION ${documents} COMPONENT program
    PATTERN images EXCLUDE PATTERN examples EXCLUDE PATTERN systemd EXCLUDE)
install(FILES ${printed}/copyright DESTINATION ${documents} COMPONENT program)
install(FILES ${printed}/whilst.conf DESTINATION ${documents}/examples COMPONENT program)
install(FILES docs/examples/clipboard.c DESTINATION ${documents}/examples COMPONENT development)

# Where the rest belongs depends on the prefix, which is known when it is installed.
install(CODE "set(sources ${CMAKE_SOURCE_DIR})\nset(built ${CMAKE_BINARY_DIR})
include(${CMAKE_SOURCE_DIR}/cmake/InstallSystem.cmake)" COMPONENT program)
