# SPDX-License-Identifier: MIT
# Every order of lib one step weaker, every read-modify-write torn: tests/mutants says which survive, and why.
if(NOT Python3_FOUND OR NOT CMAKE_C_COMPILER_ID STREQUAL GNU) # clang has other builtins than those torn
  return()
endif()
ax_model_mutable(accounts lib/accounts.c ${accounts_sources} INCLUDE ${lib})
ax_model_mutable(lock lib/lock.c ${lib}/lock.c ${lib}/lock_wait.c ${lib}/lock_order.c ${lib}/lock_record.c ${lib}/lock_report.c
  ${lib}/status.c INCLUDE ${lib})
ax_model_mutable(memo lib/memo.c ${memo_sources} INCLUDE ${standin} ${lib})
ax_model_mutable(map lib/map.c ${map_sources} INCLUDE ${standin} ${lib})
set(programs)
foreach(noun IN ITEMS counter adder tickets lease memo map reclaim lock)
  list(APPEND programs ${noun}=$<TARGET_FILE:model_${noun}_mutable>)
endforeach()
foreach(noun IN ITEMS accounts accounts_orders) # too many executions: random ones
  list(APPEND programs ${noun}=$<TARGET_FILE:model_${noun}_mutable>,--random,2000)
endforeach()
ax_test(mutants LABELS long mutants TIMEOUT 1200
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/mutants/mutants.py ${PROJECT_SOURCE_DIR} ${programs})
