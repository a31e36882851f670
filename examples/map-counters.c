/* SPDX-License-Identifier: MIT */
/* String to counter: hits per path, counted by all threads, taken out and reported without losing one. */
#include <atomicx/map.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

static ax_map *hits;

static void *serve(void *arg)
{
    static const char *const paths[] = { "/", "/login", "/cart" };
    (void)arg;
    for (int i = 0; i < 30000; i++)
        if (ax_map_add(hits, ax_key_str(paths[i % 3]), 1, NULL) != AX_OK)
            return (void *)1;
    return NULL;
}

/* Takes the counter out and adds it to the total: what comes later begins a new counter. */
static ax_map_visit take(void *context, ax_key key, uint64_t value)
{
    uint64_t *total = context;
    (void)value;
    if (ax_map_remove(hits, key, &value) == AX_OK)
        *total += value;
    return AX_MAP_NEXT;
}

int main(void)
{
    ax_map_options options = { .keys = AX_MAP_KEYS_BYTES };
    pthread_t threads[4];
    uint64_t total = 0;
    if (ax_map_create(&options, &hits) != AX_OK)
        return 1;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, serve, NULL) != 0)
            return 1;
    for (int i = 0; i < 100; i++) /* flushes while they serve */
        if (ax_map_for_each(hits, take, &total) != AX_OK)
            return 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    if (ax_map_for_each(hits, take, &total) != AX_OK)
        return 1;
    printf("reported %" PRIu64 ", left %zu\n", total, ax_map_len(hits));
    return ax_map_destroy(hits) == AX_OK ? 0 : 1;
}
