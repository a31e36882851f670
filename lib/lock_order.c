/* SPDX-License-Identifier: MIT */
/*
 * lock_order.c: which lock was taken while which was held, as a graph of records.
 *
 * An order that closes a circle is reported and kept aside (inverted), so that the graph stays free of
 * circles: each later report then is about an order of its own, and none follows from a reported one.
 */
#include <stdlib.h>

#include "lock_check.h"

struct axi_lock_order {
    struct axi_lock_record *from, *to;
    struct axi_lock_order *next_out, **link_out; /* among from's; who points here */
    struct axi_lock_order *next_in, **link_in;   /* among to's */
    const char *from_site, *to_site;
    bool inverted;
};

static uint64_t searches; /* like everything here under the internal mutex */

/* Looks through the shorter of the two lists, turn by turn: a lock held around all others has many
 * followers, each of which has few before it. */
static struct axi_lock_order *find(const struct axi_lock_record *from, const struct axi_lock_record *to)
{
    struct axi_lock_order *out = from->out, *in = to->in;
    for (; out && in; out = out->next_out, in = in->next_in) {
        if (out->to == to)
            return out;
        if (in->from == from)
            return in;
    }
    return NULL; /* one list is at its end without it, so it is in neither */
}

/* The last order of a path from `start` to `goal`, or NULL. Breadth first; the queue runs through the
 * records themselves. */
static struct axi_lock_order *path(struct axi_lock_record *start, struct axi_lock_record *goal)
{
    searches++;
    struct axi_lock_record *last = start;
    start->visited = searches;
    start->next_visited = NULL;
    for (struct axi_lock_record *here = start; here; here = here->next_visited) {
        for (struct axi_lock_order *order = here->out; order; order = order->next_out) {
            if (order->inverted)
                continue;
            if (order->to == goal)
                return order;
            if (order->to->visited != searches) {
                order->to->visited = searches;
                order->to->next_visited = NULL;
                last = last->next_visited = order->to;
            }
        }
    }
    return NULL;
}

static bool add(struct axi_lock_record *from, struct axi_lock_record *to, const char *from_site, const char *to_site,
                bool inverted)
{
    struct axi_lock_order *order = malloc(sizeof *order);
    if (!order)
        return false;
    *order = (struct axi_lock_order){ .from = from, .to = to, .from_site = from_site, .to_site = to_site,
                                      .inverted = inverted };
    order->next_out = from->out;
    order->link_out = &from->out;
    if (from->out)
        from->out->link_out = &order->next_out;
    from->out = order;
    order->next_in = to->in;
    order->link_in = &to->in;
    if (to->in)
        to->in->link_in = &order->next_in;
    to->in = order;
    return true;
}

static void drop(struct axi_lock_order *order)
{
    *order->link_out = order->next_out;
    if (order->next_out)
        order->next_out->link_out = order->link_out;
    *order->link_in = order->next_in;
    if (order->next_in)
        order->next_in->link_in = order->link_in;
    free(order);
}

void axi_lock_forget_orders(struct axi_lock_record *record)
{
    while (record->out)
        drop(record->out);
    while (record->in)
        drop(record->in);
}

bool axi_lock_note_order(struct axi_lock_thread *thread, const struct axi_lock_held *held,
                         struct axi_lock_record *to, const char *site, ax_lock_report *report)
{
    uint64_t serial = axi_load_relaxed(&to->serial); /* relaxed: `to` is in use, its serial stays */
    if (axi_lock_order_known(thread, held->serial, serial))
        return false;

    bool inversion = false, noted = true;
    axi_lock_mutex();
    struct axi_lock_record *from = held->record;
    /* relaxed: under the mutex */
    if (from != to && axi_load_relaxed(&from->serial) == held->serial && !find(from, to)) {
        struct axi_lock_order *opposite = path(to, from);
        noted = add(from, to, held->site, site, opposite != NULL);
        if (opposite) {
            inversion = true;
            report->misuse = AX_LOCK_INVERSION;
            report->other_lock = axi_load_relaxed(&from->address); /* relaxed: under the mutex */
            report->other_name = from->name;
            report->held_site = held->site;
            report->other_site = opposite->to_site;
        } else if (!noted) {
            report->misuse = AX_LOCK_UNCHECKED;
        }
        report->name = to->name;
    }
    axi_lock_unmutex();
    if (noted)
        *axi_lock_known_slot(thread, held->serial, serial) = (struct axi_lock_pair){ held->serial, serial };
    return inversion;
}
