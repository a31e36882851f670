/* SPDX-License-Identifier: MIT */
/* Eight tills sell 1000 tickets. Nobody gets number -1, nobody gets another's. */
#include <atomicx/tickets.h>

#include <pthread.h>
#include <stdio.h>

static ax_tickets *hall;

static void *till(void *arg)
{
    unsigned *sold = arg;
    uint32_t seat;
    while (ax_tickets_sell(hall, &seat) == AX_OK)
        ++*sold; /* seat is this till's alone, 0 to 999 */
    return NULL;
}

int main(void)
{
    pthread_t tills[8];
    unsigned sold[8] = { 0 }, total = 0;
    if (ax_tickets_create(1000, 0, NULL, &hall) != AX_OK)
        return 1;
    for (int i = 0; i < 8; i++)
        if (pthread_create(&tills[i], NULL, till, &sold[i]) != 0)
            return 1;
    for (int i = 0; i < 8; i++) {
        pthread_join(tills[i], NULL);
        total += sold[i];
    }
    printf("sold %u, left %u\n", total, ax_tickets_left(hall));
    ax_tickets_destroy(hall);
    return 0;
}
