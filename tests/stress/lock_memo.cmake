# SPDX-License-Identifier: MIT
# The lock's and the memo's programs. What crashes leaves no record: the harness's verdict stands alone there.
ax_holds(lock ours 5e5 5e4 --threads 4)
ax_holds(lock unchecked 1e6 5e4 --threads 4)
ax_holds(lock rwlock 8e5 5e4 --threads 4)
ax_holds(lock pthread 1e6 5e4 --threads 4)
foreach(mistake IN ITEMS copied-checked unlock-twice unlock-foreign lock-twice destroy-held end-as-holder held-long
                         two-orders)
  ax_caught(lock broken-${mistake} --threads 4 --iters 1e5)
endforeach()
ax_test(stress.lock.broken-copied LABELS stress
        COMMAND ${here}/judge caught 1 - $<TARGET_FILE:stress_lock> --impl broken-copied --threads 4 --iters 1e6)
ax_test(stress.lock.broken-copied.long LABELS long TIMEOUT 600
        COMMAND ${here}/judge caught 20 - $<TARGET_FILE:stress_lock> --impl broken-copied --threads 4 --iters 1e6)
ax_race(lock broken-copied lock_table_add --threads 4 --iters 1e4)

ax_holds(memo ours 2e4 1e4 --threads 8)
ax_holds(memo ours:many 5e3 2e3 --threads 64 --keys 500)
ax_holds(memo memo2 2e4 5e3 --threads 8 --keys 500)
ax_holds(memo memo4 2e4 1e4 --threads 8)
ax_caught(memo broken-memo3 --threads 8 --iters 2e4)
ax_test(stress.memo.broken-memo1 LABELS stress
        COMMAND ${here}/judge caught 1 - $<TARGET_FILE:stress_memo> --impl broken-memo1 --threads 8 --iters 2e4)
ax_test(stress.memo.broken-memo1.long LABELS long TIMEOUT 600
        COMMAND ${here}/judge caught 20 - $<TARGET_FILE:stress_memo> --impl broken-memo1 --threads 8 --iters 2e4)
ax_race(memo broken-memo1 plain_ --threads 8 --iters 2e3)
