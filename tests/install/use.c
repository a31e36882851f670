/* SPDX-License-Identifier: MIT */
/* A user's program, C or C++: each primitive once, from the installed headers and library. */
#include <atomicx/accounts.h>
#include <atomicx/adder.h>
#include <atomicx/counter.h>
#include <atomicx/lock.h>
#include <atomicx/map.h>
#include <atomicx/memo.h>
#include <atomicx/tickets.h>
#include <atomicx/version.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 1000 };

static ax_counter logins = AX_COUNTER_INIT(0);
static ax_adder requests;
static ax_mutex jobs_lock = AX_MUTEX_CHECKED_INIT("jobs", 0);
static int jobs;
static ax_tickets *hall;
static ax_accounts *bank;
static ax_map *hits;
static ax_memo *squares;

static ax_status square(void *context, const void *key, size_t key_len, void **value)
{
    (void)context;
    uintptr_t number = 0;
    memcpy(&number, key, key_len < sizeof number ? key_len : sizeof number);
    *value = (void *)(number * number);
    return AX_OK;
}

/* Returns its argument when something was refused. */
static void *serve(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t seat;
        uintptr_t seven = 7;
        ax_memo_ref ref;
        int good = 1;
        ax_counter_add(&logins, 1);
        ax_adder_add(&requests, 1);
        AX_WITH_LOCK(&jobs_lock) {
            jobs++;
        }
        good &= ax_tickets_sell(hall, &seat) == AX_OK;
        good &= ax_accounts_transfer(bank, 0, 1, 1) == AX_OK;
        good &= ax_map_add(hits, ax_key_u64(404), 1, NULL) == AX_OK;
        if (ax_memo_do(squares, &seven, sizeof seven, &ref) == AX_OK) {
            good &= (uintptr_t)ref.value == 49;
            ax_memo_release(squares, &ref);
        }
        if (!good)
            return arg;
    }
    return NULL;
}

int main(void)
{
    ax_memo_options options;
    uint32_t account;
    int64_t moved = -1;
    uint64_t hit = 0;
    pthread_t threads[THREADS];
    memset(&options, 0, sizeof options);
    options.compute = square;
    if (ax_tickets_create(THREADS * ROUNDS, 0, NULL, &hall) != AX_OK ||
        ax_accounts_create(2, 2 * THREADS, NULL, &bank) != AX_OK || ax_map_create(NULL, &hits) != AX_OK ||
        ax_memo_create(&options, &squares) != AX_OK || ax_accounts_open(bank, -THREADS * ROUNDS, &account) != AX_OK ||
        ax_accounts_open(bank, 0, &account) != AX_OK)
        return 2;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, serve, &jobs) != 0)
            return 2;
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        if (pthread_join(threads[i], &failed) != 0 || failed)
            return 3;
    }
    (void)ax_accounts_balance(bank, 1, &moved);
    (void)ax_map_get(hits, ax_key_u64(404), &hit);
    printf("%d logins, %d requests, %d jobs, %u left, %d moved, %d hits, version %s\n", (int)ax_counter_read(&logins),
           (int)ax_adder_sum(&requests), jobs, ax_tickets_left(hall), (int)moved, (int)hit, ax_version());
    ax_tickets_destroy(hall);
    ax_accounts_destroy(bank);
    if (ax_map_destroy(hits) != AX_OK || ax_memo_destroy(squares) != AX_OK)
        return 4;
    return strcmp(ax_version(), AX_VERSION_STRING) == 0 ? 0 : 5;
}
