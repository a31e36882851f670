/* SPDX-License-Identifier: MIT */
/*
 * interrupted.c: what the headers' tables say of signal handlers, blocking and allocation. Each call that may be made
 * in a handler is made in one that interrupts each such call at each of its accesses to the object (stepping.h); all
 * must add up. And while such a call runs, interrupted or not, nothing may be called that allocates, sleeps or waits for a
 * lock: the linker puts the functions at the end of this file in place of those (--wrap).
 */
#include <atomicx/accounts.h>
#include <atomicx/adder.h>
#include <atomicx/counter.h>
#include <atomicx/map.h>
#include <atomicx/memo.h>
#include <atomicx/tickets.h>

#include <pthread.h>
#include <stdarg.h>
#include <time.h>

#include "../stepping.h"

static _Thread_local const char *promising; /* the call that must neither block nor allocate; NULL: none is going on */

struct call {
    const char *name;
    void (*make)(void);
};

static const struct call *outer, *inner;

static void make_outer(void)
{
    promising = outer->name;
    outer->make();
    promising = NULL;
}

static void make_inner(void)
{
    const char *around = promising;
    promising = inner->name;
    inner->make();
    promising = around;
}

static void *memory;
static size_t size;

/* Each call interrupted by each, at every access. */
static void interrupt_all(const struct call *calls, size_t count, void (*open)(void), void (*check)(void))
{
    long moments = 0;
    for (size_t i = 0; i < count * count; i++) {
        outer = &calls[i / count];
        inner = &calls[i % count];
        bool within = true;
        for (long k = 0; within; k++) {
            unsigned long failed = check_failures;
            open();
            within = stepping_interrupted(memory, size, k, make_outer, make_inner);
            check();
            moments += within;
            if (check_failures != failed) {
                fprintf(stderr, "%s, interrupted after %ld accesses by %s\n", outer->name, k, inner->name);
                return;
            }
        }
    }
    CHECK(moments > (long)count * (long)count);
    printf("%zu calls, %ld interruptions\n", count, moments);
}

/* Without interruption. */
static void call_all(const struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        outer = &calls[i];
        make_outer();
    }
}

/* ---- tickets: each number has one owner ---- */

enum { TICKETS = 70, BEFORE = 66, RETURNED = 3 };

static ax_tickets *hall;
static unsigned owners[TICKETS]; /* buyers of each number */
static uint32_t next_refund;

static void own(ax_status status, const uint32_t *numbers, uint32_t count)
{
    CHECK(status == AX_OK || status == AX_ESOLDOUT || status == AX_ECLOSED);
    for (uint32_t i = 0; status == AX_OK && i < count; i++)
        owners[numbers[i]]++;
}

static void sell(void)
{
    uint32_t number;
    own(ax_tickets_sell(hall, &number), &number, 1);
}

static void sell_many(void)
{
    uint32_t numbers[5];
    own(ax_tickets_sell_many(hall, 5, numbers), numbers, 5);
}

static void refund(void)
{
    uint32_t number = next_refund++;
    owners[number]--;
    CHECK_EQ(ax_tickets_refund(hall, number), AX_OK);
}

static void look(void)
{
    CHECK(ax_tickets_left(hall) <= TICKETS && ax_tickets_capacity(hall) == TICKETS);
}

static void close_hall(void)
{
    ax_tickets_close(hall);
}

/* A few were never sold, a few have come back: five want some of both. */
static void open_hall(void)
{
    CHECK_FATAL(ax_tickets_init(memory, size, TICKETS, 0, &hall) == AX_OK);
    memset(owners, 0, sizeof owners);
    for (int i = 0; i < BEFORE; i++)
        sell();
    for (next_refund = 0; next_refund < RETURNED;)
        refund();
}

static void check_hall(void)
{
    uint32_t left = ax_tickets_left(hall), sold = 0;
    for (uint32_t i = 0; i < TICKETS; i++) {
        CHECK(owners[i] <= 1);
        sold += owners[i];
    }
    CHECK_EQ(sold + left, TICKETS);
    uint32_t number;
    while (ax_tickets_sell(hall, &number) == AX_OK)
        CHECK_EQ(++owners[number], 1);
    ax_tickets_fini(hall);
}

static void tickets_may_be_sold_in_a_handler(void)
{
    static const struct call calls[] = { { "sell", sell }, { "sell_many", sell_many }, { "refund", refund },
                                         { "left", look }, { "close", close_hall } };
    interrupt_all(calls, sizeof calls / sizeof *calls, open_hall, check_hall);
}

/* ---- accounts: no money is lost or made ---- */

enum { OPENING = 65535 }; /* a unit below a border between the words of a balance */

static ax_accounts *bank;
static int64_t deposited;

static void deposit(void)
{
    CHECK_EQ(ax_accounts_deposit(bank, 0, 7), AX_OK);
    deposited += 7;
}

static void withdraw(void)
{
    CHECK_EQ(ax_accounts_withdraw(bank, 1, 5), AX_OK);
    deposited -= 5;
}

static void transfer(void)
{
    CHECK_EQ(ax_accounts_transfer(bank, 1, 0, 9), AX_OK);
}

static void transfer_many(void)
{
    static const ax_accounts_leg legs[] = { { 2, 4 }, { 0, -8 }, { 1, 4 } };
    CHECK_EQ(ax_accounts_transfer_many(bank, legs, 3), AX_OK);
}

static void balance(void)
{
    int64_t is = 0;
    CHECK_EQ(ax_accounts_balance(bank, 0, &is), AX_OK);
    CHECK(is >= OPENING - 8 && is <= OPENING + 9); /* before what this interrupts or is interrupted by, or after it */
}

static void audit(void)
{
    int64_t sum = 0;
    CHECK_EQ(ax_accounts_audit(bank, &sum), AX_OK);
    CHECK(sum >= 3 * OPENING - 10 && sum <= 3 * OPENING + 14);
}

static void open_account(void)
{
    uint32_t number;
    CHECK_EQ(ax_accounts_open(bank, 0, &number), AX_OK);
    CHECK(number < ax_accounts_opened(bank) && number < ax_accounts_capacity(bank));
}

static void open_bank(void)
{
    CHECK_FATAL(ax_accounts_init(memory, size, 5, 2, &bank) == AX_OK);
    int64_t sum;
    for (uint32_t i = 0; i < 3; i++) {
        open_account();
        CHECK_EQ(ax_accounts_deposit(bank, i, OPENING), AX_OK);
    }
    CHECK_EQ(ax_accounts_audit(bank, &sum), AX_OK); /* the next changes keep what it needs */
    deposited = 3 * OPENING;
}

static void check_bank(void)
{
    int64_t sum = 0, each = 0, total = 0;
    CHECK_EQ(ax_accounts_audit(bank, &sum), AX_OK);
    for (uint32_t i = 0; i < ax_accounts_opened(bank); i++) {
        CHECK_EQ(ax_accounts_balance(bank, i, &each), AX_OK);
        total += each;
    }
    CHECK_EQ(sum, deposited);
    CHECK_EQ(total, deposited);
    ax_accounts_fini(bank);
}

static void accounts_may_change_in_a_handler(void)
{
    static const struct call calls[] = { { "open", open_account },   { "deposit", deposit },
                                         { "withdraw", withdraw },   { "transfer", transfer },
                                         { "balance", balance },     { "transfer_many", transfer_many },
                                         { "audit", audit } };
    interrupt_all(calls, sizeof calls / sizeof *calls, open_bank, check_bank);
}

/* ---- counter, and the adder's shared word ---- */

static ax_counter *counter;
static int64_t counted;

static void add(void)
{
    (void)ax_counter_add(counter, 3);
    (void)ax_counter_sub(counter, 1);
    counted += 2;
}

static void add_checked(void)
{
    int64_t after;
    CHECK_EQ(ax_counter_add_checked(counter, 4, &after), AX_OK);
    counted += 4;
}

static void replace(void)
{
    int64_t seen = ax_counter_read(counter);
    if (ax_counter_compare_exchange(counter, &seen, seen + 5))
        counted += 5;
    (void)ax_counter_raise_to(counter, -1); /* it is above */
    (void)ax_counter_lower_to(counter, 1000);
}

static void make_counter(void)
{
    counter = memory;
    ax_counter_init(counter, 0);
    counted = 0;
}

static void check_counter(void)
{
    CHECK_EQ(ax_counter_exchange(counter, 0), counted);
}

static void a_counter_may_change_in_a_handler(void)
{
    static const struct call calls[] = { { "add", add }, { "add_checked", add_checked }, { "compare_exchange", replace } };
    interrupt_all(calls, sizeof calls / sizeof *calls, make_counter, check_counter);
}

static ax_adder *adder;
static int64_t drained;

static void add_async(void)
{
    ax_adder_add_async(adder, 2);
    counted += 2;
}

static void sum(void)
{
    CHECK(ax_adder_sum(adder) >= 0);
}

static void drain(void)
{
    int64_t more = ax_adder_drain(adder);
    CHECK(more >= 0);
    drained += more;
}

static void make_adder(void)
{
    adder = memory;
    ax_adder_init(adder);
    ax_adder_add(adder, 10); /* it has a number, and this thread a seat */
    counted = 10;
    drained = 0;
}

static void check_adder(void)
{
    CHECK_EQ(ax_adder_sum(adder) + drained, counted);
    ax_adder_fini(adder);
}

static void an_adder_may_be_added_to_asynchronously_in_a_handler(void)
{
    static const struct call calls[] = { { "add_async", add_async }, { "sum", sum }, { "drain", drain } };
    interrupt_all(calls, sizeof calls / sizeof *calls, make_adder, check_adder);
}

/* ---- what is not for handlers, and yet never blocks or allocates ---- */

static void add_to_own_slot(void)
{
    ax_adder_add(adder, 1);
}

static ax_lease lease;

static void lease_sell(void)
{
    uint32_t number;
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
}

static void lease_close(void)
{
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
}

static ax_map *map;

static void map_look(void)
{
    uint64_t value;
    CHECK(ax_map_get(map, ax_key_u64(1), &value) == AX_OK && value == 11);
    ax_map_read_begin(map);
    ax_map_read_end(map);
    CHECK_EQ(ax_map_len(map), 1);
}

static void map_replace(void)
{
    CHECK_EQ(ax_map_put(map, ax_key_u64(1), 11), AX_OK);
}

static ax_memo *memo;

static ax_status square(void *context, const void *key, size_t key_len, void **value)
{
    (void)context, (void)key_len;
    uint64_t number;
    memcpy(&number, key, sizeof number);
    *value = (void *)(uintptr_t)(number * number);
    return AX_OK;
}

static void memo_hit(void)
{
    uint64_t key = 12;
    ax_memo_ref ref;
    CHECK_EQ(ax_memo_do(memo, &key, sizeof key, &ref), AX_OK);
    CHECK_EQ((uintptr_t)ref.value, 144);
    ax_memo_release(memo, &ref);
}

static void memo_hit_of_a_value(void)
{
    uint64_t key = 12;
    void *value = NULL;
    CHECK_EQ(ax_memo_do_value(memo, &key, sizeof key, &value), AX_OK);
    CHECK_EQ((uintptr_t)value, 144);
}

static void what_never_blocks_does_not(void)
{
    static const struct call calls[] = { { "adder add", add_to_own_slot }, { "lease_sell", lease_sell },
                                         { "lease_close", lease_close },   { "map get, read_begin, read_end, len", map_look },
                                         { "map put on a key that is there", map_replace }, { "memo do, a hit, and release", memo_hit },
                                         { "memo do_value, a hit", memo_hit_of_a_value } };
    static ax_adder of_its_own = AX_ADDER_INIT;
    adder = &of_its_own;
    CHECK_FATAL(ax_tickets_init(memory, size, TICKETS, 1, &hall) == AX_OK);
    CHECK_EQ(ax_lease_open(&lease, hall, 8), AX_OK);
    lease_sell();
    CHECK_FATAL(ax_map_create(&(ax_map_options){ .shards = 1 }, &map) == AX_OK);
    map_replace();
    CHECK_FATAL(ax_memo_create(&(ax_memo_options){ .compute = square }, &memo) == AX_OK);
    for (int i = 0; i < 2; i++) /* the second is a hit, and the first to be counted as one */
        memo_hit();
    ax_adder_add(adder, 1);
    call_all(calls, sizeof calls / sizeof *calls);
    ax_memo_destroy(memo);
    ax_map_destroy(map);
    ax_tickets_fini(hall);
    ax_adder_fini(adder);
}

/* ---- what the linker puts in place of ... ---- */

static void promised(const char *function)
{
    if (promising && CHECK(promising == NULL) == 0)
        fprintf(stderr, "%s calls %s\n", promising, function);
}

#define INSTEAD_OF(result, function, parameters, arguments) \
    result __real_##function parameters;                    \
    result __wrap_##function parameters;                    \
    result __wrap_##function parameters                     \
    {                                                       \
        promised(#function);                                \
        return __real_##function arguments;                 \
    }

INSTEAD_OF(void *, malloc, (size_t bytes), (bytes))
INSTEAD_OF(void *, calloc, (size_t count, size_t bytes), (count, bytes))
INSTEAD_OF(void *, realloc, (void *old, size_t bytes), (old, bytes))
INSTEAD_OF(void *, aligned_alloc, (size_t alignment, size_t bytes), (alignment, bytes))
INSTEAD_OF(void *, mmap, (void *at, size_t bytes, int protection, int flags, int file, off_t offset),
           (at, bytes, protection, flags, file, offset))
INSTEAD_OF(int, pthread_mutex_lock, (pthread_mutex_t *mutex), (mutex))
INSTEAD_OF(int, pthread_rwlock_rdlock, (pthread_rwlock_t *rwlock), (rwlock))
INSTEAD_OF(int, pthread_rwlock_wrlock, (pthread_rwlock_t *rwlock), (rwlock))
INSTEAD_OF(int, pthread_cond_wait, (pthread_cond_t *condition, pthread_mutex_t *mutex), (condition, mutex))
INSTEAD_OF(int, pthread_cond_timedwait, (pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until),
           (condition, mutex, until))
INSTEAD_OF(int, nanosleep, (const struct timespec *time, struct timespec *left), (time, left))
INSTEAD_OF(int, sched_yield, (void), ())
/* The futex is called by this name; what it needs fits into six words. */
INSTEAD_OF(long, syscall, (long number, long a, long b, long c, long d, long e, long f), (number, a, b, c, d, e, f))

int main(void)
{
    size = 1 << 16;
    memory = shared_memory(size);
    RUN(a_counter_may_change_in_a_handler);
    RUN(an_adder_may_be_added_to_asynchronously_in_a_handler);
    RUN(tickets_may_be_sold_in_a_handler);
    RUN(accounts_may_change_in_a_handler);
    RUN(what_never_blocks_does_not);
    return check_summary();
}
