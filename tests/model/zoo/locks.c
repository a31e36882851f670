/* SPDX-License-Identifier: MIT */
/* Zoo: mutual exclusion made by hand, and waiting. */
#include "../threads.h"

static atomic_int a, b, turn, word;
static int inside;

static void critical(void)
{
    inside++;
    assert(inside >= 1);
}

/* ---- Peterson, Dekker: every store before every load, which only seq_cst gives ---- */

#define PETERSON(name, order_store, order_load)                                          \
    THREAD(name##_0)                                                                     \
    {                                                                                    \
        store(&a, 1, order_store);                                                       \
        exchange(&turn, 1, acq_rel);                                                     \
        while (load(&b, order_load) && load(&turn, acquire) == 1)                        \
            ;                                                                            \
        critical();                                                                      \
        store(&a, 0, release);                                                           \
        return NULL;                                                                     \
    }                                                                                    \
    THREAD(name##_1)                                                                     \
    {                                                                                    \
        store(&b, 1, order_store);                                                       \
        exchange(&turn, 0, acq_rel);                                                     \
        while (load(&a, order_load) && load(&turn, acquire) == 0)                        \
            ;                                                                            \
        critical();                                                                      \
        store(&b, 0, release);                                                           \
        return NULL;                                                                     \
    }
PETERSON(peterson_right, relaxed, acquire) /* the exchange orders it: release sequence through turn */

#define PETERSON_STORES(name, o, p)                                                      \
    THREAD(name##_0)                                                                     \
    {                                                                                    \
        store(&a, 1, o);                                                                 \
        store(&turn, 1, o);                                                              \
        while (load(&b, p) && load(&turn, p) == 1)                                       \
            ;                                                                            \
        critical();                                                                      \
        store(&a, 0, release);                                                           \
        return NULL;                                                                     \
    }                                                                                    \
    THREAD(name##_1)                                                                     \
    {                                                                                    \
        store(&b, 1, o);                                                                 \
        store(&turn, 0, o);                                                              \
        while (load(&a, p) && load(&turn, p) == 0)                                       \
            ;                                                                            \
        critical();                                                                      \
        store(&b, 0, release);                                                           \
        return NULL;                                                                     \
    }
PETERSON_STORES(peterson_acq_rel, release, acquire)
PETERSON_STORES(peterson_sc, seq_cst, seq_cst)
AX_MODEL_BROKEN(broken_peterson_with_acquire_release, "data race") { run2(peterson_acq_rel_0, peterson_acq_rel_1); }
AX_MODEL_TEST(repaired_peterson_with_seq_cst) { run2(peterson_sc_0, peterson_sc_1); }
AX_MODEL_TEST(repaired_peterson_with_exchanged_turn) { run2(peterson_right_0, peterson_right_1); }

#define DEKKER_TRY(name, between)                                                        \
    THREAD(name##_0) { store(&a, 1, relaxed); between; if (!load(&b, acquire)) critical(); return NULL; } \
    THREAD(name##_1) { store(&b, 1, relaxed); between; if (!load(&a, acquire)) critical(); return NULL; }
DEKKER_TRY(dekker_none, (void)0)
DEKKER_TRY(dekker_acq_rel, fence(acq_rel))
DEKKER_TRY(dekker_sc, fence(seq_cst))
AX_MODEL_BROKEN(broken_dekker_without_fence, "data race") { run2(dekker_none_0, dekker_none_1); }
AX_MODEL_BROKEN(broken_dekker_with_acq_rel_fence, "data race") { run2(dekker_acq_rel_0, dekker_acq_rel_1); }
AX_MODEL_TEST(repaired_dekker_with_seq_cst_fence) { run2(dekker_sc_0, dekker_sc_1); }

/* ---- spin locks ---- */

#define SPIN(name, lock_order, unlock_order)                                             \
    THREAD(name)                                                                         \
    {                                                                                    \
        while (exchange(&word, 1, lock_order))                                           \
            while (load(&word, relaxed))                                                 \
                ;                                                                        \
        critical();                                                                      \
        store(&word, 0, unlock_order);                                                   \
        return NULL;                                                                     \
    }
SPIN(spin_no_acquire, relaxed, release)
SPIN(spin_no_release, acquire, relaxed)
#define CAS_SPIN(name, lock_order, unlock_order)                                         \
    THREAD(name)                                                                         \
    {                                                                                    \
        for (int free = 0; !cas(&word, &free, 1, lock_order, relaxed); free = 0)         \
            ;                                                                            \
        critical();                                                                      \
        store(&word, 0, unlock_order);                                                   \
        return NULL;                                                                     \
    }
CAS_SPIN(spin_right, acquire, release)
AX_MODEL_BROKEN(broken_spin_lock_taken_relaxed, "data race") { run2(spin_no_acquire, spin_no_acquire); }
AX_MODEL_BROKEN(broken_spin_lock_left_relaxed, "data race") { run2(spin_no_release, spin_no_release); }
AX_MODEL_TEST(repaired_spin_lock) { run3(spin_right, spin_right, spin_right); }

THREAD(test_then_set)
{
    while (load(&word, acquire))
        ;
    store(&word, 1, relaxed); /* two may get here */
    critical();
    store(&word, 0, release);
    return NULL;
}
AX_MODEL_BROKEN(broken_test_then_set, "data race") { run2(test_then_set, test_then_set); }

THREAD(forgets_to_unlock)
{
    for (int free = 0; !cas(&word, &free, 1, acquire, relaxed); free = 0)
        ;
    critical();
    return NULL;
}
AX_MODEL_BROKEN(broken_lock_never_left, "livelock") { run2(forgets_to_unlock, forgets_to_unlock); }

/* A lock made of an exchange. Its turns write what is there: the newest value, each by a thread that waits for another. */
static void look_then_take(bool keep)
{
    do
        while (load(&word, relaxed) == 2)
            ;
    while (exchange(&word, 1, acquire) == 1);
    critical();
    if (!keep)
        store(&word, 0, release);
}
THREAD(takes_and_keeps) { look_then_take(true); return NULL; }
THREAD(takes_and_gives_back) { look_then_take(false); return NULL; }
AX_MODEL_BROKEN(broken_exchange_lock_never_left, "livelock") { run2(takes_and_keeps, takes_and_keeps); }
AX_MODEL_TEST(exchange_lock) { run2(takes_and_gives_back, takes_and_gives_back); }

static atomic_int next_ticket, serving;
#define TICKET(name, order)                                                              \
    THREAD(name)                                                                         \
    {                                                                                    \
        int mine = add(&next_ticket, 1, relaxed);                                        \
        while (load(&serving, order) != mine)                                            \
            ;                                                                            \
        critical();                                                                      \
        store(&serving, mine + 1, release);                                              \
        return NULL;                                                                     \
    }
TICKET(ticket_relaxed, relaxed)
TICKET(ticket_right, acquire)
AX_MODEL_BROKEN(broken_ticket_lock_waits_relaxed, "data race") { run2(ticket_relaxed, ticket_relaxed); }
AX_MODEL_TEST(repaired_ticket_lock) { run3(ticket_right, ticket_right, ticket_right); }

/* ---- sequence lock ---- */

static atomic_uint sequence;
static atomic_int left, right;
#define SEQ_WRITER(name, order, before)                                                  \
    THREAD(name)                                                                         \
    {                                                                                    \
        unsigned s = load(&sequence, relaxed);                                           \
        store(&sequence, s + 1, relaxed);                                                \
        before;                                                                          \
        store(&left, 1, relaxed);                                                        \
        store(&right, 1, relaxed);                                                       \
        store(&sequence, s + 2, order);                                                  \
        return NULL;                                                                     \
    }
#define SEQ_READER(name, between)                                                        \
    THREAD(name)                                                                         \
    {                                                                                    \
        unsigned s = load(&sequence, acquire);                                           \
        int l = load(&left, relaxed), r = load(&right, relaxed);                         \
        between;                                                                         \
        if (!(s & 1) && load(&sequence, relaxed) == s)                                   \
            assert(l == r);                                                              \
        return NULL;                                                                     \
    }
SEQ_WRITER(seq_writer_no_release, relaxed, fence(release))
SEQ_WRITER(seq_writer_no_fence, release, (void)0)
SEQ_WRITER(seq_writer_right, release, fence(release))
SEQ_READER(seq_reader_no_fence, (void)0)
SEQ_READER(seq_reader_right, fence(acquire))
AX_MODEL_BROKEN(broken_seqlock_reader_without_fence, "assertion") { run2(seq_writer_right, seq_reader_no_fence); }
AX_MODEL_BROKEN(broken_seqlock_writer_without_fence, "assertion") { run2(seq_writer_no_fence, seq_reader_right); }
AX_MODEL_BROKEN(broken_seqlock_writer_without_release, "assertion") { run2(seq_writer_no_release, seq_reader_right); }
AX_MODEL_TEST(repaired_seqlock) { run2(seq_writer_right, seq_reader_right); }

/* ---- mutexes and condition variables ---- */

static pthread_mutex_t m1 = PTHREAD_MUTEX_INITIALIZER, m2 = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static int queued;

THREAD(locks_1_2)
{
    pthread_mutex_lock(&m1);
    pthread_mutex_lock(&m2);
    critical();
    pthread_mutex_unlock(&m2);
    pthread_mutex_unlock(&m1);
    return NULL;
}
THREAD(locks_2_1)
{
    pthread_mutex_lock(&m2);
    pthread_mutex_lock(&m1);
    critical();
    pthread_mutex_unlock(&m1);
    pthread_mutex_unlock(&m2);
    return NULL;
}
AX_MODEL_BROKEN(broken_lock_order, "deadlock") { run2(locks_1_2, locks_2_1); }
AX_MODEL_TEST(repaired_lock_order) { run2(locks_1_2, locks_1_2); }

THREAD(locks_twice)
{
    pthread_mutex_lock(&m1);
    pthread_mutex_lock(&m1);
    return NULL;
}
AX_MODEL_BROKEN(broken_lock_twice, "deadlock") { run2(locks_twice, locks_1_2); }
THREAD(unlocks_only)
{
    pthread_mutex_unlock(&m1);
    return NULL;
}
AX_MODEL_BROKEN(broken_unlock_without_lock, "misuse") { run2(unlocks_only, locks_1_2); }
THREAD(one_lock_each)
{
    pthread_mutex_t *mine = self == (void *)1 ? &m1 : &m2;
    pthread_mutex_lock(mine);
    inside++;
    pthread_mutex_unlock(mine);
    return NULL;
}
AX_MODEL_BROKEN(broken_two_locks_for_one_variable, "data race") { run2(one_lock_each, one_lock_each); }

#define CONSUMER(name, wait_keyword)                                                     \
    THREAD(name)                                                                         \
    {                                                                                    \
        pthread_mutex_lock(&m1);                                                         \
        wait_keyword(queued == 0) pthread_cond_wait(&ready, &m1);                        \
        assert(queued > 0);                                                              \
        queued--;                                                                        \
        pthread_mutex_unlock(&m1);                                                       \
        return NULL;                                                                     \
    }
CONSUMER(consumer_if, if)
CONSUMER(consumer_while, while)
THREAD(producer)
{
    pthread_mutex_lock(&m1);
    queued++;
    pthread_cond_signal(&ready);
    pthread_mutex_unlock(&m1);
    return NULL;
}
THREAD(producer_of_two_signals_once)
{
    pthread_mutex_lock(&m1);
    queued += 2;
    pthread_cond_signal(&ready);
    pthread_mutex_unlock(&m1);
    return NULL;
}
THREAD(producer_of_two)
{
    pthread_mutex_lock(&m1);
    queued += 2;
    pthread_cond_broadcast(&ready);
    pthread_mutex_unlock(&m1);
    return NULL;
}
AX_MODEL_BROKEN(broken_condition_checked_with_if, "assertion") { run2(consumer_if, producer); }
AX_MODEL_TEST(repaired_condition_checked_with_while) { run2(consumer_while, producer); }
AX_MODEL_BROKEN(broken_signal_for_two_waiters, "deadlock") { run3(consumer_while, consumer_while, producer_of_two_signals_once); }
AX_MODEL_TEST(repaired_broadcast_for_two_waiters) { run3(consumer_while, consumer_while, producer_of_two); }

static atomic_int atomic_queued;
THREAD(checks_outside_the_lock)
{
    if (load(&atomic_queued, acquire) == 0) {
        pthread_mutex_lock(&m1);
        pthread_cond_wait(&ready, &m1); /* the signal may have come in between */
        pthread_mutex_unlock(&m1);
    }
    return NULL;
}
THREAD(signals_without_the_lock)
{
    store(&atomic_queued, 1, release);
    pthread_cond_signal(&ready);
    return NULL;
}
THREAD(checks_inside_the_lock)
{
    pthread_mutex_lock(&m1);
    while (load(&atomic_queued, acquire) == 0)
        pthread_cond_wait(&ready, &m1);
    pthread_mutex_unlock(&m1);
    return NULL;
}
THREAD(signals_under_the_lock)
{
    pthread_mutex_lock(&m1);
    store(&atomic_queued, 1, release);
    pthread_mutex_unlock(&m1);
    pthread_cond_signal(&ready);
    return NULL;
}
AX_MODEL_BROKEN(broken_lost_wakeup, "deadlock") { run2(checks_outside_the_lock, signals_without_the_lock); }
AX_MODEL_BROKEN(broken_signal_without_the_lock, "deadlock") { run2(checks_inside_the_lock, signals_without_the_lock); }
AX_MODEL_TEST(repaired_signal_under_the_lock) { run2(checks_inside_the_lock, signals_under_the_lock); }

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
#define RW(name, take)                                                                   \
    THREAD(name)                                                                         \
    {                                                                                    \
        take(&rw);                                                                       \
        inside++;                                                                        \
        pthread_rwlock_unlock(&rw);                                                      \
        return NULL;                                                                     \
    }
RW(writes_as_reader, pthread_rwlock_rdlock)
RW(writes_as_writer, pthread_rwlock_wrlock)
THREAD(reads_as_reader)
{
    pthread_rwlock_rdlock(&rw);
    int seen = inside;
    assert(seen >= 0 && seen == inside);
    pthread_rwlock_unlock(&rw);
    return NULL;
}
AX_MODEL_BROKEN(broken_write_under_read_lock, "data race") { run2(writes_as_reader, writes_as_reader); }
AX_MODEL_TEST(repaired_write_under_write_lock) { run3(writes_as_writer, reads_as_reader, reads_as_reader); }

static pthread_barrier_t barrier;
THREAD(meets)
{
    if (self == (void *)1)
        inside = 1;
    pthread_barrier_wait(&barrier);
    assert(inside == 1);
    return NULL;
}
THREAD(does_not_meet)
{
    assert(inside == 1);
    return NULL;
}
AX_MODEL_TEST(repaired_barrier_orders)
{
    pthread_barrier_init(&barrier, NULL, 2);
    run2(meets, meets);
    pthread_barrier_destroy(&barrier);
}
AX_MODEL_BROKEN(broken_barrier_for_three_met_by_two, "deadlock")
{
    pthread_barrier_init(&barrier, NULL, 3);
    run2(meets, meets);
}
THREAD(sets_inside) { inside = 1; return NULL; }
AX_MODEL_BROKEN(broken_no_barrier, "data race") { run2(sets_inside, does_not_meet); }
