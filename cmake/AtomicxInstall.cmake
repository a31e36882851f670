# SPDX-License-Identifier: MIT
# What `cmake --install` installs: the library static and shared, the harness, their headers, a CMake
# package and pkg-config files, the tools, the stress programs as axstress-NOUN, the example server as axserver,
# the man pages, and for tests of one's own two examples and the formats of what they write.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(ax_cmakedir ${CMAKE_INSTALL_LIBDIR}/cmake/atomicx)
set(ax_templates ${PROJECT_SOURCE_DIR}/cmake/install)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/atomicx DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(FILES ${PROJECT_SOURCE_DIR}/docs/history-format.md ${PROJECT_SOURCE_DIR}/docs/record-format.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_SOURCE_DIR}/examples/your-own-stack.c DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/your-own-queue DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# One export per component, so that a program that wants the shared library needs nothing of the static one.
set_target_properties(atomicx PROPERTIES EXPORT_NAME static)
set(ax_components atomicx:static)
if(AX_SHARED)
  list(APPEND ax_components atomicx-shared:shared)
endif()
if(TARGET atomicx-stress)
  set_target_properties(atomicx-stress PROPERTIES EXPORT_NAME stress)
  list(APPEND ax_components atomicx-stress:stress)
endif()
if(TARGET atomicx-cluster)
  set_target_properties(atomicx-cluster PROPERTIES EXPORT_NAME cluster)
  list(APPEND ax_components atomicx-cluster:cluster)
endif()
foreach(component IN LISTS ax_components)
  string(REGEX MATCH "(.*):(.*)" component ${component})
  install(TARGETS ${CMAKE_MATCH_1} EXPORT atomicx-${CMAKE_MATCH_2}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT atomicx-${CMAKE_MATCH_2} NAMESPACE atomicx:: DESTINATION ${ax_cmakedir})
endforeach()
configure_package_config_file(${ax_templates}/atomicx-config.cmake.in ${PROJECT_BINARY_DIR}/cmake/atomicx-config.cmake
  INSTALL_DESTINATION ${ax_cmakedir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/atomicx-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/atomicx-config.cmake ${PROJECT_BINARY_DIR}/cmake/atomicx-config-version.cmake
        DESTINATION ${ax_cmakedir})

# pkg-config files name the prefix, which `cmake --install --prefix` decides, not the configuration.
set(ax_pkgconfig atomicx)
if(TARGET atomicx-stress)
  list(APPEND ax_pkgconfig atomicx-stress)
endif()
if(TARGET atomicx-cluster)
  list(APPEND ax_pkgconfig atomicx-cluster)
endif()
foreach(name IN LISTS ax_pkgconfig)
  install(CODE "
    set(PROJECT_VERSION ${PROJECT_VERSION})
    cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_PREFIX OUTPUT_VARIABLE prefix)
    cmake_path(APPEND libdir \${prefix} ${CMAKE_INSTALL_LIBDIR})
    cmake_path(APPEND includedir \${prefix} ${CMAKE_INSTALL_INCLUDEDIR})
    configure_file(${ax_templates}/${name}.pc.in ${PROJECT_BINARY_DIR}/cmake/${name}.pc @ONLY)
    file(INSTALL ${PROJECT_BINARY_DIR}/cmake/${name}.pc DESTINATION \${libdir}/pkgconfig)")
endforeach()

if(TARGET axcheck)
  install(TARGETS axcheck RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET axmodel)
  install(TARGETS axmodel RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(TARGETS axmodel_runtime ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/axmodel)
  install(FILES ${PROJECT_BINARY_DIR}/tools/axmodel.wrap DESTINATION ${CMAKE_INSTALL_LIBDIR}/axmodel)
endif()
if(TARGET server)
  install(PROGRAMS $<TARGET_FILE:server> DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME axserver)
endif()
get_property(ax_nouns GLOBAL PROPERTY AX_STRESS_NOUNS)
foreach(noun IN LISTS ax_nouns)
  install(PROGRAMS $<TARGET_FILE:stress_${noun}> DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME axstress-${noun})
endforeach()
add_subdirectory(${PROJECT_SOURCE_DIR}/docs/man)
