/* SPDX-License-Identifier: MIT */
/* Zoo: lock-free structures, counting, reclamation. */
#include "../threads.h"

static atomic_int count, limit_left, sold;
static int plain;

/* ---- counting ---- */

THREAD(plain_increment) { plain++; return NULL; }
THREAD(load_then_store) { store(&count, load(&count, relaxed) + 1, relaxed); return NULL; }
THREAD(fetch_add) { add(&count, 1, relaxed); return NULL; }
THREAD(cas_once)
{
    int seen = load(&count, relaxed);
    cas(&count, &seen, seen + 1, relaxed, relaxed); /* gives up when it loses */
    return NULL;
}
THREAD(cas_loop)
{
    int seen = load(&count, relaxed);
    while (!cas(&count, &seen, seen + 1, relaxed, relaxed))
        ;
    return NULL;
}
THREAD(weak_without_loop)
{
    int seen = load(&count, relaxed);
    cas_weak(&count, &seen, seen + 1, relaxed, relaxed);
    return NULL;
}
static void counts_two(void *(*entry)(void *))
{
    run2(entry, entry);
    assert(load(&count, relaxed) == 2);
}
AX_MODEL_BROKEN(broken_plain_counter, "data race") { run2(plain_increment, plain_increment); }
AX_MODEL_BROKEN(broken_counter_loads_then_stores, "assertion") { counts_two(load_then_store); }
AX_MODEL_BROKEN(broken_counter_ignores_lost_cas, "assertion") { counts_two(cas_once); }
AX_MODEL_BROKEN(broken_counter_weak_without_loop, "assertion") { counts_two(weak_without_loop); }
AX_MODEL_TEST(repaired_counter_fetch_add) { counts_two(fetch_add); }
AX_MODEL_TEST(repaired_counter_cas_loop) { counts_two(cas_loop); }

/* ---- n tickets, never n+1 ---- */

THREAD(sells_after_check)
{
    if (load(&limit_left, relaxed) > 0) {
        sub(&limit_left, 1, relaxed);
        add(&sold, 1, relaxed);
    }
    return NULL;
}
THREAD(sells_and_puts_back)
{
    if (sub(&limit_left, 1, relaxed) > 0)
        add(&sold, 1, relaxed);
    else
        add(&limit_left, 1, relaxed);
    return NULL;
}
THREAD(sells_by_cas)
{
    int left = load(&limit_left, relaxed);
    while (left > 0)
        if (cas(&limit_left, &left, left - 1, relaxed, relaxed)) {
            add(&sold, 1, relaxed);
            break;
        }
    return NULL;
}
static void sells_one(void *(*entry)(void *), int tickets)
{
    store(&limit_left, tickets, relaxed);
    run3(entry, entry, entry);
    assert(load(&sold, relaxed) == tickets);
    assert(load(&limit_left, relaxed) == 0);
}
AX_MODEL_BROKEN(broken_limit_checked_before_taken, "assertion") { sells_one(sells_after_check, 1); }
AX_MODEL_TEST(repaired_limit_taken_by_cas) { sells_one(sells_by_cas, 1); }
AX_MODEL_TEST(repaired_limit_put_back) { sells_one(sells_and_puts_back, 2); }

/* ---- reference counting ---- */

struct object {
    atomic_int references;
    int value;
};
static struct object *shared;

#define DROP(name, order, before_free)                                                   \
    static void name##_drop(struct object *o)                                            \
    {                                                                                    \
        if (sub(&o->references, 1, order) == 1) {                                        \
            before_free;                                                                 \
            free(o);                                                                     \
        }                                                                                \
    }                                                                                    \
    THREAD(name##_user)                                                                  \
    {                                                                                    \
        assert(shared->value == 5);                                                      \
        name##_drop(shared);                                                             \
        return NULL;                                                                     \
    }
DROP(drop_relaxed, relaxed, (void)0)
DROP(drop_release_only, release, (void)0)
DROP(drop_acquire_only, acquire, (void)0)
DROP(drop_acq_rel, acq_rel, (void)0)
DROP(drop_fence, release, fence(acquire))
static void two_references(void *(*entry)(void *))
{
    shared = malloc(sizeof *shared);
    atomic_init(&shared->references, 2);
    shared->value = 5;
    run2(entry, entry);
}
AX_MODEL_BROKEN(broken_refcount_drop_relaxed, "use after free") { two_references(drop_relaxed_user); }
AX_MODEL_BROKEN(broken_refcount_drop_release_only, "use after free") { two_references(drop_release_only_user); }
AX_MODEL_BROKEN(broken_refcount_drop_acquire_only, "use after free") { two_references(drop_acquire_only_user); }
AX_MODEL_TEST(repaired_refcount_drop_acq_rel) { two_references(drop_acq_rel_user); }
AX_MODEL_TEST(repaired_refcount_drop_release_then_fence) { two_references(drop_fence_user); }

THREAD(drops_once_too_often)
{
    drop_acq_rel_drop(shared);
    drop_acq_rel_drop(shared);
    return NULL;
}
AX_MODEL_BROKEN(broken_refcount_dropped_twice, "use after free") { two_references(drops_once_too_often); }
THREAD(never_drops) { return NULL; }
AX_MODEL_BROKEN(broken_refcount_never_dropped, "leak") 
{
    two_references(never_drops);
    shared = NULL;
}
THREAD(uses_after_drop)
{
    drop_acq_rel_drop(shared);
    assert(load(&shared->references, relaxed) >= 0);
    return NULL;
}
AX_MODEL_BROKEN(broken_use_after_drop, "use after free") { two_references(uses_after_drop); }

/* ---- Treiber stack ---- */

struct node {
    struct node *next;
    int value;
};
static struct node *_Atomic top;

static void push(int value, bool publish)
{
    struct node *n = malloc(sizeof *n);
    n->value = value;
    n->next = load(&top, relaxed);
    if (publish)
        while (!cas(&top, &n->next, n, release, relaxed))
            ;
    else
        while (!cas(&top, &n->next, n, relaxed, relaxed))
            ;
}
static int pop_and_free(void)
{
    struct node *n = load(&top, acquire);
    while (n != NULL && !cas(&top, &n, n->next, acq_rel, acquire))
        ;
    if (n == NULL)
        return 0;
    int v = n->value;
    free(n);
    return v;
}
static struct node *pop_all(void) { return exchange(&top, NULL, acquire); }
static int sum_and_free(struct node *n)
{
    int sum = 0;
    while (n != NULL) {
        struct node *next = n->next;
        sum += n->value;
        free(n);
        n = next;
    }
    return sum;
}
static atomic_int got;
THREAD(pops_and_frees) { add(&got, pop_and_free(), relaxed); return NULL; }
THREAD(pops_all) { add(&got, sum_and_free(pop_all()), relaxed); return NULL; }
THREAD(pushes) { push(4, true); return NULL; }
THREAD(pushes_relaxed) { push(4, false); return NULL; }
AX_MODEL_BROKEN(broken_treiber_pop_frees_at_once, "use after free")
{
    push(1, true);
    push(2, true);
    run2(pops_and_frees, pops_and_frees);
}
AX_MODEL_BROKEN(broken_treiber_push_relaxed, "data race")
{
    run2(pushes_relaxed, pops_all);
    sum_and_free(pop_all());
}
AX_MODEL_TEST(repaired_treiber_pops_all)
{
    run3(pushes, pops_all, pushes);
    assert(load(&got, relaxed) + sum_and_free(pop_all()) == 8);
}

/* ---- hazard pointer: the announcement must be visible before the pointer is checked again ---- */

static struct node *_Atomic current;
static struct node *_Atomic hazard;
#define HAZARD(name, announce_order, between)                                            \
    THREAD(name##_reader)                                                                \
    {                                                                                    \
        struct node *n = load(&current, acquire);                                        \
        for (;;) {                                                                       \
            store(&hazard, n, announce_order);                                           \
            between;                                                                     \
            struct node *again = load(&current, seq_cst);                                \
            if (again == n)                                                              \
                break;                                                                   \
            n = again;                                                                   \
        }                                                                                \
        assert(n->value != 0);                                                           \
        store(&hazard, NULL, release);                                                   \
        return NULL;                                                                     \
    }                                                                                    \
    THREAD(name##_remover)                                                               \
    {                                                                                    \
        struct node *n = malloc(sizeof *n);                                              \
        n->value = 2;                                                                    \
        n->next = NULL;                                                                  \
        struct node *old = exchange(&current, n, seq_cst);                               \
        between;                                                                         \
        if (load(&hazard, seq_cst) != old) {                                             \
            free(old);                                                                   \
            return NULL;                                                                 \
        }                                                                                \
        store(&top, old, relaxed); /* for later */                                       \
        return NULL;                                                                     \
    }
HAZARD(hazard_release, release, (void)0)
HAZARD(hazard_sc, seq_cst, (void)0)
HAZARD(hazard_fence, relaxed, fence(seq_cst))
static void protects(void *(*reader)(void *), void *(*remover)(void *))
{
    struct node *n = malloc(sizeof *n);
    n->value = 1;
    n->next = NULL;
    store(&current, n, relaxed);
    run2(reader, remover);
    free(load(&current, relaxed));
    free(load(&top, relaxed));
}
AX_MODEL_BROKEN(broken_hazard_pointer_without_seq_cst, "use after free")
{
    protects(hazard_release_reader, hazard_release_remover);
}
AX_MODEL_TEST(repaired_hazard_pointer_seq_cst) { protects(hazard_sc_reader, hazard_sc_remover); }
AX_MODEL_TEST(repaired_hazard_pointer_fence) { protects(hazard_fence_reader, hazard_fence_remover); }

/* ---- single producer, single consumer ring ---- */

static int ring[2];
static atomic_uint head, tail;
#define RING(name, publish, look)                                                        \
    THREAD(name##_producer)                                                              \
    {                                                                                    \
        for (unsigned i = 0; i < 3; i++) {                                               \
            while (i - load(&head, look) == 2)                                           \
                ;                                                                        \
            ring[i % 2] = (int)i + 1;                                                    \
            store(&tail, i + 1, publish);                                                \
        }                                                                                \
        return NULL;                                                                     \
    }                                                                                    \
    THREAD(name##_consumer)                                                              \
    {                                                                                    \
        for (unsigned i = 0; i < 3; i++) {                                               \
            while (load(&tail, acquire) == i)                                            \
                ;                                                                        \
            assert(ring[i % 2] == (int)i + 1);                                           \
            store(&head, i + 1, release);                                                \
        }                                                                                \
        return NULL;                                                                     \
    }
RING(ring_unpublished, relaxed, acquire)
RING(ring_overwrites, release, relaxed)
RING(ring_right, release, acquire)
AX_MODEL_BROKEN(broken_ring_not_published, "data race") { run2(ring_unpublished_producer, ring_unpublished_consumer); }
AX_MODEL_BROKEN(broken_ring_reuses_slot_unordered, "data race") { run2(ring_overwrites_producer, ring_overwrites_consumer); }
AX_MODEL_TEST(repaired_ring) { run2(ring_right_producer, ring_right_consumer); }

/* ---- two locations read without a lock: a snapshot needs more ---- */

static atomic_int from, to;
THREAD(transfers) { sub(&from, 1, acq_rel); add(&to, 1, acq_rel); return NULL; }
THREAD(audits)
{
    int sum = load(&from, acquire) + load(&to, acquire);
    assert(sum == 10);
    return NULL;
}
static atomic_ullong both; /* high half from, low half to */
THREAD(transfers_in_one_word) { add(&both, 1ull - (1ull << 32), acq_rel); return NULL; }
THREAD(audits_one_word)
{
    unsigned long long v = load(&both, acquire);
    assert((v >> 32) + (v & 0xffffffff) == 10);
    return NULL;
}
AX_MODEL_BROKEN(broken_audit_of_two_words, "assertion")
{
    store(&from, 10, relaxed);
    run2(transfers, audits);
}
AX_MODEL_TEST(repaired_audit_of_one_word)
{
    store(&both, 10ull << 32, relaxed);
    run3(transfers_in_one_word, audits_one_word, transfers_in_one_word);
}
