# SPDX-License-Identifier: MIT
# The harness itself: its command line, on a program made for it, and its parts.
ax_program(stress_subject subject.c NO_TSAN LINK atomicx-stress)
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  ax_test(stress.cli LABELS quick TIMEOUT 300 COST 10
          COMMAND Python3::Interpreter ${here}/cli.py $<TARGET_FILE:stress_subject> $<TARGET_FILE:stress_counter>
                  $<TARGET_FILE:stress_tickets> ${axcheck})
endif()
ax_program(test_stress_harness harness.c NO_TSAN LINK atomicx-stress)
ax_test(stress.harness LABELS quick COMMAND test_stress_harness)
ax_program(test_stress_misuse misuse.c NO_TSAN LINK atomicx-stress)
ax_test(stress.misuse LABELS quick COMMAND test_stress_misuse)

# Outcome tests, and the classic shapes; the twin is a race detector's look at the harness between batches.
ax_program(stress_outcomes outcomes.c NO_TSAN LINK atomicx-stress)
if(Python3_FOUND)
  ax_test(stress.outcomes LABELS quick TIMEOUT 300
          COMMAND Python3::Interpreter ${here}/outcomes.py $<TARGET_FILE:stress_outcomes> $<TARGET_FILE:stress_litmus>)
endif()
if(TARGET stress_litmus-tsan)
  ax_test(stress.litmus.tsan LABELS tsan ENVIRONMENT ${AX_TSAN_OPTIONS}
          COMMAND sh -c "\"$@\" || [ $? = 3 ]" litmus ${ax_tsan_run} $<TARGET_FILE:stress_litmus-tsan> --iters 2000) # 3: it may be vacuous
endif()
ax_test(stress.litmus.long LABELS long COMMAND $<TARGET_FILE:stress_litmus> --duration 3)
set_tests_properties(stress.litmus.long PROPERTIES SKIP_RETURN_CODE 3) # vacuous: the machine is too busy
