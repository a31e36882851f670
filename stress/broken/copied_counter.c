/* SPDX-License-Identifier: MIT */
/*
 * The copied counter. The counter was moved into a struct with the service's other settings, and the
 * handler took the struct by value, as it had always taken the settings. Every login was counted with the
 * best atomic instruction there is, on a copy that was gone when the handler returned. No tool complains:
 * there is no race.
 */
#include "../counter.h"

struct service {
    int port;
    ax_counter logins;
};

static __attribute__((noinline)) int64_t handle_login(struct service service)
{
    return ax_counter_add(&service.logins, 1);
}

static int64_t copied_add(struct counter_shared *shared)
{
    struct service service = { .port = 443, .logins = shared->counter };
    return handle_login(service);
}

static int64_t copied_read(struct counter_shared *shared)
{
    return ax_counter_read(&shared->counter);
}

COUNTER_IMPL(copied);

const ax_stress_impl broken_copied_counter = {
    .name = "broken-copied",
    .about = "a perfect counter, in a struct that is passed by value: all logins are lost",
    .broken = true,
    .work = copied_work,
    .observe = counter_observe,
    .extra = &copied_kind,
};
