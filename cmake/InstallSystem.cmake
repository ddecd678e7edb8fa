# Runs when it is installed: configuration, units and zsh's completion. Below /usr, be it in a
# package's directory, they go where Debian looks for them: /etc, vendor-completions. Elsewhere
# all stays below the prefix. DESTDIR goes before everything, and into nothing. A configuration
# that is there already stays as it is.

get_filename_component(CMAKE_INSTALL_PREFIX "${CMAKE_INSTALL_PREFIX}" ABSOLUTE)
if(CMAKE_INSTALL_PREFIX MATCHES "(^|/)usr/?$")
    set(prefix /usr)
    set(configuration_prefix /etc)
    string(REGEX REPLACE "/usr/?$" "/etc" configuration "${CMAKE_INSTALL_PREFIX}")
    set(zsh vendor-completions)
else()
    set(prefix ${CMAKE_INSTALL_PREFIX})
    set(configuration_prefix ${prefix}/etc)
    set(configuration ${prefix}/etc)
    set(zsh site-functions)
endif()

# install_with_paths(FILE DIRECTORY NAME): with the paths in it as they are here.
function(install_with_paths file directory name)
    file(READ ${file} text)
    string(REPLACE "/usr/bin/" "${prefix}/bin/" text "${text}")
    string(REPLACE "/etc/" "${configuration_prefix}/" text "${text}")
    file(WRITE ${built}/installed/${name} "${text}")
    file(INSTALL ${built}/installed/${name} DESTINATION ${directory})
endfunction()

if(EXISTS $ENV{DESTDIR}${configuration}/whilst/whilst.conf)
    message(STATUS "Kept: $ENV{DESTDIR}${configuration}/whilst/whilst.conf")
else()
    file(INSTALL ${built}/printed/whilst.conf DESTINATION ${configuration}/whilst)
endif()
if(EXISTS $ENV{DESTDIR}${configuration}/default/whilst)
    message(STATUS "Kept: $ENV{DESTDIR}${configuration}/default/whilst")
else()
    install_with_paths(${sources}/cmake/debian/default ${configuration}/default whilst)
endif()
set(units ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
install_with_paths(${sources}/docs/systemd/whilst.service ${units} whilst.service)
install_with_paths(${sources}/docs/systemd/whilst.service ${units} whilst@.service)
install_with_paths(${sources}/docs/systemd/whilst@.conf ${units}/whilst@.service.d whilst.conf)
install_with_paths(${sources}/docs/systemd/whilst.socket ${units} whilst.socket)
file(INSTALL ${built}/printed/whilst.zsh RENAME _whilst
    DESTINATION ${CMAKE_INSTALL_PREFIX}/share/zsh/${zsh})
