# SPDX-License-Identifier: MIT
# lock.h: what it does, what it finds, what ThreadSanitizer and Clang's analysis say of its users.
ax_unit(lock)
ax_unit(lock_checks)
ax_unit(lock_limit)
ax_unit(lock_order)
ax_unit(lock_report)
foreach(program IN ITEMS test_lock_checks test_lock_checks-tsan)
  if(TARGET ${program})
    target_link_options(${program} PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc)
  endif()
endforeach()
if(TEST unit.lock_order.tsan)
  # ThreadSanitizer finds these orders as well, and would end the test with its own report.
  set_tests_properties(unit.lock_order.tsan PROPERTIES ENVIRONMENT "${AX_TSAN_OPTIONS} detect_deadlocks=0")
endif()
if(TEST unit.lock_checks.tsan)
  # Ending a lock that an ended thread still holds is what the test is about.
  set_tests_properties(unit.lock_checks.tsan PROPERTIES ENVIRONMENT "${AX_TSAN_OPTIONS} report_destroy_locked=0")
endif()

ax_program(test_lock_tsan unit/lock_tsan.c LINK atomicx)
if(TARGET test_lock_tsan-tsan)
  ax_test(tsan.lock_guarded LABELS tsan COMMAND ${ax_tsan_run} $<TARGET_FILE:test_lock_tsan-tsan> guarded ENVIRONMENT ${AX_TSAN_OPTIONS})
  ax_test(tsan.lock_race LABELS tsan COMMAND ${ax_tsan_run} $<TARGET_FILE:test_lock_tsan-tsan> race ENVIRONMENT ${AX_TSAN_OPTIONS})
  set_tests_properties(tsan.lock_race PROPERTIES PASS_REGULAR_EXPRESSION "ThreadSanitizer: data race.*write_in_turn")
  ax_test(tsan.lock_inversion LABELS tsan COMMAND ${ax_tsan_run} $<TARGET_FILE:test_lock_tsan-tsan> inversion ENVIRONMENT ${AX_TSAN_OPTIONS})
  set_tests_properties(tsan.lock_inversion PROPERTIES PASS_REGULAR_EXPRESSION "ThreadSanitizer: lock-order-inversion")
endif()

ax_program(test_lock_quiet unit/lock_quiet.c NO_TSAN LINK atomicx)
foreach(operation IN ITEMS mutex_lock mutex_trylock mutex_unlock mutex_timedlock
        rwlock_rdlock rwlock_wrlock rwlock_unlock rwlock_timedrdlock rwlock_timedwrlock)
  target_link_options(test_lock_quiet PRIVATE LINKER:--wrap=pthread_${operation})
endforeach()
ax_test(unit.lock_quiet LABELS quick COMMAND test_lock_quiet)

ax_test(compile.lock LABELS quick
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/compile/run ${PROJECT_SOURCE_DIR}/include
                ${CMAKE_CURRENT_SOURCE_DIR}/compile/lock.c)
set_tests_properties(compile.lock PROPERTIES SKIP_RETURN_CODE 77)

ax_program(test_lock_cxx unit/lock_cxx.cc LINK atomicx)
set_target_properties(test_lock_cxx PROPERTIES CXX_STANDARD 11 CXX_EXTENSIONS OFF)
ax_test(unit.lock_cxx LABELS quick COMMAND test_lock_cxx)
