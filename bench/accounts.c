/* SPDX-License-Identifier: MIT */
/* accounts: transfers between random accounts and on one hot pair, audits among transfers, ours and under mutexes. */
#include <atomicx/accounts.h>

#include <pthread.h>
#include <stdatomic.h>

#include "bench.h"
#include "latency.h"

enum { ACCOUNTS = 1000, OPENING = 1000000 };

struct guarded {
    _Alignas(128) pthread_mutex_t mutex;
    int64_t balance, floor;
};

static ax_accounts *bank;
static struct guarded guarded[ACCOUNTS];
static _Alignas(128) pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(((*state >> 32) * below) >> 32);
}

static int thread_count;
static atomic_bool audited; /* the one who audits has done */

static void prepare(int threads, uint64_t n)
{
    (void)n;
    thread_count = threads;
    atomic_store(&audited, false);
    bench_require(ax_accounts_create(ACCOUNTS, 2 * (uint32_t)threads, NULL, &bank) == AX_OK, "create");
    for (int i = 0; i < ACCOUNTS; i++) {
        uint32_t account;
        bench_require(ax_accounts_open(bank, 0, &account) == AX_OK, "open");
        bench_require(ax_accounts_deposit(bank, account, OPENING) == AX_OK, "deposit");
        pthread_mutex_init(&guarded[i].mutex, NULL);
        guarded[i].balance = OPENING;
        guarded[i].floor = 0;
    }
}

static void finish(int threads, uint64_t n)
{
    (void)threads;
    (void)n;
    int64_t sum, guarded_sum = 0;
    bench_require(ax_accounts_audit(bank, &sum) == AX_OK && sum == (int64_t)ACCOUNTS * OPENING, "money was lost");
    for (int i = 0; i < ACCOUNTS; i++)
        guarded_sum += guarded[i].balance;
    bench_require(guarded_sum == (int64_t)ACCOUNTS * OPENING, "money was lost");
    ax_accounts_destroy(bank);
}

static int move(uint32_t from, uint32_t to, int64_t amount)
{
    if (guarded[from].balance - amount < guarded[from].floor)
        return 0;
    guarded[from].balance -= amount;
    guarded[to].balance += amount;
    return 1;
}

static void transfer_mutex(uint32_t from, uint32_t to, int64_t amount)
{
    pthread_mutex_lock(&mutex);
    (void)move(from, to, amount);
    pthread_mutex_unlock(&mutex);
}

static void transfer_two(uint32_t from, uint32_t to, int64_t amount)
{
    uint32_t first = from < to ? from : to, second = from < to ? to : from;
    pthread_mutex_lock(&guarded[first].mutex);
    pthread_mutex_lock(&guarded[second].mutex);
    (void)move(from, to, amount);
    pthread_mutex_unlock(&guarded[second].mutex);
    pthread_mutex_unlock(&guarded[first].mutex);
}

static void transfer_ours(uint32_t from, uint32_t to, int64_t amount)
{
    (void)ax_accounts_transfer(bank, from, to, amount);
}

static inline void work(int thread, uint64_t n, uint32_t accounts, void (*transfer)(uint32_t, uint32_t, int64_t))
{
    uint64_t random = (uint64_t)thread * 7919 + 1;
    for (BENCH_EACH(i, n)) {
        uint32_t from = draw(&random, accounts);
        uint32_t to = draw(&random, accounts - 1);
        transfer(from, to + (to >= from), draw(&random, 100));
    }
}

#define WORK(name)                                                  \
    static void all_##name(int thread, uint64_t n)                  \
    {                                                               \
        work(thread, n, ACCOUNTS, transfer_##name);                 \
    }                                                               \
    static void pair_##name(int thread, uint64_t n)                 \
    {                                                               \
        work(thread, n, 2, transfer_##name);                        \
    }
WORK(mutex)
WORK(two)
WORK(ours)

static int64_t sum_mutex(void)
{
    int64_t sum = 0;
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < ACCOUNTS; i++)
        sum += guarded[i].balance;
    pthread_mutex_unlock(&mutex);
    return sum;
}

static int64_t sum_ours(void)
{
    int64_t sum;
    return ax_accounts_audit(bank, &sum) == AX_OK ? sum : -1;
}

/* The first thread audits after each thousandth of its transfers; the audits are not counted. */
static void all_audited(int thread, uint64_t n)
{
    uint64_t random = (uint64_t)thread * 7919 + 1;
    for (BENCH_EACH(i, n)) {
        uint32_t from = draw(&random, ACCOUNTS), to = draw(&random, ACCOUNTS - 1);
        transfer_ours(from, to + (to >= from), draw(&random, 100));
        if (thread == 0 && i % 1000 == 999)
            bench_require(sum_ours() == (int64_t)ACCOUNTS * OPENING, "money in flight");
    }
}

/* The first thread does the audits of all; the others move money meanwhile, which is not counted. */
static inline void beside(int thread, uint64_t n, void (*transfer)(uint32_t, uint32_t, int64_t), int64_t (*sum)(void))
{
    uint64_t random = (uint64_t)thread * 7919 + 1;
    while (thread != 0 && !atomic_load_explicit(&audited, memory_order_relaxed)) {
        uint32_t from = draw(&random, ACCOUNTS), to = draw(&random, ACCOUNTS - 1);
        transfer(from, to + (to >= from), draw(&random, 100));
    }
    if (thread != 0)
        return;
    for (BENCH_EACH(i, n * (uint64_t)thread_count))
        bench_require(sum() == (int64_t)ACCOUNTS * OPENING, "money in flight");
    atomic_store(&audited, true);
}

static void beside_mutex(int thread, uint64_t n)
{
    beside(thread, n, transfer_mutex, sum_mutex);
}

static void beside_ours(int thread, uint64_t n)
{
    beside(thread, n, transfer_ours, sum_ours);
}

int main(int argc, char **argv)
{
    static const struct bench_case all[] = {
        { "one mutex", prepare, all_mutex, finish, NULL },
        { "two ordered mutexes", prepare, all_two, finish, NULL },
        { "ax_accounts", prepare, all_ours, finish, NULL },
        { "ax_accounts, one thread audits", prepare, all_audited, finish, NULL },
    };
    static const struct bench_case pair[] = {
        { "one mutex", prepare, pair_mutex, finish, NULL },
        { "two ordered mutexes", prepare, pair_two, finish, NULL },
        { "ax_accounts", prepare, pair_ours, finish, NULL },
    };
    static const struct bench_case sums[] = {
        { "one mutex", prepare, beside_mutex, finish, NULL },
        { "ax_accounts", prepare, beside_ours, finish, NULL },
    };
    static const struct bench benches[] = {
        { "1,000 accounts", "transfers", all, 4, 4000000 },
        { "hot pair", "transfers", pair, 3, 4000000 },
        { "audit of 1,000 accounts among transfers", "audits", sums, 2, 40000 },
    };
    return bench_main(argc, argv, benches, LATENCY ? 3 : 2); /* a rate of audits says little; how long one takes does */
}
