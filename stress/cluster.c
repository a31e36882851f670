/* SPDX-License-Identifier: MIT */
/*
 * Tickets over Redis. A worker is a till: it sends its buyers' orders to a seller process, keeps the log of what
 * that told them, and kills it (SIGKILL), or stops it (SIGSTOP) for longer than a lease lasts. The server is killed,
 * too. Who was told nothing buys again, with the same order, from the next process: before that the till looks
 * whether the order was sold already, and what is said then must be the same.
 */
#include "cluster.h"

#include <atomicx/stress.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cluster_servers.h"

enum { BATCH = 64, SAMPLES = 256, ODD = 256 };

/* A purchase that had been sold when its seller was killed before saying so, and what was said in the end. */
struct found {
    int64_t before, after;
};

struct tally {
    struct till {
        pid_t process;
        int requests, answers; /* our ends of its pipes */
    } till;
    ax_stress_set *held;
    int64_t *log; /* every ticket told, in order */
    size_t log_count;
    int64_t told, odd, repeats[ODD]; /* answers with a ticket; those outside the range or held already, the first of them */
    int64_t refused;                 /* told that everything is sold */
    int64_t kills, stops;
    struct found *found;
    size_t found_count;
};

struct samples {
    uint64_t count;
    ax_event_figures seen[SAMPLES];
    ax_cluster *cluster;
    ax_event *event;
};

struct shared {
    uint32_t capacity;
    struct cluster_servers servers;
    atomic_llong last_kill, last_sale; /* ms: of a seller process, and an answer after it */
    ax_event_figures end;
};

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void fail(const char *what)
{
    fprintf(stderr, "cluster: %s: %s\n", what, strerror(errno));
    _exit(70);
}

/* ---- the run ---- */

static const char *setup(ax_stress_run *run)
{
    struct shared *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return "no memory";
    run->shared = shared;
    shared->capacity = (uint32_t)(run->iters * run->threads);
    signal(SIGPIPE, SIG_IGN);
    shared->servers.sales = shared->capacity;
    shared->servers.replicas = (uint32_t)ax_stress_value(run, "replicas");
    shared->servers.kills = (uint64_t)ax_stress_value(run, "server-kills");
    shared->servers.failovers = (uint64_t)ax_stress_value(run, "failovers");
    return cluster_servers_start(&shared->servers);
}

static void teardown(ax_stress_run *run)
{
    struct shared *shared = run->shared;
    for (uint32_t i = 0; i < run->threads; i++) {
        struct tally *tally = ax_stress_tally(run, i);
        ax_stress_set_destroy(tally->held);
        free(tally->log);
        free(tally->found);
    }
    cluster_servers_stop(&shared->servers);
    free(shared);
}

/* ---- a till ---- */

static ax_order order_of(const ax_stress_worker *self, uint64_t purchase)
{
    ax_stress_random random = ax_stress_random_at(self->run->seed ^ 0x6f72646572, (uint64_t)self->thread << 40 | purchase);
    uint64_t bits[2] = { ax_stress_bits(&random), ax_stress_bits(&random) };
    ax_order order;
    memcpy(&order, bits, sizeof order);
    return order;
}

static void start_seller(ax_stress_worker *self)
{
    struct tally *tally = self->tally;
    const struct shared *shared = self->shared;
    int requests[2], answers[2];
    char capacity[16], buyers[16], replicas[16];
    if (pipe2(requests, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0)
        fail("pipe");
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, requests[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, answers[1], STDOUT_FILENO);
    snprintf(capacity, sizeof capacity, "%" PRIu32, shared->capacity);
    snprintf(buyers, sizeof buyers, "%" PRId64, ax_stress_value(self->run, "buyers"));
    snprintf(replicas, sizeof replicas, "%" PRIu32, shared->servers.replicas);
    char *arguments[] = { (char[]){ "cluster" }, (char[]){ "--seller" }, strdup(self->run->impl->name),
                          strdup(shared->servers.addresses), capacity, buyers, replicas, NULL };
    extern char **environ;
    if (posix_spawn(&tally->till.process, "/proc/self/exe", &files, NULL, arguments, environ) != 0)
        fail("posix_spawn");
    free(arguments[2]);
    free(arguments[3]);
    posix_spawn_file_actions_destroy(&files);
    close(requests[0]);
    close(answers[1]);
    tally->till.requests = requests[1];
    tally->till.answers = answers[0];
}

static void end_seller(struct tally *tally)
{
    int status;
    close(tally->till.requests);
    close(tally->till.answers);
    while (waitpid(tally->till.process, &status, 0) < 0 && errno == EINTR)
        ;
}

static void log_answer(ax_stress_worker *self, const struct cluster_answer *answer, int64_t *before)
{
    struct tally *tally = self->tally;
    struct shared *shared = self->shared;
    atomic_fetch_add(&shared->servers.answered, 1);
    atomic_store(&shared->last_sale, now_ms());
    if (*before >= 0) {
        tally->found = realloc(tally->found, (tally->found_count + 1) * sizeof *tally->found);
        if (tally->found == NULL)
            fail("no memory");
        tally->found[tally->found_count++] = (struct found){ *before, answer->ticket };
    }
    if (answer->ticket == CLUSTER_NONE) {
        tally->refused++;
        return;
    }
    tally->told++;
    tally->log[tally->log_count++] = answer->ticket;
    bool inside = answer->ticket >= 0 && answer->ticket < shared->capacity;
    if ((!inside || !ax_stress_set_add(tally->held, (uint64_t)answer->ticket)) && tally->odd < ODD)
        tally->repeats[tally->odd++] = answer->ticket;
}

static int64_t look_up(ax_stress_worker *self, uint64_t purchase)
{
    struct shared *shared = self->shared;
    const ax_order order = order_of(self, purchase);
    return cluster_servers_look_up(&shared->servers, &order);
}

/* Whether this purchase is one of `times`, spread over all: the last of a stretch, or another part of the way. */
static bool is_turn(const ax_stress_worker *self, const char *times, uint64_t part, uint64_t purchase)
{
    uint64_t count = (uint64_t)ax_stress_value(self->run, times), iters = self->run->iters;
    uint64_t every = count == 0 ? 0 : iters / count;
    return every > 0 && purchase % every == (every - 1) / part;
}

/* Some answers are followed by their seller's death, or sleep. */
static void haunt(ax_stress_worker *self, uint64_t purchase)
{
    struct tally *tally = self->tally;
    if (is_turn(self, "stops", 3, purchase)) {
        kill(tally->till.process, SIGSTOP);
        redis_server_nap(2 * CLUSTER_LEASE_MS); /* long enough or not: it is what may happen, not what must */
        kill(tally->till.process, SIGCONT);
        tally->stops++;
    } else if (is_turn(self, "kills", 1, purchase)) {
        kill(tally->till.process, SIGKILL);
        atomic_store(&((struct shared *)self->shared)->last_kill, now_ms());
        tally->kills++;
    }
}

static void enter(ax_stress_worker *self)
{
    struct tally *tally = self->tally;
    tally->held = ax_stress_set_create(((struct shared *)self->shared)->capacity);
    tally->log = malloc(self->run->iters * sizeof *tally->log); /* each purchase is answered once */
    if (tally->held == NULL || tally->log == NULL)
        fail("no memory");
    start_seller(self);
}

static void leave(ax_stress_worker *self)
{
    end_seller(self->tally);
}

static void send_requests(ax_stress_worker *self, uint64_t begin, uint64_t end, const bool *answered)
{
    struct tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        const struct cluster_request request = { i, order_of(self, i) };
        if (!answered[i - begin] && write(tally->till.requests, &request, sizeof request) != (ssize_t)sizeof request)
            return; /* it is dead: the end of its answers tells */
    }
}

static void work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct tally *tally = self->tally;
    bool answered[BATCH] = { false };
    int64_t before[BATCH];
    memset(before, -1, sizeof before);
    uint64_t left = end - begin;
    send_requests(self, begin, end, answered);
    while (left > 0) {
        struct cluster_answer answer;
        ssize_t got = read(tally->till.answers, &answer, sizeof answer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == (ssize_t)sizeof answer && answer.purchase >= begin && answer.purchase < end) {
            answered[answer.purchase - begin] = true;
            left--;
            log_answer(self, &answer, &before[answer.purchase - begin]);
            haunt(self, answer.purchase);
            continue;
        }
        end_seller(tally);
        for (uint64_t i = begin; i < end; i++)
            if (!answered[i - begin])
                before[i - begin] = look_up(self, i);
        start_seller(self);
        send_requests(self, begin, end, answered);
    }
}

/* ---- what an observer sees ---- */

static void observe(ax_stress_worker *self)
{
    struct samples *samples = self->tally;
    const struct shared *shared = self->shared;
    if (samples->event == NULL &&
        (ax_cluster_open_redis(&(ax_redis_options){ .servers = shared->servers.addresses }, &samples->cluster) != AX_OK ||
         ax_event_open(samples->cluster, "stress", shared->capacity, &(ax_event_options){ .lease_ms = CLUSTER_LEASE_MS },
                       &samples->event) != AX_OK))
        fail("no event to observe");
    ax_event_figures *figures = &samples->seen[samples->count % SAMPLES];
    if (ax_event_audit(samples->event, figures) == AX_OK)
        samples->count++;
    redis_server_nap(2);
}

/* ---- verdict and record ---- */

static bool is_set(bool *flag)
{
    bool before = *flag;
    *flag = true;
    return before;
}

static ax_stress_verdict judge(const ax_stress_run *run, char *sentence, size_t size)
{
    struct shared *shared = run->shared;
    int64_t told = 0, twice = 0, kills = 0, stops = 0, found = 0, changed = 0, uneven = 0;
    bool *all = calloc(shared->capacity, sizeof *all);
    if (all == NULL)
        return AX_STRESS_INCONCLUSIVE;
    struct samples *samples = run->observers > 0 ? ax_stress_observer_tally(run, 0) : NULL;
    for (uint32_t i = 0; i < run->threads; i++) {
        const struct tally *tally = ax_stress_tally(run, i);
        told += tally->told;
        kills += tally->kills;
        stops += tally->stops;
        found += (int64_t)tally->found_count;
        for (size_t f = 0; f < tally->found_count; f++)
            changed += tally->found[f].before != tally->found[f].after;
        for (size_t t = 0; t < tally->log_count; t++)
            twice += tally->log[t] < 0 || tally->log[t] >= shared->capacity || is_set(&all[tally->log[t]]);
    }
    free(all);
    if (samples != NULL && samples->event != NULL) {
        while (ax_event_audit(samples->event, &shared->end) != AX_OK)
            redis_server_nap(5);
        ax_event_close(samples->event, 1000);
        ax_cluster_close(samples->cluster);
        for (uint64_t i = 0; i < samples->count && i < SAMPLES; i++)
            uneven += samples->seen[i].sold + samples->seen[i].free + samples->seen[i].leased != shared->capacity;
    }
    int length = snprintf(sentence, size, "%" PRId64 " of %" PRIu32 " tickets told, %" PRId64 " twice; %" PRId64 " processes killed, %"
                          PRId64 " stopped, the server killed %lu times and replaced %lu times; %" PRId64 " sold unacknowledged, %"
                          PRId64 " of them not found again; %" PRId64 " uneven samples", told, shared->capacity, twice, kills, stops,
                          atomic_load(&shared->servers.killed), atomic_load(&shared->servers.failed_over), found, changed, uneven);
    if (kills > 0 && length > 0 && (size_t)length < size)
        snprintf(sentence + length, size - (size_t)length, "; the last answer %lld ms after the last kill, leases last %d ms",
                 atomic_load(&shared->last_sale) - atomic_load(&shared->last_kill), CLUSTER_LEASE_MS);
    bool fine = twice == 0 && changed == 0 && uneven == 0 && (!run->complete || told == shared->capacity);
    return fine ? AX_STRESS_HOLDS : AX_STRESS_VIOLATED;
}

static void put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    struct shared *shared = run->shared;
    ax_stress_put_integer(out, "capacity", shared->capacity);
    ax_stress_put_integer(out, "buyers", ax_stress_value(run, "buyers"));
    ax_stress_put_integer(out, "replicas", shared->servers.replicas);
    ax_stress_put_integer(out, "server_kills", (int64_t)atomic_load(&shared->servers.killed));
    ax_stress_put_integer(out, "failovers", (int64_t)atomic_load(&shared->servers.failed_over));
}

static void put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct tally *tally = ax_stress_tally(run, thread);
    ax_stress_put_integer(out, "told", tally->told);
    ax_stress_put_integer(out, "refused", tally->refused);
    ax_stress_put_integer(out, "kills", tally->kills);
    ax_stress_put_integer(out, "stops", tally->stops);
    ax_stress_put_set(out, "held", tally->held);
    ax_stress_put_array(out, "odd");
    for (int64_t i = 0; i < tally->odd; i++)
        ax_stress_put_integer(out, NULL, tally->repeats[i]);
    ax_stress_put_end(out);
    ax_stress_put_array(out, "found");
    for (size_t i = 0; i < tally->found_count; i++)
        ax_stress_put_integer(out, NULL, tally->found[i].before);
    ax_stress_put_end(out);
    ax_stress_put_array(out, "said");
    for (size_t i = 0; i < tally->found_count; i++)
        ax_stress_put_integer(out, NULL, tally->found[i].after);
    ax_stress_put_end(out);
}

static void put_final(const ax_stress_run *run, ax_stress_out *out)
{
    const struct shared *shared = run->shared;
    ax_stress_put_integer(out, "sold", shared->end.sold);
    ax_stress_put_integer(out, "free", shared->end.free);
    ax_stress_put_integer(out, "leased", shared->end.leased);
}

static void put_more(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_array(out, "audits"); /* sold, free, leased, three numbers each */
    struct samples *samples = run->observers > 0 ? ax_stress_observer_tally(run, 0) : NULL;
    for (uint64_t i = 0; samples != NULL && i < samples->count && i < SAMPLES; i++) {
        ax_stress_put_integer(out, NULL, samples->seen[i].sold);
        ax_stress_put_integer(out, NULL, samples->seen[i].free);
        ax_stress_put_integer(out, NULL, samples->seen[i].leased);
    }
    ax_stress_put_end(out);
}

static const char *check(const ax_stress_run *run)
{
    if (run->iters == UINT64_MAX)
        return "--duration: this program sells a number of tickets, give --iters";
    if (run->iters * run->threads > AX_EVENT_MAX_CAPACITY || run->observers != 1)
        return run->observers != 1 ? "--observers: exactly one counts the tickets" : "--iters: too many tickets";
    if (ax_stress_value(run, "failovers") > 0 && ax_stress_value(run, "replicas") == 0)
        return "--failovers: to what? give --replicas";
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct cluster_kind *const kinds[] = { &cluster_ours, &cluster_ack_first, &cluster_no_fence, &cluster_wait_none,
                                                &cluster_wait_anew };
    static const ax_stress_impl impls[] = {
        { .name = "ours", .about = "ax_event_sell", .enter = enter, .work = work, .leave = leave, .observe = observe },
        { .name = "broken-ack-first", .about = "the buyer is told before the server", .broken = true, .enter = enter, .work = work,
          .leave = leave, .observe = observe },
        { .name = "broken-no-fence", .about = "sells on from a lease that was taken away", .broken = true, .enter = enter,
          .work = work, .leave = leave, .observe = observe },
        { .name = "broken-wait-none", .about = "does not wait for the replicas", .broken = true, .enter = enter, .work = work,
          .leave = leave, .observe = observe },
        { .name = "broken-wait-anew", .about = "when the connection breaks, waits for the replicas on another one", .broken = true,
          .enter = enter, .work = work, .leave = leave, .observe = observe },
    };
    static const ax_stress_option options[] = {
        { "kills", "how often each till kills its seller process", false, 0, 1000000, 3 },
        { "stops", "how often each till stops it for longer than a lease", false, 0, 1000000, 1 },
        { "server-kills", "how often the server is killed", false, 0, 1000000, 1 },
        { "replicas", "replicas of the server", false, 0, CLUSTER_REPLICAS, 0 },
        { "failovers", "how often it is killed and a replica that has fallen behind takes its place", false, 0, 1000000, 0 },
        { "buyers", "threads of a seller process", false, 1, 64, 8 },
    };
    static const ax_stress_program program = {
        .noun = "cluster", .about = "tickets over Redis, with processes and servers killed", .impls = impls, .impl_count = 5,
        .blind_spot = "power loss and partitions between hosts", .options = options, .option_count = 6, .iters = 1000,
        .observers = 1, .batch = BATCH, .tally_size = sizeof(struct tally), .observer_tally_size = sizeof(struct samples),
        .check = check, .setup = setup, .judge = judge, .put_setup = put_setup, .put_worker = put_worker,
        .put_final = put_final, .put_more = put_more, .teardown = teardown,
    };
    if (argc == 7 && strcmp(argv[1], "--seller") == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            if (strcmp(kinds[i]->name, argv[2]) == 0)
                return cluster_seller(kinds[i], argv[3], (uint32_t)atoll(argv[4]), (uint32_t)atoi(argv[5]), (uint32_t)atoi(argv[6]));
        return 2;
    }
    return ax_stress_main(argc, argv, &program);
}
