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

# Changes that stopped half way.
set(accounts_inside_sources ${lib}/accounts.c ${lib}/alloc.c ${lib}/status.c)
ax_model(model_accounts_inside lib/accounts_inside.c ${accounts_inside_sources} INCLUDE ${lib})
ax_model_test(model_accounts_inside)
ax_model_mutable(accounts_inside lib/accounts_inside.c ${accounts_inside_sources} INCLUDE ${lib})
foreach(end IN ITEMS B2_account_acq B2_account_rel B2_after_acq B2_after_rel B2_before_acq B2_before_rel B2_count_acq
    B2_count_rel B2_expected_acq B2_expected_rel B2_outcome_rel B3_audit B3_clock B3_count B3_install B3_open B3_tick
    B4_earlier_acq B4_high_acq B4_part_acq B4_part_rel B4_stamp_acq B4_stamp_rel B5_acq B5_fail B5_succeed)
  ax_model_without(accounts_inside ${end})
endforeach()
