/* SPDX-License-Identifier: MIT */
/* Workers keep one table behind one lock. Nothing added is lost, and a checked lock has nothing to say. */
#include "lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- the table ---------------------------------------------------------------------------------------- */

static struct lock_node **find(struct lock_table *table, uint64_t customer)
{
    struct lock_node **link = &table->buckets[customer % LOCK_BUCKETS];
    while (*link && (*link)->customer != customer)
        link = &(*link)->next;
    return link;
}

bool lock_table_add(struct lock_table *table, uint64_t customer, int64_t n)
{
    struct lock_node **link = find(table, customer);
    struct lock_node *node = *link;
    if (!node) {
        if (n == 0)
            return true;
        node = malloc(sizeof *node);
        if (!node)
            return false;
        *node = (struct lock_node){ NULL, customer, 0 };
        *link = node;
    }
    node->count += n;
    if (node->count == 0) {
        *link = node->next;
        free(node);
    }
    return true;
}

int64_t lock_table_get(const struct lock_table *table, uint64_t customer)
{
    const struct lock_node *node = table->buckets[customer % LOCK_BUCKETS];
    while (node && node->customer != customer)
        node = node->next;
    return node ? node->count : 0;
}

/* What the table holds; a table that is no longer one may have circles, so no further than `most` nodes. */
static int64_t table_total(const struct lock_table *table, uint64_t most)
{
    int64_t total = 0;
    for (int i = 0; i < LOCK_BUCKETS; i++)
        for (const struct lock_node *node = table->buckets[i]; node && most > 0; node = node->next, most--)
            total += node->count;
    return total;
}

static void table_clear(struct lock_table *table)
{
    for (int i = 0; i < LOCK_BUCKETS; i++) {
        for (struct lock_node *node = table->buckets[i], *next; node; node = next) {
            next = node->next;
            free(node);
        }
    }
}

/* --- what the checked locks said ------------------------------------------------------------------------- */

static int64_t reports[LOCK_KINDS]; /* atomically, with the builtins: the handler runs in any worker */

static void count_report(const ax_lock_report *report, void *context)
{
    (void)context;
    if (__atomic_fetch_add(&reports[report->misuse], 1, __ATOMIC_RELAXED) == 0) {
        char line[512];
        (void)ax_lock_describe(report, line, sizeof line);
        fprintf(stderr, "%s\n", line); /* the first of each kind */
    }
}

static const char *const report_names[LOCK_KINDS] = {
    [AX_LOCK_UNLOCK_UNLOCKED] = "unlock_unlocked", [AX_LOCK_UNLOCK_FOREIGN] = "unlock_foreign",
    [AX_LOCK_RELOCK] = "relock",                   [AX_LOCK_COPY_USED] = "copy_used",
    [AX_LOCK_ORIGINAL_COPIED] = "original_copied", [AX_LOCK_FINI_HELD] = "fini_held",
    [AX_LOCK_THREAD_ENDED] = "thread_ended",       [AX_LOCK_ABANDONED] = "abandoned",
    [AX_LOCK_HELD_LONG] = "held_long",             [AX_LOCK_INVERSION] = "inversion",
    [AX_LOCK_NOT_A_LOCK] = "not_a_lock",           [AX_LOCK_UNCHECKED] = "unchecked",
};

/* --- right ones ------------------------------------------------------------------------------------------- */

static void mutex_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_shared *shared = self->shared;
    for (uint64_t i = begin; i < end; i++) {
        bool done = false;
        LOCK_SECTION(self, AX_WITH_LOCK(&shared->service.mutex), done = lock_step(&shared->table, self, i));
        ((struct lock_tally *)self->tally)->refused += !done;
    }
}

static void rwlock_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_shared *shared = self->shared;
    struct lock_tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        if (i % 4 != 0) {
            AX_WITH_RDLOCK(&shared->rwlock)
                tally->read_sum += (uint64_t)lock_table_get(&shared->table, i % 1000);
            continue;
        }
        bool done = false;
        LOCK_SECTION(self, AX_WITH_WRLOCK(&shared->rwlock), done = lock_step(&shared->table, self, i / 4));
        tally->refused += !done;
    }
}

static void pthread_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_shared *shared = self->shared;
    for (uint64_t i = begin; i < end; i++) {
        uint64_t asked = ax_stress_invoke(self);
        pthread_mutex_lock(&shared->pthread);
        ax_stress_answer(self, asked, LOCK_TAKEN, NULL, 0);
        bool done = lock_step(&shared->table, self, i);
        asked = ax_stress_invoke(self);
        pthread_mutex_unlock(&shared->pthread);
        ax_stress_answer(self, asked, LOCK_RELEASED, NULL, 0);
        ((struct lock_tally *)self->tally)->refused += !done;
    }
}

/* --- the program -------------------------------------------------------------------------------------------- */

/* extra: a checked lock (non-NULL); its limit in milliseconds is what it points to. */
static const uint64_t no_limit = 0;

static const char *lock_setup(ax_stress_run *run)
{
    struct lock_shared *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return "no memory";
    const uint64_t *limit_ms = run->impl->extra;
    ax_lock_options options = { .check = limit_ms ? AX_LOCK_CHECK_YES : AX_LOCK_CHECK_NO, .name = "service",
                                .limit_ns = limit_ms ? *limit_ms * 1000000 : 0 };
    (void)ax_mutex_init(&shared->service.mutex, &options);
    options.name = "second";
    (void)ax_mutex_init(&shared->second, &options);
    options.name = "service (rwlock)";
    (void)ax_rwlock_init(&shared->rwlock, &options);
    pthread_mutex_init(&shared->pthread, NULL);
    pthread_mutex_init(&shared->apart, NULL);
    shared->service.table = &shared->table;
    run->shared = shared;
    ax_lock_on_misuse(count_report, NULL);
    return NULL;
}

static void lock_teardown(ax_stress_run *run)
{
    struct lock_shared *shared = run->shared;
    ax_lock_on_misuse(NULL, NULL);
    if (!run->impl->broken) { /* a broken one's table and locks are not touched any more */
        table_clear(&shared->table);
        (void)ax_mutex_fini(&shared->service.mutex);
        (void)ax_mutex_fini(&shared->second);
        (void)ax_rwlock_fini(&shared->rwlock);
        pthread_mutex_destroy(&shared->pthread);
        pthread_mutex_destroy(&shared->apart);
    }
    free(shared);
}

static uint64_t all_ops(const ax_stress_run *run)
{
    uint64_t ops = 0;
    for (uint32_t i = 0; i < run->threads; i++)
        ops += ax_stress_ops(run, i);
    return ops;
}

static ax_stress_verdict lock_judge(const ax_stress_run *run, char *sentence, size_t size)
{
    const struct lock_shared *shared = run->shared;
    int64_t added = 0, refused = 0;
    for (uint32_t i = 0; i < run->threads; i++) {
        const struct lock_tally *tally = ax_stress_tally(run, i);
        added += tally->added;
        refused += tally->refused;
    }
    int64_t total = table_total(&shared->table, all_ops(run));
    int length = 0;
    for (int kind = 1; kind < LOCK_KINDS; kind++) {
        int64_t count = __atomic_load_n(&reports[kind], __ATOMIC_RELAXED);
        if (count > 0 && length >= 0 && (size_t)length < size)
            length += snprintf(sentence + length, size - (size_t)length, "%s%s (%" PRId64 ")",
                               length == 0 ? "the checked lock reported " : ", ", report_names[kind], count);
    }
    if (length > 0) {
        if ((size_t)length < size)
            snprintf(sentence + length, size - (size_t)length, "; %" PRId64 " operations refused", refused);
        return AX_STRESS_VIOLATED;
    }
    if (total != added || refused != 0) {
        snprintf(sentence, size, "the table holds %" PRId64 ", but %" PRId64 " was added up; %" PRId64 " refused", total,
                 added, refused);
        return AX_STRESS_VIOLATED;
    }
    snprintf(sentence, size, "the table holds %" PRId64 ", as was added up; no misuse", total);
    return AX_STRESS_HOLDS;
}

static void lock_put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_boolean(out, "checked", run->impl->extra != NULL);
}

static void lock_put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct lock_tally *tally = ax_stress_tally(run, thread);
    ax_stress_put_integer(out, "added", tally->added);
    ax_stress_put_integer(out, "refused", tally->refused);
}

static void lock_put_final(const ax_stress_run *run, ax_stress_out *out)
{
    const struct lock_shared *shared = run->shared;
    ax_stress_put_integer(out, "total", table_total(&shared->table, all_ops(run)));
    ax_stress_put_object(out, "reports");
    for (int kind = 1; kind < LOCK_KINDS; kind++)
        ax_stress_put_integer(out, report_names[kind], __atomic_load_n(&reports[kind], __ATOMIC_RELAXED));
    ax_stress_put_end(out);
}

int main(int argc, char **argv)
{
    static const ax_stress_event events[] = {
        [LOCK_TAKEN] = { "lock", 0, 0 }, [LOCK_TRIED] = { "trylock", 0, 1 }, [LOCK_RELEASED] = { "unlock", 0, 0 },
    };
    const ax_stress_impl impls[] = {
        { .name = "ours", .about = "a checked ax_mutex with a scope guard", .work = mutex_work, .extra = &no_limit },
        { .name = "unchecked", .about = "the same, unchecked", .work = mutex_work },
        { .name = "rwlock", .about = "a checked ax_rwlock: three reads to a write", .work = rwlock_work,
          .extra = &no_limit },
        { .name = "pthread", .about = "a pthread_mutex_t", .work = pthread_work },
        broken_lock_copied,
        broken_lock_copied_checked,
        broken_lock_unlocked,
        broken_lock_foreign,
        broken_lock_relock,
        broken_lock_fini_held,
        broken_lock_thread_ended,
        broken_lock_held_long,
        broken_lock_inversion,
    };
    const ax_stress_program program = {
        .noun = "lock",
        .about = "A service's workers keep one table behind one lock; the table must hold what they added.",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .iters = 1000000, .batch = 256,
        .tally_size = sizeof(struct lock_tally),
        .setup = lock_setup, .judge = lock_judge, .teardown = lock_teardown,
        .put_setup = lock_put_setup, .put_worker = lock_put_worker, .put_final = lock_put_final,
        .model = "mutex", .events = events, .event_count = sizeof events / sizeof *events,
    };
    return ax_stress_main(argc, argv, &program);
}
