# SPDX-License-Identifier: MIT
# The lock's, the memo's and the job stores' programs.
ax_holds(lock ours 5e5 5e4 --threads 4)
ax_holds(lock unchecked 1e6 5e4 --threads 4)
ax_holds(lock rwlock 8e5 5e4 --threads 4)
ax_holds(lock pthread 1e6 5e4 --threads 4)
foreach(mistake IN ITEMS copied-checked unlock-twice unlock-foreign lock-twice destroy-held end-as-holder held-long
                         two-orders)
  ax_caught(lock broken-${mistake} --threads 4 --iters 1e5)
endforeach()
ax_caught(lock broken-copied --threads 4 --iters 1e6)
ax_race(lock broken-copied lock_table_add --threads 4 --iters 1e4)

ax_holds(memo ours 2e4 1e4 --threads 8)
ax_holds(memo ours:many 5e3 2e3 --threads 64 --keys 500)
ax_holds(memo memo2 2e4 5e3 --threads 8 --keys 500)
ax_holds(memo memo4 2e4 1e4 --threads 8)
ax_caught(memo broken-memo3 --threads 8 --iters 2e4)
ax_caught(memo broken-memo1 --threads 8 --iters 2e4)
ax_race(memo broken-memo1 plain_ --threads 8 --iters 2e3)

ax_holds(jobs ours 1e5 1e4 --threads 4)
ax_holds(jobs ours:few 1e5 1e4 --threads 4 --keys 4 --mix get=30,list=2,create=20,update=20,delete=18,step=10)
ax_holds(jobs ours-walked 1e5 1e4 --threads 4)
ax_holds(jobs mutex 2e5 2e4 --threads 4)
ax_holds(jobs rwlock 2e5 2e4 --threads 4)
ax_caught(jobs broken-unlocked --threads 8 --iters 1e6)
ax_caught(jobs broken-iterate --threads 8 --iters 1e6 --keys 16)
ax_caught(jobs broken-handed-out --threads 8 --iters 1e6 --keys 4)
# Nothing is deleted, so that the race on a job is all there is to report.
set(no_deletes --threads 4 --iters 1e4 --mix get=50,create=20,update=29,list=1)
ax_race(jobs broken-unlocked "\\(job_\\|jobs_chain_\\|chain_\\)" ${no_deletes})
ax_race(jobs broken-iterate "\\(note_job\\|job_\\|jobs_chain_\\)" ${no_deletes})
ax_race(jobs broken-handed-out "\\(job_\\|handed_out_\\)" ${no_deletes})
