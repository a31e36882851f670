/* SPDX-License-Identifier: MIT */
/* Integer to string: the worker's table of names, read without a copy while it is being changed. */
#include <atomicx/map.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ax_map *names;

static void name_free(void *context, void *name)
{
    (void)context;
    free(name);
}

/* The map owns the copy from here on; when it takes none, it stays ours. */
static int set_name(uint64_t id, const char *name)
{
    char *copy = strdup(name);
    if (!copy || ax_map_put(names, ax_key_u64(id), (uint64_t)(uintptr_t)copy) != AX_OK) {
        free(copy);
        return -1;
    }
    return 0;
}

static void *rename_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++)
        if (set_name(7, i % 2 ? "Ada" : "Augusta Ada King") != 0)
            return (void *)1;
    return NULL;
}

int main(void)
{
    ax_map_options options = { .destroy = name_free };
    pthread_t writer;
    uint64_t name;
    size_t whole = 0;
    if (ax_map_create(&options, &names) != AX_OK || set_name(7, "Ada") != 0)
        return 1;
    if (pthread_create(&writer, NULL, rename_often, NULL) != 0)
        return 1;
    for (int i = 0; i < 10000; i++) {
        ax_map_read_begin(names); /* until read_end the string stays, even if it is replaced meanwhile */
        if (ax_map_get(names, ax_key_u64(7), &name) == AX_OK) {
            const char *string = (const char *)(uintptr_t)name;
            whole += strcmp(string, "Ada") == 0 || strcmp(string, "Augusta Ada King") == 0;
        }
        ax_map_read_end(names);
    }
    pthread_join(writer, NULL);
    printf("%zu of 10000 names were whole\n", whole);
    return ax_map_destroy(names) == AX_OK ? 0 : 1;
}
