/* SPDX-License-Identifier: MIT */
/*
 * A bounded queue for many producers and consumers, to have something to test. Each cell has a turn: 2n while it waits to
 * be filled for the n-th time, 2n+1 while it waits to be emptied. Positions are handed out by compare-and-exchange, after a
 * look at the cell's turn, so that nobody gets a position he can't use. Whoever has a position and is not through makes the
 * one who gets it next wait.
 *
 * The switch breaks it in two ways. BREAK_TURN moves the turn on before the value is taken out: the next producer may be
 * faster. BREAK_EMPTY calls the queue empty when the first cell is not filled yet, though a later one may be: nothing is
 * lost by that, no sum is wrong, and yet a put that was answered is denied.
 */
#ifndef YOUR_OWN_QUEUE_H
#define YOUR_OWN_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { CELLS = 2 }; /* soon full, and soon around */
enum queue_switch { AS_IT_SHOULD_BE, BREAK_TURN, BREAK_EMPTY };

struct queue {
    enum queue_switch how;
    _Alignas(64) _Atomic uint64_t tail; /* the next position to fill */
    _Alignas(64) _Atomic uint64_t head; /* the next position to empty */
    struct {
        _Alignas(64) _Atomic uint64_t turn;
        _Atomic int64_t value; /* relaxed: whose turn it is has the value for himself */
    } cell[CELLS];
};

/* NULL without memory; it is freed by free. */
static inline struct queue *queue_create(enum queue_switch how)
{
    struct queue *queue = aligned_alloc(64, sizeof *queue);
    if (queue == NULL)
        return NULL;
    queue->how = how;
    atomic_init(&queue->tail, 0);
    atomic_init(&queue->head, 0);
    for (int i = 0; i < CELLS; i++) {
        atomic_init(&queue->cell[i].turn, 0);
        atomic_init(&queue->cell[i].value, 0);
    }
    return queue;
}

/* False: full. */
static inline bool queue_put(struct queue *queue, int64_t value)
{
    for (;;) {
        /* acquire: a head read after it is no older, so that CELLS before it means full */
        uint64_t at = atomic_load_explicit(&queue->tail, memory_order_acquire);
        /* acquire: whoever emptied the cell is through with it */
        uint64_t turn = atomic_load_explicit(&queue->cell[at % CELLS].turn, memory_order_acquire);
        uint64_t mine = at / CELLS * 2;
        if (turn == mine) {
            /* relaxed: the position is a number; the turn publishes */
            if (!atomic_compare_exchange_weak_explicit(&queue->tail, &at, at + 1, memory_order_relaxed, memory_order_relaxed))
                continue;
            atomic_store_explicit(&queue->cell[at % CELLS].value, value, memory_order_relaxed);
            /* release: the value is there before the turn says so */
            atomic_store_explicit(&queue->cell[at % CELLS].turn, mine + 1, memory_order_release);
            return true;
        } else if (turn < mine && atomic_load_explicit(&queue->head, memory_order_acquire) + CELLS == at) {
            return false;
        }
    }
}

/* False: empty. */
static inline bool queue_take(struct queue *queue, int64_t *value)
{
    enum queue_switch how = queue->how;
    for (;;) {
        uint64_t at = atomic_load_explicit(&queue->head, memory_order_acquire); /* acquire: as in queue_put, of the tail */
        uint64_t turn = atomic_load_explicit(&queue->cell[at % CELLS].turn, memory_order_acquire);
        uint64_t mine = at / CELLS * 2 + 1;
        if (turn == mine) {
            if (!atomic_compare_exchange_weak_explicit(&queue->head, &at, at + 1, memory_order_relaxed, memory_order_relaxed))
                continue;
            if (how == BREAK_TURN)
                atomic_store_explicit(&queue->cell[at % CELLS].turn, mine + 1, memory_order_release);
            *value = atomic_load_explicit(&queue->cell[at % CELLS].value, memory_order_relaxed);
            if (how != BREAK_TURN)
                atomic_store_explicit(&queue->cell[at % CELLS].turn, mine + 1, memory_order_release);
            return true;
        }
        if (turn < mine && (how == BREAK_EMPTY || atomic_load_explicit(&queue->tail, memory_order_acquire) == at))
            return false;
    }
}

#endif
