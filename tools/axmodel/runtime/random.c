/* SPDX-License-Identifier: MIT */
/* Directed runs: one execution, its choices made by a random generator, by PCT, or by a replay token. Here is
 * who comes next, and how what may be chosen is drawn; sample.c makes the events.
 *
 * The scheduler works in bursts (a thread keeps the processor for a geometric number of steps), or
 * queues never grow and retries never fail. PCT (Burckhardt et al., ASPLOS 2010) instead gives threads
 * random priorities and lowers the running one at d-1 random steps; reads then take the newest value but
 * at as many random steps, in the spirit of PCT for weak memory (Gao et al., ASPLOS 2023). */
#include "sample.h"

static AXM_STATE uint64_t state;
static AXM_STATE uint32_t step, last_steps;
static AXM_STATE uint32_t change[16];

/* xorshift64*, seeded through splitmix64. */
uint64_t axm_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t below(uint64_t n) { return ((axm_random() >> 32) * n) >> 32; }

void axm_random_begin(uint64_t seed, uint64_t number)
{
    uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) + number + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    state = (z ^ (z >> 31)) | 1;
    last_steps = step > 8 ? step : 8;
    step = 0;
    axm.burst = 0;
    if (axm.opt.mode == AXM_PCT) {
        for (unsigned i = 0; i < axm.opt.depth && i < 16; i++)
            change[i] = (uint32_t)below(last_steps);
        for (unsigned t = 0; t < AXM_THREADS; t++)
            axm.fiber[t]->priority = (axm_random() >> 8) + 16;
    }
}

/* The threads that can go on. */
static inline unsigned ready(void)
{
    unsigned can = axm.in[AXM_READY] | axm.in[AXM_FRONTIER];
    for (unsigned m = axm.in[AXM_BLOCKED]; m != 0; m &= m - 1)
        if (axm_would_proceed(axm_lowest(m)))
            can |= m & -m;
    for (unsigned m = axm.in[AXM_SPINNING]; m != 0; m &= m - 1)
        if (axm_lowest(m)->want != axm.writes)
            can |= m & -m;
    return can;
}

static struct axm_fiber *any_of(unsigned can)
{
    unsigned n = 0;
    for (unsigned m = can; m != 0; m &= m - 1)
        n++;
    for (uint64_t k = n == 1 ? 0 : below(n); k != 0; k--)
        can &= can - 1;
    return axm_lowest(can);
}

static struct axm_fiber *first_in_rank(unsigned can)
{
    struct axm_fiber *top = axm_lowest(can);
    for (unsigned m = can & (can - 1); m != 0; m &= m - 1)
        if (axm_lowest(m)->priority > top->priority)
            top = axm_lowest(m);
    return top;
}

struct axm_fiber *axm_random_pick(void)
{
    unsigned can = ready();
    if (can == 0)
        return NULL;
    if (AXM_LIKELY(axm.opt.mode == AXM_RANDOM))
        return any_of(can);
    return axm.opt.mode == AXM_REPLAY ? axm_token_pick(can) : first_in_rank(can);
}

/* Perhaps another thread goes first. */
void axm_sample_reconsider(void)
{
    struct axm_fiber *self = axm.cur;
    step++;
    if (axm.opt.mode == AXM_REPLAY) {
        axm_token_arrive();
        axm_set_state(self, AXM_FRONTIER);
        struct axm_fiber *f = axm_random_pick();
        if (f != self) {
            axm_token_stop();
            axm_yield_to(f);
        }
        axm_set_state(self, AXM_READY);
        axm_token_advance();
        return;
    }
    if (axm.opt.mode == AXM_RANDOM) {
        uint64_t r = axm_random() >> 40;
        if ((r & 3) == 0)
            axm.burst = (uint16_t)(r >> 4 & 15);
    } else if (axm.opt.mode == AXM_PCT) {
        bool changed = false;
        for (unsigned i = 0; i + 1 < axm.opt.depth && i < 16; i++)
            if (change[i] == step) {
                self->priority = i;
                changed = true;
            }
        if (!changed)
            return;
    }
    struct axm_fiber *f = axm_random_pick();
    if (f == NULL || f == self)
        return;
    axm_token_stop();
    axm_yield_to(f);
}

/* What is rare comes once in sixteen: a thread that may die at each step should get somewhere first. */
uint64_t axm_random_choice(unsigned alternatives, bool rare)
{
    if (axm.opt.mode == AXM_REPLAY)
        return axm_token_choice(alternatives);
    return rare && below(16) != 0 ? 0 : below(alternatives);
}

/* How many steps from the newest write to the source or place that is taken. */
uint64_t axm_random_draw(unsigned options)
{
    if (options == 1)
        return 0;
    if (axm.opt.mode == AXM_PCT) {
        for (unsigned i = 0; i < axm.opt.depth && i < 16; i++)
            if (below(last_steps) < 2)
                return below(options);
        return 0;
    }
    return below(options);
}
