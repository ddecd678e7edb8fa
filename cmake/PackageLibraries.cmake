# Runs in cpack, on the directories that become packages: libraries go where Debian keeps those of
# an architecture (Debian Policy, 9.1.1), so that packages of several can be there at once.

foreach(component library development)
    set(libraries ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/lib)
    file(GLOB files ${libraries}/*whilst* ${libraries}/pkgconfig)
    if(CPACK_LIBRARY_ARCHITECTURE AND files)
        file(MAKE_DIRECTORY ${libraries}/${CPACK_LIBRARY_ARCHITECTURE})
        foreach(file IN LISTS files)
            get_filename_component(name ${file} NAME)
            file(RENAME ${file} ${libraries}/${CPACK_LIBRARY_ARCHITECTURE}/${name})
        endforeach()
    endif()
endforeach()

# It tells the prefix from where it is.
set(pc ${CPACK_TEMPORARY_DIRECTORY}/development/usr/lib/${CPACK_LIBRARY_ARCHITECTURE}/pkgconfig/whilst.pc)
file(READ ${pc} text)
if(text MATCHES "/lib\n")
    string(REPLACE "{pcfiledir}/../.." "{pcfiledir}/../../.." text "${text}")
    string(REPLACE "/lib\n" "/lib/${CPACK_LIBRARY_ARCHITECTURE}\n" text "${text}")
    file(WRITE ${pc} "${text}")
endif()
