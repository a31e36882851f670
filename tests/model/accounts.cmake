# SPDX-License-Identifier: MIT
# The order of changes, audits and openings (docs/memory-ordering/accounts.md). What has few executions is
# explored wholly, the rest is sampled.
ax_model(model_accounts_orders lib/accounts_orders.c ${accounts_sources} INCLUDE ${lib})
foreach(test IN ITEMS B1_a_balance_comes_with_what_was_done_before_it B1_an_account_comes_with_its_floor)
  ax_model_test(model_accounts_orders SUFFIX .${test} ARGS --test ${test})
endforeach()
ax_model_test(model_accounts_orders SUFFIX .sampled ARGS --random 1000)

# Ends of edges that a few sampled executions show the need of.
ax_model_mutable(accounts_orders lib/accounts_orders.c ${accounts_sources} INCLUDE ${lib})
foreach(end IN ITEMS B1_open B1_acq B1_free B6_rel B6_acq)
  ax_model_without(accounts_orders ${end} --random 1000)
endforeach()
