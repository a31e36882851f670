/* SPDX-License-Identifier: MIT */
#include "hash.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t axc_hash_secret[2];

void axc_hash_draw(void)
{
    if (getrandom(axc_hash_secret, sizeof axc_hash_secret, GRND_NONBLOCK) != (ssize_t)sizeof axc_hash_secret) {
        /* In a sandbox without it: what a file that was written before can't know either. */
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        axc_hash_secret[0] = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)(uintptr_t)&now;
        axc_hash_secret[1] = axc_hash_secret[0] * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)getpid() << 40 ^ (uint64_t)now.tv_sec;
    }
    axc_hash_secret[1] |= 1;
}

/* Before main, so that no program that judges can forget it. */
__attribute__((constructor)) static void draw_first(void)
{
    axc_hash_draw();
}
