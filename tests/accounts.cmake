# SPDX-License-Identifier: MIT
ax_unit(accounts)
ax_unit(accounts_threads)
ax_unit(accounts_words)
foreach(target IN ITEMS test_accounts_words test_accounts_words-tsan) # internal interfaces
  if(TARGET ${target})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/lib)
    target_link_options(${target} PRIVATE LINKER:--wrap=kill)
  endif()
endforeach()

# Fork and ThreadSanitizer don't mix, and a stepped process has one thread: no twins.
ax_program(test_accounts_kill unit/accounts_kill.c NO_TSAN LINK atomicx)
ax_test(unit.accounts_kill LABELS quick COMMAND test_accounts_kill 2)
ax_test(unit.accounts_kill.long LABELS long TIMEOUT 600 COMMAND test_accounts_kill 200)
ax_program(test_accounts_step unit/accounts_step.c NO_TSAN LINK atomicx)
target_include_directories(test_accounts_step PRIVATE ${PROJECT_SOURCE_DIR}/lib)
ax_test(unit.accounts_step LABELS quick TIMEOUT 300 COMMAND test_accounts_step 5)
ax_test(unit.accounts_step.long LABELS long TIMEOUT 1200 COMMAND test_accounts_step 1)
set_tests_properties(unit.accounts_step unit.accounts_step.long PROPERTIES SKIP_RETURN_CODE 77)
