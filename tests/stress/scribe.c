/* SPDX-License-Identifier: MIT */
/* Writes histories whose every value is known beforehand, for history.py to read back: numbers of every width, results by the
 * thousand, operations that are not looked at or never answered. What it says is done to a bank is done to none. */
#include <atomicx/stress.h>

#include <stdlib.h>
#include <time.h>

enum { DEPOSIT, DEPOSIT_BLINDLY, TOTAL, AUDIT };

static int64_t amount(uint32_t thread, uint64_t i)
{
    return (int64_t)((UINT64_C(1) << (i % 63)) - 1 + thread);
}

static void work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++) {
        uint64_t invoked = ax_stress_invoke(self);
        if (i % 3 == 0)
            AX_STRESS_ANSWER(self, invoked, DEPOSIT, self->thread, amount(self->thread, i), 1);
        else if (i % 3 == 1)
            AX_STRESS_ANSWER(self, invoked, DEPOSIT_BLINDLY, self->thread, amount(self->thread, i));
        else
            AX_STRESS_ANSWER(self, invoked, TOTAL, i % 2 == 0 ? -amount(self->thread, i) : AX_STRESS_NONE);
    }
}

/* What a deposit brings is the time, looked at in its midst; after the last one of a batch comes a pause. */
static void work_in_turn(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    const struct timespec pause = { .tv_nsec = 100000 };
    if (self->log == NULL)
        return;
    for (uint64_t i = begin; i < end; i++) {
        uint64_t invoked = ax_stress_invoke_next(self);
        int64_t now = (int64_t)ax_stress_log_before_(self->log);
        if (i == begin)
            AX_STRESS_ANSWER(self, invoked, DEPOSIT_BLINDLY, self->thread, now);
        else
            AX_STRESS_ANSWER(self, invoked, DEPOSIT, self->thread, now, 1);
    }
    nanosleep(&pause, NULL);
}

static void leave(ax_stress_worker *self)
{
    int64_t what[] = { self->thread, 5 };
    if (self->thread % 2 == 1)
        ax_stress_unanswered(self, ax_stress_invoke(self), DEPOSIT, what, 2);
}

static void finish(ax_stress_worker *self)
{
    uint32_t count = (uint32_t)ax_stress_value(self->run, "accounts");
    int64_t *balances = calloc(count, sizeof *balances);
    for (int64_t turn = 0; balances != NULL && turn < 3; turn++) {
        uint64_t invoked = ax_stress_invoke(self);
        for (uint32_t i = 0; i < count; i++)
            balances[i] = turn * INT64_C(1000000007) * i;
        ax_stress_answer_many(self, invoked, AUDIT, balances, count);
    }
    free(balances);
}

static const char *setup(ax_stress_run *run)
{
    (void)run;
    return NULL;
}

static void teardown(ax_stress_run *run)
{
    (void)run;
}

static ax_stress_verdict judge(const ax_stress_run *run, char *sentence, size_t size)
{
    (void)run;
    if (size > 0)
        sentence[0] = '\0';
    return AX_STRESS_HOLDS;
}

static void put_nothing(const ax_stress_run *run, ax_stress_out *out)
{
    (void)run, (void)out;
}

static void put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    (void)run, (void)thread, (void)out;
}

static void put_model(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_array(out, "balances");
    for (int64_t i = 0; i < ax_stress_value(run, "accounts"); i++)
        ax_stress_put_integer(out, NULL, i);
    ax_stress_put_end(out);
}

int main(int argc, char **argv)
{
    static const ax_stress_impl impls[] = {
        { .name = "plain", .about = "writes what is known", .work = work, .leave = leave },
        { .name = "in-turn", .about = "each invocation is the answer before, and each deposit the time", .work = work_in_turn },
    };
    static const ax_stress_option options[] = { { "accounts", "balances of an audit", false, 1, 100000, 8 } };
    static const ax_stress_event events[] = {
        [DEPOSIT] = { "deposit", 2, 1 }, [DEPOSIT_BLINDLY] = { "deposit", 2, 0 }, [TOTAL] = { "total", 0, 1 },
        [AUDIT] = { "audit", 0, -1 },
    };
    static const ax_stress_program program = {
        .noun = "scribe", .about = "What the writing of histories is tested on.",
        .impls = impls, .impl_count = 2, .options = options, .option_count = 1, .iters = 1000, .tally_size = 8,
        .setup = setup, .judge = judge, .teardown = teardown,
        .put_setup = put_nothing, .put_worker = put_worker, .put_final = put_nothing,
        .model = "accounts", .events = events, .event_count = sizeof events / sizeof *events,
        .put_model = put_model, .finish = finish,
    };
    return ax_stress_main(argc, argv, &program);
}
