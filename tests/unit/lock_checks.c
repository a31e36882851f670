/* SPDX-License-Identifier: MIT */
/* lock_checks.c: each mistake a checked lock promises to find, with its status, its sites, and what
 * becomes of the lock. What the library allocates comes through here (linked with --wrap). */
#include <malloc.h>

#include "../processes.h"
#include "lock_misuse.h"

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
static __thread bool no_memory;
void *__wrap_malloc(size_t size)
{
    return no_memory ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size)
{
    return no_memory ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size)
{
    return no_memory ? NULL : __real_realloc(old, size);
}
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return no_memory ? NULL : __real_aligned_alloc(alignment, size);
}

static void sleep_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
}

static ax_mutex mutex_checked(const char *name)
{
    ax_mutex mutex = AX_MUTEX_CHECKED_INIT(name, 0);
    return mutex; /* never used yet: a copy is a new lock */
}

static void *lock_it(void *arg)
{
    CHECK_EQ(ax_mutex_lock((ax_mutex *)arg), AX_OK);
    CHECK_EQ(ax_mutex_unlock((ax_mutex *)arg), AX_OK);
    return NULL;
}

static void unlock_without_lock_is_refused(void)
{
    ax_mutex m = mutex_checked("m");
    CHECK_EQ(ax_mutex_unlock(&m), AX_EPERM);
    CHECK_TOLD(AX_LOCK_UNLOCK_UNLOCKED, AX_EPERM, &m, __LINE__ - 1);
    CHECK_STR(told[0].name, "m");
    int line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&m), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&m), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&m), AX_EPERM);
    CHECK_TOLD(AX_LOCK_UNLOCK_UNLOCKED, AX_EPERM, &m, __LINE__ - 1);
    CHECK_OTHER_SITE(line);
    in_thread(lock_it, &m); /* it is still a lock */
    CHECK_NOTHING_TOLD();

    ax_rwlock rw = AX_RWLOCK_CHECKED_INIT("rw", 0);
    CHECK_EQ(ax_rwlock_unlock(&rw), AX_EPERM);
    CHECK_TOLD(AX_LOCK_UNLOCK_UNLOCKED, AX_EPERM, &rw, __LINE__ - 1);
    CHECK_EQ(ax_rwlock_wrlock(&rw), AX_OK);
    CHECK_EQ(ax_rwlock_unlock(&rw), AX_OK);
    CHECK_EQ(ax_rwlock_fini(&rw), AX_OK);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
}

static void *unlock_foreign(void *arg)
{
    CHECK_EQ(ax_mutex_unlock((ax_mutex *)arg), AX_EPERM);
    CHECK_TOLD(AX_LOCK_UNLOCK_FOREIGN, AX_EPERM, arg, __LINE__ - 1);
    CHECK(!ax_mutex_trylock((ax_mutex *)arg)); /* and the holder has kept it */
    return NULL;
}

static void *unlock_foreign_rw(void *arg)
{
    CHECK_EQ(ax_rwlock_unlock((ax_rwlock *)arg), AX_EPERM);
    CHECK_TOLD(AX_LOCK_UNLOCK_FOREIGN, AX_EPERM, arg, __LINE__ - 1);
    CHECK(!ax_rwlock_trywrlock((ax_rwlock *)arg));
    return NULL;
}

static void unlock_by_another_thread_is_refused(void)
{
    ax_mutex m = mutex_checked("m");
    int line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&m), AX_OK);
    in_thread(unlock_foreign, &m);
    CHECK_OTHER_SITE(line);
    CHECK_EQ(ax_mutex_unlock(&m), AX_OK);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);

    ax_rwlock rw = AX_RWLOCK_CHECKED_INIT("rw", 0);
    CHECK_EQ(ax_rwlock_rdlock(&rw), AX_OK);
    in_thread(unlock_foreign_rw, &rw);
    CHECK_EQ(ax_rwlock_unlock(&rw), AX_OK);
    CHECK_EQ(ax_rwlock_wrlock(&rw), AX_OK);
    in_thread(unlock_foreign_rw, &rw);
    CHECK_EQ(ax_rwlock_unlock(&rw), AX_OK);
    CHECK_EQ(ax_rwlock_fini(&rw), AX_OK);
    CHECK_NOTHING_TOLD();
}

static int helper(ax_mutex *m)
{
    int ran = 0;
    AX_WITH_LOCK(m)
        ran = 1;
    return ran;
}
static const int helper_line = __LINE__ - 4;

static void locking_twice_is_refused_also_through_a_helper(void)
{
    ax_mutex m = mutex_checked("m");
    int line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&m), AX_OK);
    CHECK_EQ(ax_mutex_lock(&m), AX_EDEADLK);
    CHECK_TOLD(AX_LOCK_RELOCK, AX_EDEADLK, &m, __LINE__ - 1);
    CHECK_OTHER_SITE(line);
    CHECK(!ax_mutex_trylock(&m));
    CHECK_TOLD(AX_LOCK_RELOCK, AX_EDEADLK, &m, __LINE__ - 1);
    struct timespec never = { INT32_MAX, 0 };
    CHECK(!ax_mutex_lock_until(&m, &never));
    CHECK_TOLD(AX_LOCK_RELOCK, AX_EDEADLK, &m, __LINE__ - 1);
    CHECK_EQ(helper(&m), 0); /* the guarded block is skipped */
    CHECK_TOLD(AX_LOCK_RELOCK, AX_EDEADLK, &m, helper_line);
    CHECK_OTHER_SITE(line);
    CHECK_EQ(ax_mutex_unlock(&m), AX_OK); /* held once, whatever was tried */
    CHECK_EQ(helper(&m), 1);
    in_thread(lock_it, &m);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
    CHECK_NOTHING_TOLD();
}

static void a_read_write_lock_is_not_recursive_in_any_mix(void)
{
    ax_rwlock rw = AX_RWLOCK_CHECKED_INIT("rw", 0);
    for (int first = 0; first < 2; first++) {
        for (int second = 0; second < 4; second++) {
            int line = __LINE__ + 1;
            CHECK_EQ(first ? ax_rwlock_wrlock(&rw) : ax_rwlock_rdlock(&rw), AX_OK);
            if (second == 0)
                CHECK_EQ(ax_rwlock_rdlock(&rw), AX_EDEADLK);
            else if (second == 1)
                CHECK_EQ(ax_rwlock_wrlock(&rw), AX_EDEADLK);
            else if (second == 2)
                CHECK(!ax_rwlock_tryrdlock(&rw));
            else
                CHECK(!ax_rwlock_trywrlock(&rw));
            CHECK_EQ(told_now(), 1);
            CHECK_EQ(told[0].misuse, AX_LOCK_RELOCK);
            CHECK_OTHER_SITE(line);
            forget_told();
            CHECK_EQ(ax_rwlock_unlock(&rw), AX_OK);
        }
    }
    CHECK_EQ(ax_rwlock_fini(&rw), AX_OK);
    CHECK_NOTHING_TOLD();
}

static void a_copy_is_refused_and_the_original_told(void)
{
    ax_mutex original = mutex_checked("original");
    int first_line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&original), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&original), AX_OK);
    ax_mutex copy = original;
    int line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&copy), AX_ECORRUPT);
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &copy, line);
    CHECK(told[0].other_lock == &original);
    CHECK_OTHER_SITE(first_line);
    CHECK_EQ(ax_mutex_lock(&original), AX_OK); /* it works, and says what happened */
    CHECK_TOLD(AX_LOCK_ORIGINAL_COPIED, AX_OK, &original, __LINE__ - 1);
    CHECK_OTHER_SITE(line);
    CHECK_EQ(ax_mutex_unlock(&original), AX_OK); /* once per use of a copy */
    CHECK_NOTHING_TOLD();

    CHECK_EQ(ax_mutex_unlock(&copy), AX_ECORRUPT);
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &copy, __LINE__ - 1);
    CHECK(!ax_mutex_trylock(&copy));
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &copy, __LINE__ - 1);
    CHECK_EQ(ax_mutex_fini(&copy), AX_ECORRUPT);
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &copy, __LINE__ - 1);
    CHECK_EQ(ax_mutex_fini(&original), AX_OK);
    CHECK_TOLD(AX_LOCK_ORIGINAL_COPIED, AX_OK, &original, __LINE__ - 1);

    CHECK_EQ(ax_mutex_lock(&copy), AX_ECORRUPT); /* the original is gone; its record may be another's */
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &copy, __LINE__ - 1);
    CHECK(told[0].other_lock == NULL && told[0].other_site == NULL);
    ax_mutex innocent = mutex_checked("innocent"); /* takes over the record */
    CHECK_EQ(ax_mutex_lock(&innocent), AX_OK);
    CHECK_EQ(ax_mutex_lock(&copy), AX_ECORRUPT);
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &copy, __LINE__ - 1);
    CHECK_EQ(ax_mutex_unlock(&innocent), AX_OK);
    CHECK_EQ(ax_mutex_fini(&innocent), AX_OK);
    CHECK_NOTHING_TOLD();
}

static void a_copied_read_write_lock_is_refused(void)
{
    ax_rwlock original = AX_RWLOCK_CHECKED_INIT("original", 0);
    CHECK_EQ(ax_rwlock_rdlock(&original), AX_OK);
    ax_rwlock copy = original; /* a held one: pthread's copy would be held, too */
    CHECK_EQ(ax_rwlock_unlock(&copy), AX_ECORRUPT);
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &copy, __LINE__ - 1);
    CHECK_EQ(ax_rwlock_unlock(&original), AX_OK);
    CHECK_TOLD(AX_LOCK_ORIGINAL_COPIED, AX_OK, &original, __LINE__ - 1);
    CHECK_EQ(ax_rwlock_fini(&original), AX_OK);
}

static void destroying_while_held_is_refused(void)
{
    ax_mutex m = mutex_checked("m");
    int line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&m), AX_OK);
    CHECK_EQ(ax_mutex_fini(&m), AX_EBUSY);
    CHECK_TOLD(AX_LOCK_FINI_HELD, AX_EBUSY, &m, __LINE__ - 1);
    CHECK_OTHER_SITE(line);
    CHECK_EQ(ax_mutex_unlock(&m), AX_OK);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);

    ax_rwlock rw = AX_RWLOCK_CHECKED_INIT("rw", 0);
    CHECK_EQ(ax_rwlock_rdlock(&rw), AX_OK);
    CHECK_EQ(ax_rwlock_fini(&rw), AX_EBUSY);
    CHECK_TOLD(AX_LOCK_FINI_HELD, AX_EBUSY, &rw, __LINE__ - 1);
    CHECK_EQ(ax_rwlock_unlock(&rw), AX_OK);
    CHECK_EQ(ax_rwlock_fini(&rw), AX_OK);
    CHECK_NOTHING_TOLD();
}

static void memory_reused_while_the_lock_in_it_is_held_is_told(void)
{
    static union { ax_mutex m; char bytes[sizeof(ax_mutex)]; } place;
    place.m = mutex_checked("before");
    int line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&place.m), AX_OK);
    memset(place.bytes, 0, sizeof place.bytes);
    place.m = mutex_checked("after");
    CHECK_EQ(ax_mutex_lock(&place.m), AX_OK);
    CHECK_TOLD(AX_LOCK_FINI_HELD, AX_OK, &place.m, __LINE__ - 1);
    CHECK_OTHER_SITE(line);
    CHECK_EQ(ax_mutex_unlock(&place.m), AX_OK);
    CHECK_EQ(ax_mutex_fini(&place.m), AX_OK);
    CHECK_NOTHING_TOLD();
}

/* Nothing that was noted of the lock before is told of the one that follows it in its place and in its notes. */
static void memory_reused_for_another_lock_starts_afresh(void)
{
    static union { ax_mutex m; char bytes[sizeof(ax_mutex)]; } place, kept;
    place.m = mutex_checked("before");
    CHECK_EQ(ax_mutex_lock(&place.m), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&place.m), AX_OK);
    ax_mutex copy = place.m;
    CHECK_EQ(ax_mutex_lock(&copy), AX_ECORRUPT);
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &copy, __LINE__ - 1);
    memset(place.bytes, 0, sizeof place.bytes);
    place.m = mutex_checked("after");
    CHECK_EQ(ax_mutex_lock(&place.m), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&place.m), AX_OK);
    CHECK_NOTHING_TOLD();

    kept = place;
    CHECK_EQ(ax_mutex_fini(&place.m), AX_OK);
    place = kept; /* its bytes come back, the lock does not */
    CHECK_EQ(ax_mutex_lock(&place.m), AX_ECORRUPT);
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &place.m, __LINE__ - 1);
}

static int hold_line;
static void *hold_and_end(void *arg)
{
    hold_line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock((ax_mutex *)arg), AX_OK);
    return NULL;
}

static void a_thread_that_ends_as_holder_is_told_and_strands_nobody(void)
{
    ax_mutex m = mutex_checked("m");
    in_thread(hold_and_end, &m);
    CHECK_TOLD(AX_LOCK_THREAD_ENDED, AX_OK, &m, hold_line);
    CHECK_EQ(ax_mutex_lock(&m), AX_ECANCELED);
    CHECK_TOLD(AX_LOCK_ABANDONED, AX_ECANCELED, &m, __LINE__ - 1);
    CHECK_OTHER_SITE(hold_line);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
    CHECK_EQ(ax_mutex_init_at(&m, NULL, 1, AX_HERE), AX_OK); /* the memory is as good as new */
    CHECK_EQ(ax_mutex_lock(&m), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&m), AX_OK);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
    CHECK_NOTHING_TOLD();
}

static ax_mutex ending = AX_MUTEX_CHECKED_INIT("ending", 0);
static atomic_int ending_held, ending_waits;

static void *hold_until_waited_for(void *arg)
{
    (void)arg;
    CHECK_EQ(ax_mutex_lock(&ending), AX_OK);
    atomic_store(&ending_held, 1);
    while (!atomic_load(&ending_waits))
        sched_yield();
    sleep_ms(30); /* the other one is asleep in the lock by now; if not, it finds out at once */
    pthread_exit(NULL);
}

static void one_who_already_waits_for_an_ending_thread_is_released(void)
{
    pthread_t thread;
    CHECK_FATAL(pthread_create(&thread, NULL, hold_until_waited_for, NULL) == 0);
    while (!atomic_load(&ending_held))
        sched_yield();
    atomic_store(&ending_waits, 1);
    CHECK_EQ(ax_mutex_lock(&ending), AX_ECANCELED);
    pthread_join(thread, NULL);
    CHECK_EQ(told_now(), 2);
    CHECK_EQ(told[0].misuse, AX_LOCK_THREAD_ENDED);
    CHECK_EQ(told[1].misuse, AX_LOCK_ABANDONED);
    forget_told();
}

static void *read_and_end(void *arg)
{
    CHECK_EQ(ax_rwlock_rdlock((ax_rwlock *)arg), AX_OK);
    return NULL;
}

static void a_reader_that_ends_does_not_strand_the_writers(void)
{
    ax_rwlock rw = AX_RWLOCK_CHECKED_INIT("rw", 0);
    in_thread(read_and_end, &rw);
    CHECK_EQ(told_now(), 1);
    CHECK_EQ(told[0].misuse, AX_LOCK_THREAD_ENDED);
    forget_told();
    CHECK_EQ(ax_rwlock_wrlock(&rw), AX_ECANCELED);
    CHECK_TOLD(AX_LOCK_ABANDONED, AX_ECANCELED, &rw, __LINE__ - 1);
    CHECK_EQ(ax_rwlock_fini(&rw), AX_OK);
}

static pthread_key_t late_key;
static void release_late(void *mutex)
{
    CHECK_EQ(ax_mutex_unlock((ax_mutex *)mutex), AX_OK);
}
static void *hold_for_the_destructor(void *arg)
{
    CHECK_EQ(ax_mutex_lock((ax_mutex *)arg), AX_OK); /* our key comes first, so our destructor does */
    pthread_setspecific(late_key, arg);
    return NULL;
}

static void a_thread_destructor_may_still_release(void)
{
    ax_mutex m = mutex_checked("m");
    CHECK_FATAL(pthread_key_create(&late_key, release_late) == 0);
    in_thread(hold_for_the_destructor, &m);
    pthread_key_delete(late_key);
    CHECK_NOTHING_TOLD();
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
}

static void what_is_no_lock_is_refused(void)
{
    ax_mutex m = mutex_checked("m");
    CHECK_EQ(ax_mutex_lock(&m), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&m), AX_OK);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
    CHECK_EQ(ax_mutex_lock(&m), AX_ECORRUPT);
    CHECK_TOLD(AX_LOCK_NOT_A_LOCK, AX_ECORRUPT, &m, __LINE__ - 1);
    CHECK_EQ(ax_mutex_fini(&m), AX_ECORRUPT);
    CHECK_TOLD(AX_LOCK_NOT_A_LOCK, AX_ECORRUPT, &m, __LINE__ - 1);
    memset(&m, 0x5a, sizeof m);
    CHECK_EQ(ax_mutex_unlock(&m), AX_ECORRUPT);
    CHECK_EQ(told_now(), 1);
    CHECK_EQ(told[0].misuse, AX_LOCK_NOT_A_LOCK);
    forget_told();
}

static void many_locks_at_once_are_told_apart(void)
{
    enum { COUNT = 2000 };
    static ax_mutex many[COUNT];
    for (int i = 0; i < COUNT; i++)
        CHECK_FATAL(ax_mutex_init(&many[i], &(ax_lock_options){ .check = AX_LOCK_CHECK_YES }) == AX_OK);
    for (int i = 0; i < COUNT; i++)
        CHECK_FATAL(ax_mutex_lock(&many[i]) == AX_OK && ax_mutex_unlock(&many[i]) == AX_OK);
    ax_mutex copy = many[COUNT / 2];
    CHECK_EQ(ax_mutex_lock(&copy), AX_ECORRUPT);
    CHECK(told[0].other_lock == &many[COUNT / 2]);
    CHECK_TOLD(AX_LOCK_COPY_USED, AX_ECORRUPT, &copy, __LINE__ - 2);
    for (int i = 0; i < COUNT; i++)
        CHECK_EQ(ax_mutex_fini(&many[i]), AX_OK);
    CHECK_TOLD(AX_LOCK_ORIGINAL_COPIED, AX_OK, &many[COUNT / 2], __LINE__ - 1);
}

static void locks_dropped_without_fini_do_not_pile_up(void)
{
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < 50000; i++) {
        ax_mutex m = mutex_checked(NULL);
        CHECK_FATAL(ax_mutex_lock(&m) == AX_OK && ax_mutex_unlock(&m) == AX_OK);
    }
    struct mallinfo2 after = mallinfo2();
    CHECK(after.uordblks < before.uordblks + 65536);
    CHECK_NOTHING_TOLD();
}

static void without_memory_locks_work_unchecked_and_say_so(void)
{
    enum { MANY = 25 }; /* twice that is more than there can be free records */
    static ax_mutex many[MANY];
    static ax_rwlock rw[MANY];
    no_memory = true;
    for (int i = 0; i < MANY; i++) {
        many[i] = mutex_checked("many");
        rw[i] = (ax_rwlock)AX_RWLOCK_CHECKED_INIT("rw", 0);
        CHECK_EQ(ax_mutex_lock(&many[i]), AX_OK);
        CHECK_EQ(ax_rwlock_rdlock(&rw[i]), AX_OK);
    }
    CHECK(told_now() > 0);
    for (int i = 0; i < told_now(); i++)
        CHECK_EQ(told[i].misuse, AX_LOCK_UNCHECKED);
    forget_told();
    no_memory = false;
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(ax_mutex_unlock(&many[i]), AX_OK);
        CHECK_EQ(ax_rwlock_unlock(&rw[i]), AX_OK);
        in_thread(lock_it, &many[i]);
    }
    CHECK_NOTHING_TOLD();
    CHECK_EQ(ax_mutex_unlock(&many[MANY - 1]), AX_EPERM); /* memory is there again, and so are the checks */
    CHECK_TOLD(AX_LOCK_UNLOCK_UNLOCKED, AX_EPERM, &many[MANY - 1], __LINE__ - 1);
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(ax_mutex_fini(&many[i]), AX_OK);
        CHECK_EQ(ax_rwlock_fini(&rw[i]), AX_OK);
    }
}

static ax_mutex in_handler = AX_MUTEX_CHECKED_INIT("in_handler", 0);
static atomic_int handled;
static void clumsy(const ax_lock_report *report, void *context)
{
    (void)report;
    (void)context;
    atomic_fetch_add(&handled, 1);
    CHECK_EQ(ax_mutex_lock(&in_handler), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&in_handler), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&in_handler), AX_EPERM);
}

static void a_handler_may_use_locks_and_its_mistakes_count(void)
{
    ax_mutex m = mutex_checked("m");
    uint64_t before = ax_lock_misuses();
    ax_lock_on_misuse(clumsy, NULL);
    CHECK_EQ(ax_mutex_unlock(&m), AX_EPERM);
    CHECK_EQ(atomic_load(&handled), 1);
    CHECK_EQ(ax_lock_misuses(), before + 2);
    ax_lock_on_misuse(keep, &told);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
}

static void the_default_handler_writes_one_line_with_both_places(void)
{
    int ends[2], saved = dup(STDERR_FILENO);
    CHECK_FATAL(pipe(ends) == 0 && saved >= 0);
    ax_mutex m = mutex_checked("jobs");
    CHECK_EQ(ax_mutex_lock(&m), AX_OK);
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    ax_lock_on_misuse(NULL, NULL);
    ax_status status = ax_mutex_lock(&m);
    ax_lock_on_misuse(keep, &told);
    dup2(saved, STDERR_FILENO);
    char line[1024] = "";
    ssize_t length = read(ends[0], line, sizeof line - 1);
    CHECK_EQ(status, AX_EDEADLK);
    CHECK(length > 0 && line[length - 1] == '\n' && strchr(line, '\n') == line + length - 1);
    CHECK(strstr(line, "atomicx: ") == line && strstr(line, "\"jobs\""));
    char *first = strstr(line, "lock_checks.c:");
    CHECK(first && strstr(first + 1, "lock_checks.c:"));
    char cut[8];
    ax_lock_report report = { .misuse = AX_LOCK_RELOCK, .lock = &m, .name = "jobs", .site = "f.c:1" };
    CHECK_EQ(ax_lock_describe(&report, cut, sizeof cut), strlen("f.c:1: lock \"jobs\": taken again by the thread that holds it"));
    CHECK_STR(cut, "f.c:1: ");
    CHECK_EQ(ax_mutex_unlock(&m), AX_OK);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
    close(ends[0]);
    close(ends[1]);
    close(saved);
}

#ifndef UNDER_TSAN
static ax_mutex over_fork = AX_MUTEX_CHECKED_INIT("over_fork", 0);
static atomic_int over_fork_held, over_fork_done;
static void *hold_over_fork(void *arg)
{
    (void)arg;
    CHECK_EQ(ax_mutex_lock(&over_fork), AX_OK);
    atomic_store(&over_fork_held, 1);
    while (!atomic_load(&over_fork_done))
        sleep_ms(1);
    CHECK_EQ(ax_mutex_unlock(&over_fork), AX_OK);
    return NULL;
}

static void a_child_does_not_wait_for_the_parents_threads(void)
{
    pthread_t thread;
    ax_mutex mine = mutex_checked("mine");
    CHECK_FATAL(pthread_create(&thread, NULL, hold_over_fork, NULL) == 0);
    while (!atomic_load(&over_fork_held))
        sched_yield();
    CHECK_EQ(ax_mutex_lock(&mine), AX_OK);
    pid_t child = fork();
    if (child == 0) {
        alarm(200);
        bool right = ax_mutex_lock(&over_fork) == AX_ECANCELED && told_now() == 1;
        right = right && ax_mutex_unlock(&mine) == AX_OK && told_now() == 1;
        leave_child(right ? 0 : 1);
    }
    int status;
    CHECK_FATAL(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    atomic_store(&over_fork_done, 1);
    pthread_join(thread, NULL);
    CHECK_EQ(ax_mutex_unlock(&mine), AX_OK);
    CHECK_NOTHING_TOLD();
}
#endif

int main(void)
{
    ax_lock_on_misuse(keep, &told);
    RUN(unlock_without_lock_is_refused);
    RUN(unlock_by_another_thread_is_refused);
    RUN(locking_twice_is_refused_also_through_a_helper);
    RUN(a_read_write_lock_is_not_recursive_in_any_mix);
    RUN(a_copy_is_refused_and_the_original_told);
    RUN(a_copied_read_write_lock_is_refused);
    RUN(destroying_while_held_is_refused);
    RUN(memory_reused_while_the_lock_in_it_is_held_is_told);
    RUN(memory_reused_for_another_lock_starts_afresh);
    RUN(a_thread_that_ends_as_holder_is_told_and_strands_nobody);
    RUN(one_who_already_waits_for_an_ending_thread_is_released);
    RUN(a_reader_that_ends_does_not_strand_the_writers);
    RUN(a_thread_destructor_may_still_release);
    RUN(what_is_no_lock_is_refused);
    RUN(locks_dropped_without_fini_do_not_pile_up);
    RUN(without_memory_locks_work_unchecked_and_say_so); /* before there are many free records */
    RUN(many_locks_at_once_are_told_apart);
    RUN(a_handler_may_use_locks_and_its_mistakes_count);
    RUN(the_default_handler_writes_one_line_with_both_places);
#ifndef UNDER_TSAN /* fork with threads */
    RUN(a_child_does_not_wait_for_the_parents_threads);
#endif
    return check_summary();
}
