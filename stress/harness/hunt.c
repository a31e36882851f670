/* SPDX-License-Identifier: MIT */
/* From a round that failed to the smallest that does. */
#include "rounds.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* In rows of rounds. */
#define PATIENCE_LEAST 50
#define PATIENCE_MOST 1500
#define PATIENCE_TIMES 10 /* what the last one that failed took */
#define PATIENCE_ALL 20000
#define ENOUGH 8 /* operations that a person can follow */

struct axi_hunt *axi_hunt_create(void)
{
    void *memory = mmap(NULL, sizeof(struct axi_hunt), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void axi_hunt_destroy(struct axi_hunt *hunt)
{
    if (hunt != NULL)
        munmap(hunt, sizeof *hunt);
}

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

bool axi_hunt_next(struct axi_hunt *hunt, const ax_stress_run *run, struct axi_plan *plan)
{
    if (hunt->passed >= hunt->ways && axi_plan_calls(&hunt->best) > ENOUGH && hunt->patience < PATIENCE_MOST) {
        hunt->passed = 0; /* the larger the round, the more places there are for a pause that shows nothing */
        hunt->patience = clamp(hunt->patience * 4, PATIENCE_LEAST, PATIENCE_MOST);
    }
    hunt->shrunk = hunt->shrunk || hunt->passed >= hunt->ways || hunt->rows > PATIENCE_ALL;
    *plan = hunt->best;
    return !hunt->shrunk && axi_plan_simpler(run, plan, hunt->way % hunt->ways);
}

void axi_hunt_failed(struct axi_hunt *hunt, const ax_stress_run *run, const struct axi_plan *plan, uint64_t rows,
                     const char *why, const char *drawing)
{
    if (!hunt->failed) {
        hunt->first_calls = axi_plan_calls(plan);
        hunt->patience = PATIENCE_LEAST * 2; /* nobody knows yet how often it fails */
    } else {
        hunt->patience = clamp(rows * PATIENCE_TIMES, PATIENCE_LEAST, PATIENCE_MOST);
        hunt->rows += rows;
    }
    hunt->best = *plan;
    axi_plan_trim(&hunt->best);
    hunt->passed = 0; /* and the ways go on where they were: the next part to leave out has moved up */
    struct axi_plan simpler = *plan;
    for (hunt->ways = 0; axi_plan_simpler(run, &simpler, hunt->ways); hunt->ways++)
        simpler = *plan;
    snprintf(hunt->why, sizeof hunt->why, "%s", why);
    snprintf(hunt->drawing, sizeof hunt->drawing, "%s", drawing);
    hunt->failed = true;
}

void axi_hunt_passed(struct axi_hunt *hunt, uint64_t rows)
{
    hunt->rows += rows;
    hunt->passed++;
    hunt->way++;
}

/* A round that has no answers: what each thread was to do. */
static void draw_plan(const ax_stress_program *program, const struct axi_plan *plan, char *drawing, size_t size)
{
    size_t length = 0;
    for (uint32_t t = 0; t < plan->threads && length < size; t++) {
        struct axi_plan one = { .threads = 1, .count = { plan->count[t] } };
        char text[1024];
        memcpy(one.calls[0], plan->calls[t], sizeof one.calls[0]);
        axi_plan_text(program, &one, text, sizeof text);
        if (plan->count[t] > 0)
            length += (size_t)snprintf(drawing + length, size - length, "    thread %-5u %s\n", t, text);
    }
}

bool axi_hunt_crashed(struct axi_hunt *hunt, const ax_stress_run *run, const char *sentence)
{
    if (axi_interrupted())
        return false;
    bool hung = strncmp(sentence, "hung", 4) == 0; /* each further one would take as long */
    bool again = !hung && !hunt->shrunk;
    if (!hunt->failed && !hunt->alone && again) {
        hunt->alone = true;
        snprintf(hunt->crashed, sizeof hunt->crashed, "%s", sentence);
        return true;
    }
    char drawing[sizeof hunt->drawing] = "";
    draw_plan(run->program, &hunt->plan, drawing, sizeof drawing);
    axi_hunt_failed(hunt, run, &hunt->plan, 0, sentence, drawing);
    struct axi_plan next;
    return again && axi_hunt_next(hunt, run, &next);
}

void axi_hunt_sentence(const struct axi_hunt *hunt, char *sentence, size_t size)
{
    uint32_t busy = axi_plan_busy(&hunt->best), calls = axi_plan_calls(&hunt->best);
    int length = snprintf(sentence, size, "%s: a round of %u thread%s and %u operation%s", hunt->why, busy, busy == 1 ? "" : "s",
                          calls, calls == 1 ? "" : "s");
    if (calls < hunt->first_calls && length > 0 && (size_t)length < size)
        snprintf(sentence + length, size - (size_t)length, ", shrunk from %u", hunt->first_calls);
}

char *axi_hunt_detail(const struct axi_stress *stress)
{
    const struct axi_hunt *hunt = stress->hunt;
    if (hunt == NULL || !hunt->failed)
        return NULL;
    struct axi_stress smallest = *stress;
    char text[4096];
    axi_plan_text(stress->run.program, &hunt->best, text, sizeof text);
    smallest.round_text = text;
    smallest.run.threads = 1;
    for (uint32_t t = 1; t < hunt->best.threads; t++)
        if (hunt->best.count[t] > 0)
            smallest.run.threads = t + 1;
    char *again = axi_replay_command(&smallest), *detail = NULL;
    if (again != NULL && asprintf(&detail, "%s  again with: %s\n", hunt->drawing, again) < 0)
        detail = NULL;
    free(again);
    return detail;
}
