# Debian packages: `cpack -G DEB` in the build directory makes whilst, libwhilst0 and
# libwhilst-dev, a component each. docs/install.md says what to do with them.

set(CPACK_PACKAGE_NAME whilst)
# A name that nobody can have (RFC 2606): who gives packages to others names themselves, with
# cpack -D "CPACK_PACKAGE_CONTACT=NAME <ADDRESS>".
set(CPACK_PACKAGE_CONTACT "Whilst contributors <maintainers@whilst.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "pages that exist only whilst somebody looks at them")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program library development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_LIBRARY_ARCHITECTURE ${CMAKE_LIBRARY_ARCHITECTURE})
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/PackageDocuments.cmake
    ${CMAKE_SOURCE_DIR}/cmake/PackageLibraries.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/PackageTriggers.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME whilst)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION net)
# The event loop is a plug-in of the library, which no symbol tells of.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "libwebsockets-evlib-uv")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION
    "A server that brings pages from those who hold them to those who want them,
checks every page by its SHA-256, and keeps none. With the client commands
share, get, keep and watch.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA
    ${CMAKE_SOURCE_DIR}/cmake/debian/conffiles ${CMAKE_SOURCE_DIR}/cmake/debian/postinst
    ${CMAKE_SOURCE_DIR}/cmake/debian/prerm ${CMAKE_SOURCE_DIR}/cmake/debian/postrm)

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libwhilst${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION
    "This is the shared library for programs: it holds, gets and watches pages
on a libuv loop.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libwhilst-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libuv1-dev, libssl-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS library)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION
    "These are the header and the static library for programs, and what finds
them.")

include(CPack)
