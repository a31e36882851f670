/* SPDX-License-Identifier: MIT */
/*
 * explore.c [deep|deepest]: the protocol, exhaustively within bounds. Two holders (cluster/holder.c, as it is) and the in-memory
 * engine's steps (cluster/memory_event.c, as they are), with everything between them that can go wrong: at each
 * call of the engine the request is dropped, or its answer is lost, or it is delayed and carried out at any later
 * time; a holder crashes; any lease expires at any moment; a buyer stops waiting, or asks the other holder as well.
 *
 * Every order of these events is tried, with states met before cut off (by a 128-bit hash of all their bytes).
 * In each state: what buyers were told is true at the server and no ticket was told to two orders; no order has
 * two tickets; "sold out" was true; tickets are free, leased or sold, each once. And from each state, when the
 * faults end, everybody gets an answer and every ticket can still be sold.
 *
 * Prints EXHAUSTED and the bounds, or the events that led to a violation (exit 1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "holder.h"
#include "memory.h"

enum { HOLDERS = 2, MOST_ORDERS = 4, MOST_TICKETS = 8, NETWORK = 1, ROOM = 4096, DEPTH = 400, NOBODY = 255 };

struct bounds {
    uint32_t tickets, orders, block;
    unsigned char faults, crashes, repeats, nonces;
};

enum kind { LEASE, COMMIT, RELEASE };

/* A request on its way. */
struct request {
    bool there;
    enum kind kind;
    struct axi_nonce nonce;
    uint32_t want, lo, from, upto;
    ax_order orders[MOST_ORDERS];
};

struct seller {
    struct axi_holder holder;
    unsigned char count;
    unsigned char queue[MOST_ORDERS + 1]; /* orders by number, the first holder.pending frozen */
};

/* All that a state is. Bytes, so that it can be saved, hashed and put back. */
struct world {
    struct seller seller[HOLDERS];
    struct request network[NETWORK];
    unsigned char told[MOST_ORDERS];     /* ticket + 1; 0: none so far */
    unsigned char sold_out[MOST_ORDERS]; /* was told so */
    unsigned char faults, crashes, repeats, nonces;
    _Alignas(struct axi_memory_event) unsigned char event[ROOM];
};

static struct world world;
static struct bounds bounds;
static struct axi_memory_event *event;
static const char *wrong; /* the first violation of this path */
static bool out_of_nonces;

/* What becomes of the next call of the engine. */
static enum { ARRIVES, DROPPED, ANSWER_LOST, DELAYED } fate;

static const char *path[DEPTH];
static char path_text[DEPTH][64];

static void violated(const char *what)
{
    if (wrong == NULL)
        wrong = what;
}

/* ---- the holder's surroundings ---- */

ax_status axi_random_bits(void *bits, size_t size)
{
    memset(bits, 0, size);
    out_of_nonces = world.nonces == 0;
    if (!out_of_nonces)
        world.nonces--;
    *(unsigned char *)bits = (unsigned char)(world.nonces + 1);
    return AX_OK;
}

static ax_status carry_out(struct request *request, struct axi_block *block, uint32_t *numbers)
{
    const struct axi_commit commit = { request->lo, request->from, request->upto, request->orders };
    request->there = false;
    switch (request->kind) {
    case LEASE:
        return axi_memory_lease(event, &request->nonce, request->want, 0, block);
    case COMMIT:
        return axi_memory_commit(event, &request->nonce, &commit, 0, numbers);
    case RELEASE:
        axi_memory_release(event, &request->nonce);
        break;
    }
    return AX_OK;
}

static ax_status send_out(struct request request, struct axi_block *block, uint32_t *numbers)
{
    struct axi_block ignored_block;
    uint32_t ignored[MOST_ORDERS];
    ax_status status = AX_ETIMEDOUT;
    if (fate == ARRIVES)
        status = carry_out(&request, block, numbers);
    else if (fate == ANSWER_LOST)
        carry_out(&request, &ignored_block, ignored);
    else if (fate == DELAYED) {
        world.network[0] = request;
        world.network[0].there = true;
    }
    fate = ARRIVES;
    return status;
}

static struct request request_of(enum kind kind, const struct axi_nonce *nonce)
{
    struct request request;
    memset(&request, 0, sizeof request);
    request.kind = kind;
    request.nonce = *nonce;
    return request;
}

static ax_status engine_lease(struct axi_engine *engine, const struct axi_event_id *id, const struct axi_nonce *nonce,
                              uint32_t want, struct axi_block *block)
{
    (void)engine, (void)id;
    struct request request = request_of(LEASE, nonce);
    request.want = want;
    return send_out(request, block, NULL);
}

static ax_status engine_commit(struct axi_engine *engine, const struct axi_event_id *id, const struct axi_nonce *nonce,
                               const struct axi_commit *commit, uint32_t *numbers)
{
    (void)engine, (void)id;
    struct request request = request_of(COMMIT, nonce);
    request.lo = commit->lo;
    request.from = commit->from;
    request.upto = commit->upto;
    memcpy(request.orders, commit->orders, (commit->upto - commit->from) * sizeof request.orders[0]);
    return send_out(request, NULL, numbers);
}

static ax_status engine_release(struct axi_engine *engine, const struct axi_event_id *id, const struct axi_nonce *nonce)
{
    (void)engine, (void)id;
    return send_out(request_of(RELEASE, nonce), NULL, NULL);
}

static const struct axi_engine_functions functions = { .lease = engine_lease, .commit = engine_commit,
                                                       .release = engine_release };
static struct axi_engine engine = { &functions };

static ax_order id_of(unsigned order)
{
    ax_order id;
    memset(&id, 0, sizeof id);
    id.id[0] = (unsigned char)(order + 1);
    return id;
}

/* ---- what must be so ---- */

static uint32_t ticket_at_server(unsigned order)
{
    ax_order id = id_of(order);
    uint32_t found = AXI_NO_TICKET;
    for (uint32_t ticket = 0; ticket < bounds.tickets; ticket++) {
        if (event->taken[ticket] != 2 || memcmp(&event->order[ticket], &id, sizeof id) != 0)
            continue;
        if (found != AXI_NO_TICKET)
            violated("an order has two tickets");
        found = ticket;
    }
    return found;
}

static void look_at_state(void)
{
    for (unsigned order = 0; order < bounds.orders; order++) {
        uint32_t has = ticket_at_server(order);
        if (world.told[order] != 0 && has + 1 != world.told[order])
            violated("a buyer was told a ticket that the server does not have for it");
        if (world.sold_out[order] != 0 && has != AXI_NO_TICKET)
            violated("a buyer was told that all is sold, and its order has a ticket");
        for (unsigned other = 0; other < order; other++)
            if (world.told[order] != 0 && world.told[order] == world.told[other])
                violated("a ticket was sold to two buyers");
    }
    unsigned char leased[MOST_TICKETS] = { 0 };
    for (int i = 0; i < AXI_MEMORY_LEASES; i++)
        for (uint32_t t = event->lease[i].block.done; event->lease[i].open && t < event->lease[i].block.hi; t++)
            if (leased[t]++ != 0)
                violated("a ticket is leased twice");
    for (uint32_t t = 0; t < bounds.tickets; t++)
        if ((event->taken[t] == 1) != (leased[t] == 1))
            violated("a ticket is in no place, or in two");
}

/* ---- what can happen ---- */

static void settle(unsigned order, uint32_t number, ax_status none)
{
    if (number == AXI_NO_TICKET) {
        if (none == AX_OK)
            violated("a sale succeeded without a ticket");
        world.sold_out[order] |= none == AX_ESOLDOUT;
        return;
    }
    if (world.told[order] != 0 && world.told[order] != number + 1)
        violated("a buyer was told two tickets");
    world.told[order] = (unsigned char)(number + 1);
}

/* One step of a holder. What was told AX_EAGAIN is asked again: it goes to the end of the queue. */
static void step(struct seller *seller)
{
    ax_order orders[MOST_ORDERS + 1];
    uint32_t numbers[MOST_ORDERS + 1], told;
    unsigned char again[MOST_ORDERS + 1];
    unsigned agains = 0;
    for (unsigned i = 0; i < seller->count; i++)
        orders[i] = id_of(seller->queue[i]);
    ax_status status = axi_holder_step(&seller->holder, &engine, &event->id, bounds.block, orders, seller->count, numbers, &told);
    if (told == 0 && status != AX_OK && status != AX_ETIMEDOUT)
        violated("a holder gave up");
    if (!seller->holder.leased && !seller->holder.asked && seller->holder.none == AX_OK)
        memset(&seller->holder, 0, sizeof seller->holder); /* what it will not look at makes no difference */
    for (uint32_t i = 0; i < told; i++) {
        settle(seller->queue[i], numbers[i], status);
        if (numbers[i] == AXI_NO_TICKET && status == AX_EAGAIN)
            again[agains++] = seller->queue[i];
    }
    seller->count = (unsigned char)(seller->count - told);
    memmove(seller->queue, seller->queue + told, seller->count);
    memcpy(seller->queue + seller->count, again, agains);
    seller->count = (unsigned char)(seller->count + agains);
    memset(seller->queue + seller->count, NOBODY, sizeof seller->queue - seller->count);
}

static bool waits(const struct seller *seller, unsigned order)
{
    return memchr(seller->queue, (int)order, seller->count) != NULL;
}

static void ask(struct seller *seller, unsigned order)
{
    seller->queue[seller->count++] = (unsigned char)order;
}

/* Performs event number `which` of those possible here, or returns false when there are not so many. */
static bool happen(unsigned which, char *name)
{
    for (unsigned h = 0; h < HOLDERS; h++) {
        struct seller *seller = &world.seller[h];
        bool releases = seller->count == 0 && seller->holder.leased;
        static const char *const fates[] = { "", ", request dropped", ", answer lost", ", request delayed" };
        for (unsigned f = ARRIVES; f <= DELAYED && (seller->count > 0 || releases); f++) {
            if ((f != ARRIVES && world.faults == 0) || (f == DELAYED && world.network[0].there) || which-- != 0)
                continue;
            sprintf(name, "holder %u %s%s", h, releases ? "releases" : "steps", fates[f]);
            world.faults = (unsigned char)(world.faults - (f != ARRIVES));
            fate = f;
            if (!releases) {
                step(seller);
            } else if (axi_holder_release(&seller->holder, &engine, &event->id) != AX_OK) {
                memset(&seller->holder, 0, sizeof seller->holder);
            }
            return true;
        }
        if (world.crashes > 0 && (seller->holder.leased || seller->holder.asked) && which-- == 0) {
            sprintf(name, "holder %u crashes", h);
            world.crashes--;
            memset(&seller->holder, 0, sizeof seller->holder);
            return true;
        }
        for (unsigned i = seller->holder.pending; i < seller->count; i++) {
            if (which-- != 0)
                continue;
            sprintf(name, "the buyer of order %u stops waiting at holder %u", seller->queue[i], h);
            memmove(seller->queue + i, seller->queue + i + 1, sizeof seller->queue - i - 1);
            seller->queue[--seller->count] = NOBODY;
            return true;
        }
        for (unsigned order = 0; order < bounds.orders && world.repeats > 0; order++) {
            if (waits(seller, order) || seller->count == MOST_ORDERS || which-- != 0)
                continue;
            sprintf(name, "order %u is bought again at holder %u", order, h);
            world.repeats--;
            ask(seller, order);
            return true;
        }
    }
    if (world.network[0].there && which-- == 0) {
        struct axi_block block;
        uint32_t numbers[MOST_ORDERS];
        sprintf(name, "the delayed request arrives");
        carry_out(&world.network[0], &block, numbers);
        memset(&world.network[0], 0, sizeof world.network[0]);
        return true;
    }
    for (unsigned i = 0; i < AXI_MEMORY_LEASES; i++) {
        if (!event->lease[i].open || event->lease[i].expires_ms == 0 || which-- != 0)
            continue;
        sprintf(name, "lease %u expires", event->lease[i].nonce.bits[0]);
        event->lease[i].expires_ms = 0;
        return true;
    }
    return false;
}

/* From here on nothing goes wrong: every order is settled, and when no lease is open every ticket is there. */
static void all_ends_well(void)
{
    world.nonces = 250;
    for (unsigned order = 0; order < bounds.orders; order++)
        if (world.told[order] == 0 && world.sold_out[order] == 0 && !waits(&world.seller[0], order) &&
            !waits(&world.seller[1], order) && world.seller[order % 2].count < MOST_ORDERS)
            ask(&world.seller[order % 2], order);
    for (int i = 0; i < 100 && world.seller[0].count + world.seller[1].count > 0; i++) {
        for (int h = 0; h < HOLDERS; h++)
            if (world.seller[h].count > 0)
                step(&world.seller[h]);
        if (i % 10 == 9)
            for (int l = 0; l < AXI_MEMORY_LEASES; l++)
                event->lease[l].expires_ms = 0;
    }
    if (world.seller[0].count + world.seller[1].count > 0)
        violated("without faults, buyers still get no answer");
    for (int l = 0; l < AXI_MEMORY_LEASES; l++)
        event->lease[l].expires_ms = 0;
    ax_event_figures figures;
    axi_memory_reap(event, 0, &figures);
    uint32_t settled = 0;
    for (unsigned order = 0; order < bounds.orders; order++)
        settled += ticket_at_server(order) != AXI_NO_TICKET;
    if (figures.leased != 0 || figures.sold != settled || figures.free + figures.sold != bounds.tickets)
        violated("a ticket is lost");
    look_at_state();
}

/* ---- all orders of events ---- */

struct digest {
    uint64_t a, b;
};

static struct digest *seen;
static size_t seen_room = 1u << 16, seen_count, states, prunings;

static struct digest digest_of(const void *memory, size_t size)
{
    const unsigned char *bytes = memory;
    struct digest d = { 0xcbf29ce484222325u, 0x9ae16a3b2f90404fu };
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        d.a = (d.a ^ word) * 0x9fb21c651e98df25u;
        d.a ^= d.a >> 32;
        d.b = (d.b + word) * 0xc2b2ae3d27d4eb4fu;
        d.b ^= d.b >> 29;
    }
    d.a |= d.a == 0; /* 0, 0 is an empty place */
    return d;
}

static bool insert(struct digest *table, size_t room, struct digest d)
{
    size_t at = d.b & (room - 1);
    while (table[at].a != 0 || table[at].b != 0) {
        if (table[at].a == d.a && table[at].b == d.b)
            return false;
        at = (at + 1) & (room - 1);
    }
    table[at] = d;
    return true;
}

static bool is_new(void)
{
    if (seen_count * 2 >= seen_room) {
        struct digest *larger = calloc(seen_room * 2, sizeof *larger);
        if (larger == NULL) {
            fprintf(stderr, "no memory for %zu states\n", seen_count);
            exit(70);
        }
        for (size_t i = 0; i < seen_room; i++)
            if (seen[i].a != 0 || seen[i].b != 0)
                insert(larger, seen_room * 2, seen[i]);
        free(seen);
        seen = larger;
        seen_room *= 2;
    }
    bool fresh = insert(seen, seen_room, digest_of(&world, sizeof world));
    seen_count += fresh;
    return fresh;
}

static bool explore(unsigned depth)
{
    if (depth == DEPTH) {
        fprintf(stderr, "more than %d events\n", DEPTH);
        exit(70);
    }
    struct world here = world;
    states++;
    look_at_state();
    if (wrong == NULL) {
        path[depth] = "then, without further faults";
        all_ends_well();
    }
    for (unsigned which = 0; wrong == NULL; which++) {
        world = here;
        out_of_nonces = false;
        if (!happen(which, path_text[depth]))
            break;
        path[depth] = path_text[depth];
        if (wrong == NULL && out_of_nonces)
            prunings++;
        else if (wrong == NULL && is_new())
            explore(depth + 1);
        if (wrong != NULL)
            return false;
    }
    path[depth + (wrong != NULL)] = NULL;
    return wrong == NULL;
}

static bool run(const struct bounds *these)
{
    bounds = *these;
    memset(&world, 0, sizeof world);
    free(seen);
    seen_room = 1u << 16;
    seen = calloc(seen_room, sizeof *seen);
    seen_count = states = prunings = 0;
    event = (struct axi_memory_event *)(void *)world.event;
    struct axi_event_id id = { "event", bounds.tickets, 1 };
    if (seen == NULL || axi_memory_event_size(bounds.tickets) > ROOM)
        exit(70);
    axi_memory_event_init(event, &id);
    world.faults = bounds.faults;
    world.crashes = bounds.crashes;
    world.repeats = bounds.repeats;
    world.nonces = bounds.nonces;
    for (int h = 0; h < HOLDERS; h++)
        memset(world.seller[h].queue, NOBODY, sizeof world.seller[h].queue);
    for (unsigned order = 0; order < bounds.orders; order++)
        ask(&world.seller[order % HOLDERS], order);
    bool holds = explore(0);
    printf("%s: %zu states of 2 holders, %u tickets in blocks of %u, %u orders, up to %u lost or delayed messages, "
           "%u crashes, %u repeated purchases, %u leases (%zu events beyond)\n",
           holds ? "EXHAUSTED" : "VIOLATED", states, bounds.tickets, (bounds.tickets + 3) / 4, bounds.orders, bounds.faults,
           bounds.crashes, bounds.repeats, bounds.nonces, prunings);
    if (!holds) {
        printf("%s:\n", wrong);
        for (unsigned i = 0; i < DEPTH && path[i] != NULL; i++)
            printf("  %s\n", path[i]);
    }
    return holds;
}

int main(int argc, char **argv)
{
    static const struct bounds quick[] = {
        { 5, 3, 8, 1, 1, 0, 3 }, /* a block of two: batches, prefixes, rests */
        { 2, 3, 8, 1, 1, 0, 3 }, /* sold out */
    };
    static const struct bounds deep[] = {
        { 5, 3, 8, 1, 1, 1, 3 },
        { 2, 3, 8, 1, 1, 1, 3 },
    };
    static const struct bounds deepest[] = {
        { 5, 3, 8, 2, 1, 1, 4 },
        { 2, 3, 8, 2, 1, 1, 4 },
    };
    bool holds = true;
    const char *depth = argc > 1 ? argv[1] : "quick";
    const struct bounds *these = strcmp(depth, "deepest") == 0 ? deepest : strcmp(depth, "deep") == 0 ? deep : quick;
    for (size_t i = 0; i < 2 && holds; i++)
        holds = run(&these[i]);
    free(seen);
    return holds ? 0 : 1;
}
