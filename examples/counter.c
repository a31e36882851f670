/* SPDX-License-Identifier: MIT */
/* Logins counted by several threads: the total is exact, and a limit holds. */
#include <atomicx/counter.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

static ax_counter logins = AX_COUNTER_INIT(0);
static ax_counter longest = AX_COUNTER_INIT(0);

static void *serve(void *arg)
{
    (void)arg;
    for (int ms = 1; ms <= 1000; ms++) {
        ax_counter_add(&logins, 1);
        ax_counter_raise_to(&longest, ms);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, serve, NULL) != 0)
            return 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("%" PRId64 " logins, the longest took %" PRId64 " ms\n", ax_counter_read(&logins), ax_counter_read(&longest));
    if (ax_counter_add_checked(&logins, INT64_MAX, NULL) == AX_ERANGE)
        printf("no room for INT64_MAX more, still %" PRId64 "\n", ax_counter_read(&logins));
    return 0;
}
