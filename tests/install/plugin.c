/* SPDX-License-Identifier: MIT */
/* A plugin that uses the library on whatever threads its host has. See plugin_host.c. */
#include "plugin.h"

#include <atomicx/accounts.h>
#include <atomicx/adder.h>
#include <atomicx/counter.h>
#include <atomicx/lock.h>
#include <atomicx/map.h>
#include <atomicx/memo.h>
#include <atomicx/tickets.h>

#include "values.h"

enum { SEATS = 100000 };

static ax_counter calls;
static ax_adder requests;
static ax_mutex lock;
static int64_t locked;
static ax_tickets *tickets;
static ax_accounts *accounts;
static ax_map *map;
static ax_memo *memo;

int plugin_start(void)
{
    const ax_map_options owning = { .destroy = value_free };
    const ax_memo_options computing = { .compute = value_compute, .destroy = value_free, .capacity = 64 };
    const ax_lock_options checked = { .check = AX_LOCK_CHECK_YES, .name = "plugin" };
    uint32_t account;
    ax_counter_init(&calls, 0);
    return ax_tickets_create(SEATS, 0, NULL, &tickets) == AX_OK && ax_accounts_create(1, 16, NULL, &accounts) == AX_OK &&
           ax_accounts_open(accounts, 0, &account) == AX_OK && ax_map_create(&owning, &map) == AX_OK &&
           ax_memo_create(&computing, &memo) == AX_OK && ax_mutex_init(&lock, &checked) == AX_OK;
}

int plugin_work(uint64_t number)
{
    uint32_t seat;
    ax_memo_ref ref;
    void *value = malloc(16);
    int good = value != NULL && ax_tickets_sell(tickets, &seat) == AX_OK &&
               ax_accounts_deposit(accounts, 0, 1) == AX_OK &&
               ax_map_put(map, ax_key_u64(number % 32), (uint64_t)(uintptr_t)value) == AX_OK &&
               ax_memo_do(memo, &number, sizeof number, &ref) == AX_OK;
    if (!good)
        return 0;
    ax_memo_release(memo, &ref);
    AX_WITH_LOCK(&lock) {
        locked++;
    }
    ax_adder_add(&requests, 1);
    ax_counter_add(&calls, 1);
    return 1;
}

int plugin_stop(uint64_t expected)
{
    int64_t deposited = -1, count = (int64_t)expected;
    int good = ax_counter_read(&calls) == count && ax_adder_sum(&requests) == count && locked == count &&
               SEATS - ax_tickets_left(tickets) == expected && ax_accounts_balance(accounts, 0, &deposited) == AX_OK &&
               deposited == count;
    ax_adder_fini(&requests); /* threads that live on keep nothing of it */
    ax_tickets_destroy(tickets);
    ax_accounts_destroy(accounts);
    good &= ax_map_destroy(map) == AX_OK && ax_memo_destroy(memo) == AX_OK && ax_mutex_fini(&lock) == AX_OK;
    locked = 0;
    return good;
}
