/* SPDX-License-Identifier: MIT */
/* Zoo: the mistakes of the stress programs' broken- variants, small enough to be explored. */
#include "../threads.h"

#include <atomicx/counter.h>

/* ---- counting logins ---- */

static atomic_llong logins;
static long long plain_logins;
THREAD(handles_login) { store(&logins, load(&logins, relaxed) + 1, relaxed); return NULL; }
THREAD(handles_login_plainly) { plain_logins++; return NULL; }
AX_MODEL_BROKEN(broken_load_add_store, "assertion")
{
    run2(handles_login, handles_login);
    assert(load(&logins, relaxed) == 2);
}
AX_MODEL_BROKEN(broken_plain, "data race") { run2(handles_login_plainly, handles_login_plainly); }

static ax_counter counter;
struct service {
    int port;
    ax_counter logins;
};
static __attribute__((noinline)) void handle(struct service s) { ax_counter_add(&s.logins, 1); }
THREAD(hands_a_copy)
{
    struct service s = {.port = 443, .logins = counter};
    handle(s);
    return NULL;
}
THREAD(hands_a_pointer) { ax_counter_add(&counter, 1); return NULL; }
AX_MODEL_BROKEN(broken_copied, "assertion")
{
    run2(hands_a_copy, hands_a_copy);
    assert(ax_counter_read(&counter) == 2);
}
AX_MODEL_TEST(repaired_counter_by_pointer)
{
    run2(hands_a_pointer, hands_a_pointer);
    assert(ax_counter_read(&counter) == 2);
}

/* ---- a variable per thread, read and reset by the flusher ---- */

static atomic_int slots[2];
static int flushed;
THREAD(adds_to_own_slot)
{
    atomic_int *own = &slots[(size_t)self - 1];
    for (int i = 0; i < 2; i++)
        store(own, load(own, relaxed) + 1, relaxed);
    return NULL;
}
THREAD(reads_and_resets)
{
    for (int i = 0; i < 2; i++) {
        flushed += load(&slots[i], relaxed);
        store(&slots[i], 0, relaxed);
    }
    return NULL;
}
THREAD(exchanges)
{
    for (int i = 0; i < 2; i++)
        flushed += exchange(&slots[i], 0, relaxed);
    return NULL;
}
THREAD(adds_by_rmw)
{
    for (int i = 0; i < 2; i++)
        add(&slots[(size_t)self - 1], 1, relaxed);
    return NULL;
}
static void all_is_flushed(void *(*adder)(void *), void *(*flusher)(void *))
{
    run3(adder, adder, flusher);
    assert(flushed + load(&slots[0], relaxed) + load(&slots[1], relaxed) == 4);
}
AX_MODEL_BROKEN(broken_read_and_reset, "assertion") { all_is_flushed(adds_to_own_slot, reads_and_resets); }
AX_MODEL_BROKEN(broken_exchange_against_store, "assertion") { all_is_flushed(adds_to_own_slot, exchanges); }
AX_MODEL_TEST(repaired_read_modify_writes_on_both_sides) { all_is_flushed(adds_by_rmw, exchanges); }

/* ---- the last ticket ---- */

static atomic_int left;
static atomic_int buyers_of[4];
static atomic_int negative;
THREAD(checks_then_stores)
{
    int n = load(&left, relaxed);
    if (n == 0)
        return NULL;
    store(&left, n - 1, relaxed);
    add(&buyers_of[n - 1], 1, relaxed);
    return NULL;
}
THREAD(checks_then_subtracts)
{
    if (load(&left, relaxed) <= 0)
        return NULL;
    int n = sub(&left, 1, relaxed) - 1;
    if (n < 0)
        store(&negative, 1, relaxed);
    else
        add(&buyers_of[n], 1, relaxed);
    return NULL;
}
THREAD(compares_and_swaps)
{
    int n = load(&left, relaxed);
    while (n > 0)
        if (cas(&left, &n, n - 1, relaxed, relaxed)) {
            add(&buyers_of[n - 1], 1, relaxed);
            break;
        }
    return NULL;
}
static void each_ticket_once(void *(*buyer)(void *))
{
    store(&left, 2, relaxed);
    run3(buyer, buyer, buyer);
    for (int i = 0; i < 2; i++)
        assert(load(&buyers_of[i], relaxed) <= 1);
    assert(load(&negative, relaxed) == 0);
}
AX_MODEL_BROKEN(broken_check_then_act, "assertion") { each_ticket_once(checks_then_stores); }
AX_MODEL_BROKEN(broken_minus_one, "assertion") { each_ticket_once(checks_then_subtracts); }
AX_MODEL_TEST(repaired_compare_and_swap) { each_ticket_once(compares_and_swaps); }
