/* SPDX-License-Identifier: MIT */
/*
 * /memo: results of a slow computation, each computed once however many ask at the same time.
 *
 * An event loop must not wait, so it only peeks: ax_memo_do_until with a deadline that has passed gives a
 * result that is there, does not wait for one under way, and where there is none calls compute_key, which
 * declines in an event loop. Then a worker asks again, and may compute or wait.
 */
#include <atomicx/adder.h>
#include <atomicx/memo.h>

#include <inttypes.h>
#include <stdlib.h>

#include "server.h"

struct memo {
    ax_memo *results; /* of uint64_t */
    ax_adder computations;
    uint64_t rounds;
};

/* compute_key's way to decline; not kept by the memo (error_ttl_ns is 0). */
#define DECLINED AX_EBUSY

static _Thread_local bool may_compute;

/* Stands for whatever takes long: so many rounds of a mixing function (the finaliser of SplitMix64). */
static ax_status compute_key(void *context, const void *key, size_t key_len, void **value)
{
    struct memo *memo = context;
    uint64_t *result, x = key_len;
    if (!may_compute)
        return DECLINED;
    if (!(result = malloc(sizeof *result)))
        return AX_ENOMEM;
    ax_adder_add(&memo->computations, 1);
    for (size_t i = 0; i < key_len; i++)
        x = x * 31 + ((const unsigned char *)key)[i];
    for (uint64_t i = 0; i < memo->rounds; i++) {
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        x ^= x >> 31;
    }
    *result = x;
    *value = result;
    return AX_OK;
}

static void result_free(void *context, void *result)
{
    (void)context;
    free(result);
}

struct memo *memo_create(const struct options *options)
{
    struct memo *memo = calloc(1, sizeof *memo);
    if (!memo)
        return NULL;
    const ax_memo_options how = { .compute = compute_key, .destroy = result_free, .context = memo,
                                  .capacity = (size_t)options->max_memo };
    memo->rounds = (uint64_t)options->memo_rounds;
    if (ax_memo_create(&how, &memo->results) == AX_OK)
        return memo;
    free(memo);
    return NULL;
}

void memo_destroy(struct memo *memo)
{
    if (!memo)
        return;
    (void)ax_memo_destroy(memo->results);
    ax_adder_fini(&memo->computations);
    free(memo);
}

static void answer_result(struct memo *memo, struct text key, ax_memo_ref *ref, struct answer *answer)
{
    answer_text(answer, 200, "%.*s: %016" PRIx64, (int)key.length, key.bytes, *(const uint64_t *)ref->value);
    ax_memo_release(memo->results, ref);
}

void memo_peek(struct server *server, const struct request *request, struct answer *answer)
{
    static const struct timespec past = { 0, 0 };
    struct memo *memo = server->memo;
    struct text key;
    ax_memo_ref ref;
    if (request_name(request, "key", &key, answer) &&
        ax_memo_do_until(memo->results, key.bytes, key.length, &past, &ref) == AX_OK)
        answer_result(memo, key, &ref, answer);
}

void memo_compute(struct server *server, const struct request *request, struct answer *answer)
{
    struct memo *memo = server->memo;
    struct text key;
    ax_memo_ref ref;
    ax_status status;
    if (!request_name(request, "key", &key, answer))
        return;
    may_compute = true;
    do
        status = ax_memo_do(memo->results, key.bytes, key.length, &ref);
    while (status == DECLINED); /* joined a peek */
    may_compute = false;
    if (status == AX_OK)
        answer_result(memo, key, &ref, answer);
    else
        answer_status(answer, status, "the result");
}

void memo_metrics(const struct memo *memo, struct buffer *out)
{
    ax_memo_stats stats;
    ax_memo_stats_read(memo->results, &stats);
    buffer_printf(out,
                  "# HELP memo_computations_total Results computed.\n# TYPE memo_computations_total counter\n"
                  "memo_computations_total %" PRId64 "\n"
                  "# HELP memo_hits_total Requests that found their result.\n# TYPE memo_hits_total counter\n"
                  "memo_hits_total %" PRIu64 "\n"
                  "# HELP memo_evictions_total Results given up for others.\n# TYPE memo_evictions_total counter\n"
                  "memo_evictions_total %" PRIu64 "\n"
                  "# HELP memo_results Results kept.\n# TYPE memo_results gauge\n"
                  "memo_results %" PRIu64 "\n",
                  ax_adder_sum(&memo->computations), stats.hits, stats.evictions, stats.entries);
}
