# SPDX-License-Identifier: MIT
# How our targets are built: one private interface target carries the language level, the warnings
# and the sanitizers, so that nothing of ours leaks into a parent project.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
include(CheckCCompilerFlag)

add_library(ax_flags INTERFACE)
target_compile_features(ax_flags INTERFACE c_std_11)
target_compile_definitions(ax_flags INTERFACE _GNU_SOURCE)
target_compile_options(ax_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wconversion -Wsign-conversion -Wpointer-arith
  -Wwrite-strings -fno-omit-frame-pointer
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
  $<$<BOOL:${AX_WERROR}>:-Werror>)
if(AX_SANITIZE)
  target_compile_options(ax_flags INTERFACE -fsanitize=${AX_SANITIZE} -fno-sanitize-recover=undefined)
  target_link_options(ax_flags INTERFACE -fsanitize=${AX_SANITIZE})
endif()

# The ThreadSanitizer twins live beside the plain programs in one build folder. With a sanitizer
# chosen for the whole build there is nothing to twin.
set(AX_TSAN OFF)
if(AX_TSAN_TWINS AND NOT AX_SANITIZE)
  set(CMAKE_REQUIRED_LINK_OPTIONS -fsanitize=thread)
  check_c_compiler_flag(-fsanitize=thread AX_HAVE_TSAN)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  if(AX_HAVE_TSAN)
    set(AX_TSAN ON)
  else()
    message(WARNING "no ThreadSanitizer runtime for ${CMAKE_C_COMPILER}: ctest -L tsan will be empty")
  endif()
endif()
add_library(ax_flags_tsan INTERFACE)
target_link_libraries(ax_flags_tsan INTERFACE ax_flags)
target_compile_options(ax_flags_tsan INTERFACE -fsanitize=thread)
target_link_options(ax_flags_tsan INTERFACE -fsanitize=thread)

# The flags and libraries of one target; a twin, known by its name, is linked with the libraries' twins.
function(ax_link target scope)
  string(REGEX MATCH "-tsan$" suffix ${target})
  if(suffix)
    target_link_libraries(${target} PRIVATE ax_flags_tsan)
  else()
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:ax_flags>)
  endif()
  foreach(lib IN LISTS ARGN)
    if(suffix AND TARGET ${lib}-tsan)
      set(lib ${lib}-tsan)
    endif()
    target_link_libraries(${target} ${scope} ${lib})
  endforeach()
endfunction()

# ax_library(NAME sources... [LINK libs...] [NO_TSAN]): a static library NAME and, where twins are built, NAME-tsan.
function(ax_library name)
  cmake_parse_arguments(arg "NO_TSAN" "" "LINK;INCLUDE" ${ARGN})
  set(twins ${name})
  if(AX_TSAN AND NOT arg_NO_TSAN)
    list(APPEND twins ${name}-tsan)
  endif()
  foreach(target IN LISTS twins)
    add_library(${target} STATIC ${arg_UNPARSED_ARGUMENTS})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
    target_include_directories(${target} PUBLIC ${arg_INCLUDE})
    ax_link(${target} PUBLIC ${arg_LINK})
  endforeach()
endfunction()

# ax_program(NAME sources... [LINK libs...] [NO_TSAN]): a program NAME and, where twins are built,
# NAME-tsan from the same sources, linked with the libraries' own twins.
function(ax_program name)
  cmake_parse_arguments(arg "NO_TSAN" "" "LINK" ${ARGN})
  set(twins ${name})
  if(AX_TSAN AND NOT arg_NO_TSAN)
    list(APPEND twins ${name}-tsan)
  endif()
  foreach(target IN LISTS twins)
    add_executable(${target} ${arg_UNPARSED_ARGUMENTS})
    ax_link(${target} PRIVATE ${arg_LINK})
  endforeach()
endfunction()

# ax_test(NAME LABELS labels... COMMAND cmd...): a ctest entry with a time limit, so that a hang is red. COST: about the
# seconds it takes, for those of five and more: ctest starts them first, so that none is left to run alone at the end.
# One labelled long or night runs only when ctest is asked for it by label or name (ax_finish_tests).
function(ax_test name)
  cmake_parse_arguments(arg "" "TIMEOUT;COST" "LABELS;COMMAND;ENVIRONMENT" ${ARGN})
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
  if(arg_COST)
    set_tests_properties(${name} PROPERTIES COST ${arg_COST})
  endif()
  if(arg_ENVIRONMENT)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${arg_ENVIRONMENT}")
  endif()
  if("long" IN_LIST arg_LABELS OR "night" IN_LIST arg_LABELS)
    set_property(GLOBAL APPEND PROPERTY AX_LONG_TESTS ${name})
  endif()
endfunction()

# ctest has no label that is off by default, but reads CTestCustom.cmake at its start: that looks at
# ctest's own command line and leaves the long tests out unless they are asked for.
function(ax_finish_tests)
  get_property(long GLOBAL PROPERTY AX_LONG_TESTS)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/CTestCustom.cmake.in ${PROJECT_BINARY_DIR}/CTestCustom.cmake @ONLY)
endfunction()

# ThreadSanitizer options every -tsan test runs under (facts: gcc loses second stacks without history_size).
set(AX_TSAN_OPTIONS "TSAN_OPTIONS=exitcode=66 history_size=7 atexit_sleep_ms=0 second_deadlock_stack=1")
