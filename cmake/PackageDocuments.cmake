# Runs in cpack, on the directories that become packages: each has its copyright and changelog
# (Debian Policy, 12.5 and 12.7), and that of the program what lintian is to bear.

set(packages program:whilst library:libwhilst0 development:libwhilst-dev)
set(sources ${CMAKE_CURRENT_LIST_DIR}/..)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${sources}/cmake/debian/lintian-overrides
    ${CPACK_TEMPORARY_DIRECTORY}/program/usr/share/lintian/overrides/whilst COPYONLY)
foreach(package IN LISTS packages)
    string(REPLACE ":" ";" package ${package})
    list(GET package 0 component)
    list(GET package 1 name)
    set(documents ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/share/doc/${name})
    file(MAKE_DIRECTORY ${documents})
    if(NOT EXISTS ${documents}/copyright)
        configure_file(${sources}/LICENSE ${documents}/copyright COPYONLY)
    endif()
    file(WRITE ${documents}/changelog "whilst (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n
  * See CHANGELOG.md in /usr/share/doc/whilst.\n
 -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
    execute_process(COMMAND gzip -9nf ${documents}/changelog COMMAND_ERROR_IS_FATAL ANY)
endforeach()
