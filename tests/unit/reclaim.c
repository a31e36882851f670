/* SPDX-License-Identifier: MIT */
#include <reclaim.h>

#include "../threads.h"

struct thing {
    struct axi_retired retired;
    uint64_t alive;
};

static struct axi_domain domain;
static atomic_size_t freed, kinds_seen[4];

static size_t release(struct axi_domain *d, struct axi_retired *retired, unsigned kind)
{
    struct thing *thing = (struct thing *)retired;
    CHECK(d == &domain && thing->alive == 1);
    atomic_fetch_add(&kinds_seen[kind], 1);
    thing->alive = 0;
    free(thing);
    atomic_fetch_add(&freed, 1);
    return sizeof *thing;
}

static void domain_begin(void)
{
    memset(&domain, 0, sizeof domain);
    domain.limit = 1 << 20;
    domain.wait_ms = 60000;
    domain.release = release;
    axi_domain_open(&domain);
    atomic_store(&freed, 0);
}

static struct thing *thing_create(void)
{
    struct thing *thing = malloc(sizeof *thing);
    CHECK_FATAL(thing != NULL);
    atomic_init(&thing->retired.link, 0);
    thing->alive = 1;
    return thing;
}

static void what_is_retired_is_freed_with_its_kind(void)
{
    domain_begin();
    for (unsigned kind = 0; kind < 4; kind++)
        axi_retire(&domain, &thing_create()->retired, kind, sizeof(struct thing));
    CHECK_EQ(axi_domain_flush(&domain), AX_OK);
    CHECK_EQ(atomic_load(&freed), 4);
    for (unsigned kind = 0; kind < 4; kind++)
        CHECK_EQ(atomic_load(&kinds_seen[kind]), 1);
    CHECK_EQ(atomic_load(&domain.pending), 0);
    CHECK_EQ(atomic_load(&domain.released), 4);
    axi_domain_close(&domain);
}

static void closing_frees_what_is_left(void)
{
    domain_begin();
    for (unsigned i = 0; i < 100; i++)
        axi_retire(&domain, &thing_create()->retired, 0, sizeof(struct thing));
    axi_domain_close(&domain);
    CHECK_EQ(atomic_load(&freed), 100);
}

static void nothing_waits_inside_a_section(void)
{
    domain_begin();
    axi_read_begin();
    CHECK(axi_reclaim_would_deadlock());
    CHECK_EQ(axi_domain_flush(&domain), AX_EDEADLK);
    CHECK(!axi_domain_wait(&domain));
    axi_read_end();
    CHECK(!axi_reclaim_would_deadlock());
    axi_domain_close(&domain);
}

/* One word that all swap and read: what a reader found is alive until its section ends. */
static _Atomic(struct thing *) shared;

static void swap_and_read(int index, void *unused)
{
    (void)unused;
    for (int i = 0; i < 5000; i++) {
        if (index == 0) {
            struct thing *old = atomic_exchange(&shared, thing_create());
            if (old)
                axi_retire(&domain, &old->retired, 0, sizeof *old);
            continue;
        }
        axi_read_begin();
        struct thing *thing = atomic_load(&shared);
        CHECK(!thing || thing->alive == 1);
        axi_read_end();
    }
}

static void a_section_keeps_what_it_found(void)
{
    domain_begin();
    run_threads(4, swap_and_read, NULL);
    struct thing *last = atomic_exchange(&shared, NULL);
    axi_retire(&domain, &last->retired, 0, sizeof *last);
    CHECK_EQ(axi_domain_flush(&domain), AX_OK);
    CHECK_EQ(atomic_load(&freed), 5000);
    axi_domain_close(&domain);
}

/* The background thread ends with the last domain and starts again with the next. */
static void domains_come_and_go(void)
{
    for (int i = 0; i < 50; i++) {
        domain_begin();
        axi_retire(&domain, &thing_create()->retired, 0, sizeof(struct thing));
        if (i % 2)
            CHECK_EQ(axi_domain_flush(&domain), AX_OK);
        axi_domain_close(&domain);
        CHECK_EQ(atomic_load(&freed), 1);
    }
}

/* The thread that ended was about to work, and so said that nobody need start it. */
static void what_a_new_domain_retires_is_freed_unasked(void)
{
    for (int i = 0; i < 10; i++) {
        domain_begin();
        axi_retire(&domain, &thing_create()->retired, 0, sizeof(struct thing));
        axi_domain_close(&domain);
        domain_begin();
        axi_retire(&domain, &thing_create()->retired, 0, sizeof(struct thing));
        while (atomic_load(&freed) == 0)
            sched_yield();
        axi_domain_close(&domain);
    }
}

int main(void)
{
    RUN(what_is_retired_is_freed_with_its_kind);
    RUN(closing_frees_what_is_left);
    RUN(nothing_waits_inside_a_section);
    RUN(a_section_keeps_what_it_found);
    RUN(domains_come_and_go);
    RUN(what_a_new_domain_retires_is_freed_unasked);
    return check_summary();
}
