/* SPDX-License-Identifier: MIT */
/* A user's stress program: only the harness is linked, the structure under test is the user's own. */
#include <atomicx/stress.h>

#include <stdatomic.h>
#include <stdio.h>

static atomic_ullong total;

static void add(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++) {
        atomic_fetch_add(&total, 1);
        ++*(uint64_t *)self->tally;
    }
}

static const char *setup(ax_stress_run *run)
{
    run->shared = &total;
    return NULL;
}

static ax_stress_verdict judge(const ax_stress_run *run, char *sentence, size_t size)
{
    uint64_t added = 0;
    for (uint32_t t = 0; t < run->threads; t++)
        added += *(uint64_t *)ax_stress_tally(run, t);
    snprintf(sentence, size, "total %llu, added %llu", atomic_load(&total), (unsigned long long)added);
    return atomic_load(&total) == added ? AX_STRESS_HOLDS : AX_STRESS_VIOLATED;
}

int main(int argc, char **argv)
{
    static const ax_stress_impl impls[] = { { .name = "atomic", .about = "a C11 counter", .work = add } };
    static const ax_stress_program program = {
        .noun = "hammer", .about = "a counter under hammers", .impls = impls, .impl_count = 1, .iters = 100000,
        .tally_size = sizeof(uint64_t), .setup = setup, .judge = judge,
    };
    return ax_stress_main(argc, argv, &program);
}
