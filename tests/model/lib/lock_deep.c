/* SPDX-License-Identifier: MIT */
/* lock.h under the model, the larger cases: who waits for a checked lock looks again and again at its holder. */
#include "lock.c"

THREAD(counts_checked_three_times)
{
    for (int i = 0; i < 3; i++)
        counts_checked(NULL);
    return NULL;
}
AX_MODEL_TEST(two_threads_exclude_each_other_three_times_checked)
{
    ax_lock_on_misuse(tells, NULL);
    counts_checked(NULL); /* binds the lock */
    run2(counts_checked_three_times, counts_checked_three_times);
    assert(guarded == 7);
    assert(load(&told, relaxed) == 0);
}
THREAD(writes_checked)
{
    AX_WITH_WRLOCK(&shared_checked)
    {
        guarded++;
    }
    return NULL;
}
THREAD(reads_checked)
{
    AX_WITH_RDLOCK(&shared_checked)
    {
        assert(guarded <= 2);
    }
    return NULL;
}
AX_MODEL_TEST(a_writer_excludes_readers_checked)
{
    ax_lock_on_misuse(tells, NULL);
    run3(writes_checked, reads_checked, reads_checked);
    assert(guarded == 1);
    assert(load(&told, relaxed) == 0);
}
THREAD(reads_writes_and_reads_checked)
{
    reads_checked(NULL);
    writes_checked(NULL);
    reads_checked(NULL);
    return NULL;
}
AX_MODEL_TEST(two_threads_read_and_write_three_times_checked)
{
    ax_lock_on_misuse(tells, NULL);
    run2(reads_writes_and_reads_checked, reads_writes_and_reads_checked);
    assert(guarded == 2);
    assert(load(&told, relaxed) == 0);
}
