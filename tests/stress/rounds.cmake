# SPDX-License-Identifier: MIT
# Declared programs: the harness's rounds on a program made for it, the example of testing one's own structure, and
# structures of other libraries.
if(Python3_FOUND)
  ax_program(stress_declared declared.c NO_TSAN LINK atomicx-stress)
  ax_program(stress_replayed declared.c NO_TSAN LINK atomicx-stress)
  target_compile_definitions(stress_replayed PRIVATE REPLAY)
  ax_test(stress.rounds LABELS quick TIMEOUT 300
          COMMAND Python3::Interpreter ${here}/rounds.py $<TARGET_FILE:stress_declared> $<TARGET_FILE:stress_replayed>)
  ax_program(stress_undecided undecided.c NO_TSAN LINK atomicx-stress)
  ax_test(stress.undecided LABELS quick TIMEOUT 300 COMMAND Python3::Interpreter ${here}/undecided.py $<TARGET_FILE:stress_undecided>)
endif()

if(Python3_FOUND AND TARGET example_your_own_stack)
  ax_test(stress.page LABELS quick TIMEOUT 300
          COMMAND Python3::Interpreter ${here}/page.py ${PROJECT_SOURCE_DIR} $<TARGET_FILE:example_your_own_stack>)
endif()

# ax_rounds(TEST TARGET holds|caught RUNS SAYS [LABEL long] arguments...)
function(ax_rounds test target want runs says)
  cmake_parse_arguments(arg "" "LABEL" "" ${ARGN})
  set(patience 300) # so many rounds, however busy the machine is
  if(arg_LABEL)
    set(patience 1200)
  else()
    set(arg_LABEL stress)
  endif()
  ax_test(rounds.${test} LABELS ${arg_LABEL} TIMEOUT ${patience}
          COMMAND ${here}/rounds ${want} ${runs} ${says} $<TARGET_FILE:${target}> --threads 3 --quiet ${arg_UNPARSED_ARGUMENTS})
endfunction()

set(ordered "a round of [23] threads and [2-9] operations")
set(all "each of [1-9][0-9]* rounds has an order")
if(TARGET example_your_own_queue)
  set(queue example_your_own_queue)
  ax_rounds(your-own-queue ${queue} holds 1 ${all} --impl queue --iters 4000)
  ax_rounds(your-own-queue.broken-empty ${queue} caught 10 ${ordered} --impl broken-empty)
  ax_rounds(your-own-queue.broken-turn ${queue} caught 10 ${ordered} LABEL long --impl broken-turn)
  if(TARGET ${queue}-tsan)
    ax_test(rounds.your-own-queue.tsan LABELS tsan ENVIRONMENT ${AX_TSAN_OPTIONS}
            COMMAND ${here}/rounds holds 1 ${all} ${ax_tsan_run} $<TARGET_FILE:${queue}-tsan> --threads 3 --iters 2000)
  endif()
  if(TARGET axcheck)
    ax_test(history.your-own-queue LABELS stress COMMAND ${here}/history holds 3 ${axcheck}
            $<TARGET_FILE:${queue}> --threads 4 --iters 5000)
  endif()
endif()

find_library(AX_PEER_CK ck)
find_library(AX_PEER_CDS urcu-cds)
find_library(AX_PEER_BP urcu-bp)
find_library(AX_PEER_COMMON urcu-common)
if(NOT (AX_PEER_CK AND AX_PEER_CDS AND AX_PEER_BP AND AX_PEER_COMMON))
  message(STATUS "no ck or no liburcu: rounds on their structures are not tested")
  return()
endif()
foreach(peer IN ITEMS queues stacks maps)
  ax_program(stress_peers_${peer} peers/${peer}.c NO_TSAN LINK atomicx-stress)
  target_link_libraries(stress_peers_${peer} PRIVATE ${AX_PEER_CK} ${AX_PEER_CDS} ${AX_PEER_BP} ${AX_PEER_COMMON})
endforeach()
foreach(peer IN ITEMS queues:ck-ring queues:ck-ring-spsc queues:ck-fifo queues:ck-fifo-spsc queues:wfcqueue
        stacks:ck-stack stacks:ck-stack-mpmc maps:ck-ht maps:lfht)
  string(REPLACE ":" ";" words ${peer})
  list(GET words 0 program)
  list(GET words 1 impl)
  ax_rounds(peers.${impl} stress_peers_${program} holds 1 ${all} --impl ${impl} --iters 3000)
  ax_rounds(peers.${impl}.long stress_peers_${program} holds 3 ${all} LABEL long --impl ${impl} --iters 1e5)
endforeach()
ax_rounds(peers.broken-ck-ring-spsc stress_peers_queues caught 10 ${ordered} --impl broken-ck-ring-spsc)
ax_rounds(peers.broken-ck-fifo-spsc stress_peers_queues caught 10 ${ordered} --impl broken-ck-fifo-spsc)
ax_rounds(peers.broken-ck-ht-writers stress_peers_maps caught 10 ${ordered} LABEL long --impl broken-ck-ht-writers)
ax_rounds(peers.broken-ck-ring-full stress_peers_queues caught 10 ${ordered} LABEL long --impl broken-ck-ring-full)
# An entry that comes back while somebody pops it shows in one instruction of sixty, after three operations of another thread: this
# round, in which only the pauses are left to chance.
ax_rounds(peers.broken-ck-stack-reused stress_peers_stacks caught 10 ${ordered} LABEL long --impl broken-ck-stack-reused --iters 4e5
          --round "push(1) push(2) pop pop | pop pop push(3)")
if(CK_VERSION VERSION_LESS_EQUAL 0.7.1)
  ax_rounds(peers.broken-ck-ht stress_peers_maps caught 10 "a round of 1 thread and [1-6] operations" --impl broken-ck-ht)
endif()
