# SPDX-License-Identifier: MIT
# Every order of lib one step weaker, every step torn or left out: tests/mutants says which survive, and why.
if(NOT Python3_FOUND OR NOT CMAKE_C_COMPILER_ID STREQUAL GNU) # clang has other builtins than those changed
  return()
endif()
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
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/mutants/mutants.py ${PROJECT_SOURCE_DIR} ${programs})
ax_test(mutants.by_hand LABELS model TIMEOUT 600 COMMAND ${PROJECT_SOURCE_DIR}/tests/mutants/by-hand ${PROJECT_SOURCE_DIR}
  $<TARGET_FILE:axmodel> ${Python3_EXECUTABLE})
