# SPDX-License-Identifier: MIT
# The harness itself: its command line, on a program made for it, and its parts.
ax_program(stress_subject subject.c NO_TSAN LINK atomicx-stress)
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  ax_test(stress.cli LABELS quick
          COMMAND Python3::Interpreter ${here}/cli.py $<TARGET_FILE:stress_subject> $<TARGET_FILE:stress_counter>
                  $<TARGET_FILE:stress_tickets> ${axcheck})
endif()
ax_program(test_stress_harness harness.c NO_TSAN LINK atomicx-stress)
ax_test(stress.harness LABELS quick COMMAND test_stress_harness)
