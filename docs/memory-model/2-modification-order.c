/* SPDX-License-Identifier: MIT */
/* What readers of relaxed variables may disagree about, and what not. */
#include <atomicx/model.h>
#include <stdatomic.h>

#include "threads.h"

static atomic_int x, y;
static int r[4];

static int get(atomic_int *from) { return atomic_load_explicit(from, memory_order_relaxed); }
static void set(atomic_int *to, int value) { atomic_store_explicit(to, value, memory_order_relaxed); }

static void *x_is_1(void *u) { set(&x, 1); return u; }
static void *x_is_1_then_2(void *u) { set(&x, 1); set(&x, 2); return u; }
static void *y_is_1(void *u) { set(&y, 1); return u; }
static void *reads_x_twice(void *u) { r[0] = get(&x); r[1] = get(&x); return u; }
static void *reads_x_then_y(void *u) { r[0] = get(&x); r[1] = get(&y); return u; }
static void *reads_y_then_x(void *u) { r[2] = get(&y); r[3] = get(&x); return u; }

AX_MODEL_TEST(one_variable)
{
    RUN(x_is_1_then_2, reads_x_twice);
    ax_model_outcome("%d then %d", r[0], r[1]);
    if (r[1] < r[0])
        ax_model_fail("time ran backwards");
}

AX_MODEL_TEST(two_variables)
{
    RUN(x_is_1, y_is_1, reads_x_then_y, reads_y_then_x);
    int x_first = r[0] == 1 && r[1] == 0, y_first = r[2] == 1 && r[3] == 0;
    ax_model_outcome("%s", x_first && y_first ? "the readers disagree about which came first" : "they may agree");
}
