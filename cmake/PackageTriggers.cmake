# Runs in cpack, on packages that are done: cpack lets a package with a library call ldconfig in
# scripts, where Debian wants a trigger (Debian Policy, 8.1.1).

foreach(package IN LISTS CPACK_PACKAGE_FILES)
    if(package MATCHES "/libwhilst[0-9]+_[^/]*$")
        set(opened ${package}.opened)
        execute_process(COMMAND dpkg-deb --raw-extract ${package} ${opened}
            COMMAND_ERROR_IS_FATAL ANY)
        file(REMOVE ${opened}/DEBIAN/postinst ${opened}/DEBIAN/postrm)
        file(WRITE ${opened}/DEBIAN/triggers "activate-noawait ldconfig\n")
        execute_process(COMMAND dpkg-deb --root-owner-group --build ${opened} ${package}
            OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
        file(REMOVE_RECURSE ${opened})
    endif()
endforeach()
