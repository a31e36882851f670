/* SPDX-License-Identifier: MIT */
/* The flusher of stress/adder that reads and resets, from its own source: two who count, one who flushes. */
#include "../../../stress/adder.h"

#include "../threads.h"

static struct adder_slot slots[2];
static struct adder_shared statistics = {.slot_count = 2, .slots = slots};
static const struct adder_kind *kind;
static int64_t flushed;

/* What the harness calls; nothing here does. */
void adder_observe(ax_stress_worker *self) { (void)self; }
void adder_churn(ax_stress_worker *self, uint64_t begin, uint64_t end,
                 void (*work)(ax_stress_worker *self, uint64_t begin, uint64_t end))
{
    (void)self, (void)begin, (void)end, (void)work;
}

THREAD(counts) { (kind->add)(&statistics, (uint32_t)(size_t)self - 1); return NULL; }
THREAD(flushes) { flushed = kind->drain(&statistics); return NULL; }

AX_MODEL_BROKEN(broken_read_and_reset_loses_what_comes_between, "assertion")
{
    kind = broken_read_and_reset.extra;
    run3(counts, counts, flushes);
    assert(flushed + kind->sum(&statistics) == 2);
}
AX_MODEL_TEST(read_and_reset_after_all_have_counted)
{
    kind = broken_read_and_reset.extra;
    run2(counts, counts);
    flushes(NULL);
    assert(flushed == 2 && kind->sum(&statistics) == 0);
}
