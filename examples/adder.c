/* SPDX-License-Identifier: MIT */
/* Requests counted at the price of a thread-local increment, and flushed to a statistics system. */
#include <atomicx/adder.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

static ax_adder requests; /* zero-filled is ready */

static void *serve(void *arg)
{
    (void)arg;
    for (int i = 0; i < 250000; i++)
        ax_adder_add(&requests, 1);
    return NULL;
}

int main(void)
{
    pthread_t threads[4];
    int64_t flushed = 0;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, serve, NULL) != 0)
            return 1;
    flushed += ax_adder_drain(&requests); /* while they are adding: some of them, each once */
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    flushed += ax_adder_drain(&requests);
    printf("flushed %" PRId64 ", %" PRId64 " left\n", flushed, ax_adder_sum(&requests));
    return 0;
}
