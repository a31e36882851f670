/* SPDX-License-Identifier: MIT */
/*
 * A process forks while its threads use every primitive; each child uses every primitive, too: those it
 * inherited as far as their headers say so, and new ones of all kinds.
 */
#include <atomicx/accounts.h>
#include <atomicx/adder.h>
#include <atomicx/counter.h>
#include <atomicx/lock.h>
#include <atomicx/map.h>
#include <atomicx/memo.h>
#include <atomicx/tickets.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "../threads.h"
#include "values.h"

enum { WORKERS = 3, FORKS = 15, KEYS = 64, MONEY = 1000000, IN_CHILD = 200 };

struct things {
    ax_counter counter;
    ax_adder adder;
    ax_mutex mutex;
    ax_rwlock rwlock;
    ax_tickets *tickets;
    ax_accounts *accounts;
    ax_map *map;
    ax_memo *memo;
};

static struct things inherited;
static atomic_bool stop;
static atomic_int warm;

static void make(struct things *t)
{
    const ax_map_options owning = { .destroy = value_free, .shards = 4 };
    const ax_memo_options computing = { .compute = value_compute, .destroy = value_free, .capacity = 128 };
    uint32_t account;
    ax_counter_init(&t->counter, 0);
    ax_adder_init(&t->adder);
    CHECK_FATAL(ax_mutex_init(&t->mutex, NULL) == AX_OK && ax_rwlock_init(&t->rwlock, NULL) == AX_OK);
    CHECK_FATAL(ax_tickets_create(1000000, 8, NULL, &t->tickets) == AX_OK);
    CHECK_FATAL(ax_accounts_create(2, 64, NULL, &t->accounts) == AX_OK);
    CHECK_FATAL(ax_accounts_open(t->accounts, -MONEY, &account) == AX_OK && ax_accounts_open(t->accounts, -MONEY, &account) == AX_OK);
    CHECK_FATAL(ax_map_create(&owning, &t->map) == AX_OK);
    CHECK_FATAL(ax_memo_create(&computing, &t->memo) == AX_OK);
}

static void unmake(struct things *t)
{
    ax_adder_fini(&t->adder);
    CHECK_EQ(ax_mutex_fini(&t->mutex), AX_OK);
    CHECK_EQ(ax_rwlock_fini(&t->rwlock), AX_OK);
    ax_tickets_destroy(t->tickets);
    ax_accounts_destroy(t->accounts);
    CHECK_EQ(ax_map_destroy(t->map), AX_OK);
    CHECK_EQ(ax_memo_destroy(t->memo), AX_OK);
}

/* What an inherited object may be used for in a child: all but locks, memos and the parent's leases. */
static void use_inheritable(struct things *t, uint64_t number)
{
    uint32_t seat;
    int64_t sum;
    uint64_t key = number % KEYS;
    void *value = malloc(8);
    ax_counter_add(&t->counter, 1);
    ax_adder_add(&t->adder, 1);
    CHECK_EQ(ax_tickets_sell(t->tickets, &seat), AX_OK);
    CHECK_EQ(ax_tickets_refund(t->tickets, seat), AX_OK);
    CHECK_EQ(ax_accounts_transfer(t->accounts, (uint32_t)(number & 1), (uint32_t)(~number & 1), 1), AX_OK);
    CHECK(ax_accounts_audit(t->accounts, &sum) == AX_OK && sum == 0);
    CHECK_EQ(ax_map_put(t->map, ax_key_u64(key), (uint64_t)(uintptr_t)value), AX_OK);
    ax_map_read_begin(t->map);
    (void)ax_map_get(t->map, ax_key_u64((key * 7) % KEYS), NULL);
    ax_map_read_end(t->map);
    ax_status removed = ax_map_remove(t->map, ax_key_u64((key + 1) % KEYS), NULL);
    CHECK(removed == AX_OK || removed == AX_ENOTFOUND);
}

static void use(struct things *t, uint64_t number)
{
    ax_memo_ref ref;
    ax_lease lease;
    uint32_t seat = 0;
    use_inheritable(t, number);
    AX_WITH_LOCK(&t->mutex) {
        AX_WITH_WRLOCK(&t->rwlock) {
        }
    }
    AX_WITH_RDLOCK(&t->rwlock) {
    }
    number %= 2 * KEYS;
    CHECK_EQ(ax_memo_do(t->memo, &number, sizeof number, &ref), AX_OK);
    ax_memo_release(t->memo, &ref);
    CHECK_EQ(ax_lease_open(&lease, t->tickets, 4), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &seat), AX_OK);
    CHECK_EQ(ax_tickets_refund(t->tickets, seat), AX_OK);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
}

static void *keep_using(void *arg)
{
    for (uint64_t i = (uint64_t)(uintptr_t)arg << 20; !atomic_load(&stop); i++) {
        use(&inherited, i);
        atomic_fetch_add(&warm, 1);
    }
    return NULL;
}

static void use_in_child(int index, void *things)
{
    for (uint64_t i = 0; i < IN_CHILD; i++) {
        use_inheritable(&inherited, i);
        use(things, (uint64_t)index << 20 | i);
    }
}

static int child(void)
{
    static struct things fresh;
    int64_t count = ax_counter_read(&inherited.counter), sum = ax_adder_sum(&inherited.adder);
    make(&fresh);
    run_threads(WORKERS, use_in_child, &fresh);
    CHECK_EQ(ax_counter_read(&inherited.counter), count + WORKERS * IN_CHILD);
    CHECK_EQ(ax_adder_sum(&inherited.adder), sum + WORKERS * IN_CHILD);
    CHECK_EQ(ax_counter_read(&fresh.counter), WORKERS * IN_CHILD);
    CHECK_EQ(ax_adder_sum(&fresh.adder), WORKERS * IN_CHILD);
    CHECK_EQ(ax_map_flush(inherited.map), AX_OK);
    unmake(&fresh);
    CHECK_EQ(ax_map_destroy(inherited.map), AX_OK);
    return check_failures == 0 ? 0 : 1;
}

int main(void)
{
    pthread_t threads[WORKERS];
    make(&inherited);
    for (int i = 0; i < WORKERS; i++)
        CHECK_FATAL(pthread_create(&threads[i], NULL, keep_using, (void *)(uintptr_t)(i + 1)) == 0);
    for (int i = 0; i < FORKS; i++) {
        for (int seen = atomic_load(&warm); atomic_load(&warm) < seen + 10;)
            sched_yield(); /* so that each fork meets them at work */
        fflush(stdout);
        pid_t pid = fork();
        CHECK_FATAL(pid >= 0);
        if (pid == 0)
            _exit(child());
        int status;
        CHECK_FATAL(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(ax_counter_read(&inherited.counter), ax_adder_sum(&inherited.adder));
    unmake(&inherited);
    return check_summary();
}
