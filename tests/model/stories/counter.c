/* SPDX-License-Identifier: MIT */
/* The login counters of stress/counter that lose logins, from their own sources: two logins. */
#include "../../../stress/counter.h"

#include "../threads.h"

static struct counter_shared logins;
static const struct counter_kind *kind;

/* What the harness calls; nothing here does. */
void counter_observe(ax_stress_worker *self) { (void)self; }

THREAD(logs_in) { (kind->add)(&logins); return NULL; }

static void two_logins_count(const ax_stress_impl *impl)
{
    kind = impl->extra;
    run2(logs_in, logs_in);
    assert(kind->read(&logins) == 2);
}

AX_MODEL_BROKEN(broken_load_add_store_loses_a_login, "assertion") { two_logins_count(&broken_lost_logins); }
AX_MODEL_BROKEN(broken_plain_is_a_data_race, "data race") { two_logins_count(&broken_plain_logins); }
AX_MODEL_BROKEN(broken_copied_counts_nothing, "assertion") { two_logins_count(&broken_copied_counter); }
AX_MODEL_TEST(load_add_store_by_one_at_a_time)
{
    kind = broken_lost_logins.extra;
    logs_in(NULL);
    logs_in(NULL);
    assert(kind->read(&logins) == 2);
}
