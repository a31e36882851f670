/* SPDX-License-Identifier: MIT */
/* A team, and what its members share while they run down a row (row.c) and its leader says what the next one is for (rounds.c). */
#ifndef AXI_STRESS_TEAM_H
#define AXI_STRESS_TEAM_H

#include "clock.h"
#include "meeting.h"
#include "rounds.h"
#include "verdict.h"

enum { AXI_ROW_MOST = 64, AXI_ROW_LENGTHS = 4 };

/* What a row of each length was worth when it was tried last. */
struct axi_tuning {
    double worth[AXI_ROW_LENGTHS];
    size_t at; /* the length on trial; AXI_ROW_LENGTHS: the best one is in use */
    size_t length;
    uint64_t since_ns, rows, overlaps;
};

struct axi_member {
    _Alignas(AXI_ISOLATION) struct axi_team *team;
    uint32_t number;
    uint32_t *calls; /* its thread's */
    ax_stress_log clock;
    uint64_t last, back; /* stamp; the furthest that the clock ever went back */
    uint64_t idle;       /* what passing the time computes */
    uint32_t done;       /* calls of this row; read by those who pause */
    bool paused;         /* in this row; read by those who wait for that */
    uint32_t until;      /* how many calls of the others my pause waits for */
    uint32_t counted;    /* instructions of the last call; 0: it paused, or was not counted */
    uint32_t longest[AX_STRESS_OPERATIONS]; /* the most of all calls of an operation */
    struct axi_answer *answers;
    struct axi_judge *judge;
    /* of the row's part that it judged */
    uint64_t overlaps, undecided;
    char *drawing; /* of the first one that failed, else NULL */
    char why[160];
};

/* What is plain here belongs to whoever leads. */
struct axi_team {
    struct axi_stress *stress;
    uint32_t number, size;
    struct axi_member *members;
    struct axi_meeting meeting;
    struct axi_plan plan;
    size_t row; /* its length */
    void *objects[AXI_ROW_MOST];
    ax_stress_random random;
    struct axi_tuning tuning;
    uint64_t rounds, overlaps, undecided, rounds_left;
    uint64_t tried; /* rows of the plan, while a failure is shrunk */
    uint32_t before_call, after_call; /* instructions that are counted beside those of a call */
    uint32_t longest[AX_STRESS_OPERATIONS]; /* the last one of a call, as far as known; what is longer pauses before */
    bool over;
};

struct axi_rounds {
    struct axi_team *teams;
    struct axi_member *members; /* by the number of the thread; those at home have no team */
    uint32_t count;         /* of teams */
    struct axi_clock clock;
    bool no_object;
    uint32_t finder; /* 1 + number of the team that shrinks its failure; the others go home */
};

/* row.c */
void axi_row_count_surroundings(struct axi_member *me); /* how many instructions are counted around a call that are not its own */
void axi_row_run(struct axi_member *me);
/* Judges every so many-th round of the row, and puts a new object into its place. */
void axi_row_judge(struct axi_member *me);

#endif
