# SPDX-License-Identifier: MIT
# Every order of lib one step weaker, every step torn or left out: tests/mutants says which survive, and why.
if(NOT Python3_FOUND OR NOT CMAKE_C_COMPILER_ID STREQUAL GNU) # clang has other builtins than those changed
  return()
endif()

# lib that the environment can change, and the unit tests linked with it that do the same each time.
get_target_property(lib_sources atomicx SOURCES)
list(TRANSFORM lib_sources PREPEND ${lib}/)
get_target_property(lib_links atomicx LINK_LIBRARIES)
list(FILTER lib_links EXCLUDE REGEX ax_flags)
ax_library(atomicx-mutable NO_TSAN lib/weaken.c ${lib_sources} INCLUDE ${PROJECT_SOURCE_DIR}/include LINK ${lib_links})
# No warnings: an operation within an operation repeats the names of the macros.
target_compile_options(atomicx-mutable PRIVATE -include ${CMAKE_CURRENT_SOURCE_DIR}/lib/weaken.h -DAX_TRUE_CK -w)
target_include_directories(atomicx-mutable PRIVATE ${lib})
set(unit_tests accounts accounts_words adder adder_refused counter tickets claim lease grant step
    lock lock_checks lock_limit lock_order lock_report memo memo_recursion memo_unowned memo_values
    memo_entry memo_fork map map_bytes map_fork map_memory reclaim reclaim_alone reclaim_edges alloc)
foreach(test IN LISTS unit_tests)
  if(TARGET test_${test})
    add_executable(unit_${test}_mutable $<TARGET_OBJECTS:test_${test}>)
    set_target_properties(unit_${test}_mutable PROPERTIES LINKER_LANGUAGE C)
    target_link_options(unit_${test}_mutable PRIVATE $<TARGET_PROPERTY:test_${test},LINK_OPTIONS>)
    ax_link(unit_${test}_mutable PRIVATE atomicx-mutable)
    list(APPEND units unit_${test}=$<TARGET_FILE:unit_${test}_mutable>)
  endif()
endforeach()

ax_model_mutable(accounts lib/accounts.c ${accounts_sources} INCLUDE ${lib})
set(programs)
foreach(noun IN ITEMS accounts_inside counter adder tickets tickets_inside lease lease_inside memo memo_inside reclaim
        lock lock_inside ${map_mutable})
  list(APPEND programs ${noun}=$<TARGET_FILE:model_${noun}_mutable>)
endforeach()
foreach(noun IN ITEMS accounts accounts_orders) # too many executions: random ones
  list(APPEND programs ${noun}=$<TARGET_FILE:model_${noun}_mutable>,--random,2000)
endforeach()
ax_test(mutants LABELS long mutants TIMEOUT 1200
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/mutants/mutants.py ${PROJECT_SOURCE_DIR} ${programs} ${units})
ax_test(mutants.by_hand LABELS model TIMEOUT 600 COMMAND ${PROJECT_SOURCE_DIR}/tests/mutants/by-hand ${PROJECT_SOURCE_DIR}
  $<TARGET_FILE:axmodel> ${Python3_EXECUTABLE})
set(places ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/mutants/places.py)
ax_test(mutants.places LABELS model TIMEOUT 600 COMMAND ${places} ${PROJECT_SOURCE_DIR} ${CMAKE_C_COMPILER})
ax_test(mutants.places.self LABELS model TIMEOUT 600 COMMAND ${places} --self ${PROJECT_SOURCE_DIR} ${CMAKE_C_COMPILER})
