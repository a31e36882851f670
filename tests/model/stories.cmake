# SPDX-License-Identifier: MIT
# The implementations of the stress programs, broken and right, from their own sources: the broken ones must be
# found wrong in the way they are, the right ones must hold in every execution.
set(stress ${PROJECT_SOURCE_DIR}/stress)
set(broken ${stress}/broken)
ax_model(model_story_accounts stories/accounts.c stories/no_history.c ${stress}/accounts_others.c ${broken}/lost_withdrawal.c
         ${broken}/overdraft.c ${broken}/money_in_flight.c)
ax_model(model_story_memo stories/memo.c stories/no_history.c ${stress}/memo_others.c ${broken}/memos.c)
ax_model(model_story_map stories/map.c stories/no_history.c ${stress}/map_chain.c ${broken}/map_unlocked.c ${broken}/map_iterate.c
         ${broken}/map_reclaim.c ${broken}/map_lost_add.c)
ax_model(model_story_jobs stories/jobs.c stories/no_history.c ${stress}/jobs_chain.c ${stress}/map_chain.c ${broken}/jobs_unlocked.c
         ${broken}/jobs_iterate.c ${broken}/jobs_handed_out.c)
ax_model(model_story_lock stories/lock.c stories/no_history.c ${broken}/lock_copied.c ${broken}/lock_mistakes.c ${lib}/lock.c
         ${lib}/lock_wait.c ${lib}/lock_order.c ${lib}/lock_record.c ${lib}/lock_report.c ${lib}/status.c INCLUDE ${lib})
ax_model(model_story_counter stories/counter.c stories/no_history.c ${broken}/lost_logins.c ${broken}/copied_counter.c)
ax_model(model_story_adder stories/adder.c stories/no_history.c ${broken}/read_and_reset.c)
ax_model(model_story_tickets stories/tickets.c stories/no_history.c ${broken}/ticket_minus_one.c)
foreach(noun IN ITEMS counter adder tickets accounts map memo jobs lock)
  ax_model_test(model_story_${noun})
endforeach()
