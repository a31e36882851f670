# SPDX-License-Identifier: MIT
# Changes and audits from their real sources. What has few executions is explored wholly, the rest is sampled.
set(accounts_sources ${lib}/accounts.c ${lib}/accounts_step.c ${lib}/accounts_place.c ${lib}/accounts_audit.c
    ${lib}/alloc.c ${lib}/status.c)
ax_model(model_accounts lib/accounts.c ${accounts_sources} INCLUDE ${lib})
foreach(test IN ITEMS B1_a_balance_comes_with_what_was_done_before_it B1_an_account_comes_with_its_floor)
  ax_model_test(model_accounts SUFFIX .${test} ARGS --test ${test})
endforeach()
ax_model_test(model_accounts SUFFIX .sampled ARGS --random 1000)

# Ends of edges (docs/memory-ordering/accounts.md) that a few sampled executions show the need of.
foreach(end IN ITEMS B1_open B1_acq B1_free)
  set(weak model_accounts_without_${end})
  ax_model(${weak} lib/accounts.c ${accounts_sources} INCLUDE ${lib} OPTIONS
    "-DWEAK=\"${end}\"" -include ${CMAKE_CURRENT_SOURCE_DIR}/lib/weaken.h
    $<$<C_COMPILER_ID:GNU>:-Wno-invalid-memory-model>)
  ax_model_test(${weak} ARGS --must-find --random 300)
endforeach()
