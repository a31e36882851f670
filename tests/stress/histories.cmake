# SPDX-License-Identifier: MIT
# What --history writes, judged by axcheck; and the writing itself.
if(NOT TARGET axcheck)
  return()
endif()

# ax_ordered(NOUN IMPL ITERS TSAN_ITERS arguments...): its history has an order; 0 TSAN_ITERS: no twin.
function(ax_ordered noun impl iters tsan_iters)
  ax_test(history.${noun}.${impl} LABELS stress
          COMMAND ${here}/history holds 1 ${axcheck} $<TARGET_FILE:stress_${noun}> --impl ${impl} --iters ${iters} ${ARGN})
  if(TARGET stress_${noun}-tsan AND tsan_iters GREATER 0)
    ax_test(history.${noun}.${impl}.tsan LABELS tsan ENVIRONMENT ${AX_TSAN_OPTIONS}
            COMMAND ${here}/history holds 1 ${axcheck} ${ax_tsan_run} $<TARGET_FILE:stress_${noun}-tsan>
                    --impl ${impl} --iters ${tsan_iters} ${ARGN})
  endif()
endfunction()

# ax_disordered(NOUN IMPL LABEL arguments...): its history has none. Those that show rarely, or whose histories take
# long to be found wrong, are long.
function(ax_disordered noun impl label)
  ax_test(history.${noun}.${impl} LABELS ${label} TIMEOUT 600
          COMMAND ${here}/history caught 100 ${axcheck} $<TARGET_FILE:stress_${noun}> --impl ${impl} ${ARGN})
  set_property(GLOBAL APPEND PROPERTY AX_STRESS_DISORDERED ${noun}:${impl})
endfunction()

foreach(impl IN ITEMS checked cas-loop mutex)
  ax_ordered(counter ${impl} 50000 0 --threads 4 --mix add=80,read=20)
endforeach()
ax_ordered(counter ours 50000 10000 --threads 4)
ax_disordered(counter broken-load-add-store long --threads 8 --iters 2e5)
ax_disordered(counter broken-plain long --threads 8 --iters 2e5)
ax_disordered(counter broken-copied stress --threads 2 --iters 1e4)

foreach(impl IN ITEMS ours ours-async fetch-add striped mutex)
  ax_ordered(adder ${impl} 5000 0 --threads 4)
endforeach()
ax_ordered(adder thread-locals 5000 2000 --threads 4)
ax_disordered(adder broken-read-and-reset stress --threads 4 --iters 2000)

foreach(impl IN ITEMS ours lease mutex semaphore cas-loop)
  ax_ordered(tickets ${impl} 20000 0 --threads 4 --capacity 50000)
endforeach()
ax_ordered(tickets rwlock 20000 1000 --threads 4 --capacity 50000)
ax_disordered(tickets broken-check-then-act long --threads 8 --iters 1e5 --capacity 3e5)
ax_disordered(tickets broken-minus-one long --threads 4 --iters 1e5 --capacity 2e5)

foreach(impl IN ITEMS ours ours-bytes ck ck-bytes mutex lfht)
  ax_ordered(map ${impl} 20000 0 --threads 4)
endforeach()
ax_ordered(map rwlock 20000 3000 --threads 4)
foreach(impl IN ITEMS unlocked reclaim lost-add) # not iterate: docs/history-format.md says why
  ax_disordered(map broken-${impl} long --threads 4 --iters 1e5 --keys 4)
endforeach()

foreach(impl IN ITEMS ours mutex)
  ax_ordered(accounts ${impl} 3000 0 --threads 4 --keys 4 --mix transfer=70,deposit=15,withdraw=15 --overdraft 500)
endforeach()
ax_ordered(accounts two-mutexes 3000 1000 --threads 4 --keys 4)
ax_disordered(accounts broken-lost-update long --threads 4 --iters 4000 --keys 2)
foreach(impl IN ITEMS overdraft in-flight)
  ax_disordered(accounts broken-${impl} long --threads 4 --iters 10000 --keys 2)
endforeach()

ax_ordered(memo ours 5000 2000 --threads 4 --keys 100)
ax_ordered(memo memo4 5000 0 --threads 4 --keys 100)
foreach(impl IN ITEMS memo1 memo3)
  ax_disordered(memo broken-${impl} stress --threads 4 --iters 5000 --keys 100)
endforeach()

foreach(impl IN ITEMS ours ours-walked mutex)
  ax_ordered(jobs ${impl} 10000 0 --threads 4 --keys 16)
endforeach()
ax_ordered(jobs rwlock 10000 2000 --threads 4 --keys 16)
foreach(impl IN ITEMS unlocked handed-out) # not iterate: docs/history-format.md says why
  ax_disordered(jobs broken-${impl} long --threads 4 --iters 1e5 --keys 4 --observers 0 --mix get=50,create=15,update=20,delete=15) # no lists
endforeach()

foreach(impl IN ITEMS ours unchecked pthread)
  ax_ordered(lock ${impl} 1000 0 --threads 4)
endforeach()
ax_ordered(lock rwlock 1000 500 --threads 4)
# Not lock-twice, destroy-held, held-long, two-orders: docs/history-format.md says why, and history.table compares.
foreach(impl IN ITEMS copied copied-checked unlock-twice unlock-foreign end-as-holder)
  ax_disordered(lock broken-${impl} stress --threads 4 --iters 5000)
endforeach()

foreach(impl IN ITEMS ours ck) # both indexes
  ax_test(history.map.${impl}.long LABELS long TIMEOUT 900
          COMMAND ${here}/history holds 1 ${axcheck} $<TARGET_FILE:stress_map> --impl ${impl} --threads 8 --iters 1e6)
endforeach()
ax_test(history.counter.ours.long LABELS long TIMEOUT 900
        COMMAND ${here}/history holds 1 ${axcheck} $<TARGET_FILE:stress_counter> --threads 8 --iters 1e6)
ax_test(history.tickets.ours.long LABELS long TIMEOUT 900
        COMMAND ${here}/history holds 1 ${axcheck} $<TARGET_FILE:stress_tickets> --threads 8 --iters 1e6)

if(Python3_FOUND)
  set(programs)
  foreach(noun IN ITEMS accounts adder cluster counter jobs litmus lock map memo tickets)
    if(TARGET stress_${noun}) # cluster needs a package
      list(APPEND programs ${noun}=$<TARGET_FILE:stress_${noun}>)
    endif()
  endforeach()
  get_property(disordered GLOBAL PROPERTY AX_STRESS_DISORDERED)
  ax_test(history.table LABELS quick
          COMMAND Python3::Interpreter ${here}/history_table.py ${PROJECT_SOURCE_DIR}/docs/history-format.md ${programs} -- ${disordered})
  ax_program(stress_scribe scribe.c NO_TSAN LINK atomicx-stress)
  ax_test(history.writing LABELS quick
          COMMAND Python3::Interpreter ${here}/history.py $<TARGET_FILE:stress_scribe> $<TARGET_FILE:stress_subject>
                  $<TARGET_FILE:stress_counter> ${axcheck})
endif()
