/* SPDX-License-Identifier: MIT */
/*
 * plugin_host PLUGIN LIBRARY: a program that knows nothing of the library loads a plugin that uses it, lets
 * threads of its own work there, and unloads it while they live on: some for the next round, some only to
 * end after the plugin has gone. LIBRARY is what must have stayed mapped: the plugin's own name where the
 * library is linked into it, libatomicx.so.0 otherwise (the plugin must then really have gone).
 */
#include "plugin.h"

#include <dlfcn.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "../threads.h"

enum { ROUNDS = 60, STAYING = 3, LEAVING = 3, CALLS = 20 };

typedef int work_function(uint64_t number);

static work_function *_Atomic work;
static sem_t begin, done, leave;
static atomic_bool stop;

static void call_often(uint64_t from)
{
    for (uint64_t i = 0; i < CALLS; i++)
        CHECK(atomic_load(&work)(from + i));
}

static void *stay(void *arg)
{
    for (;;) {
        sem_wait(&begin);
        if (atomic_load(&stop))
            return arg;
        call_often((uint64_t)(uintptr_t)arg);
        sem_post(&done);
    }
}

static void *visit(void *arg)
{
    call_often((uint64_t)(uintptr_t)arg);
    sem_post(&done);
    sem_wait(&leave);
    return arg;
}

/* A function by its name: ISO C has no conversion from object to function pointers. */
static void symbol(void *plugin, const char *name, void *function)
{
    void *address = dlsym(plugin, name);
    CHECK_FATAL(address != NULL);
    memcpy(function, &address, sizeof address);
}

static void round_trip(const char *path, const char *library)
{
    pthread_t visitors[LEAVING];
    int (*start)(void), (*end)(uint64_t);
    work_function *function;
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL)
        fprintf(stderr, "%s\n", dlerror());
    CHECK_FATAL(plugin != NULL);
    symbol(plugin, "plugin_start", &start);
    symbol(plugin, "plugin_work", &function);
    symbol(plugin, "plugin_stop", &end);
    CHECK_FATAL(start());
    atomic_store(&work, function);
    for (int i = 0; i < STAYING; i++)
        sem_post(&begin);
    for (int i = 0; i < LEAVING; i++)
        CHECK_FATAL(pthread_create(&visitors[i], NULL, visit, (void *)(uintptr_t)(i + 1)) == 0);
    for (int i = 0; i < STAYING + LEAVING; i++)
        sem_wait(&done);
    CHECK(end((uint64_t)(STAYING + LEAVING) * CALLS));
    CHECK(dlclose(plugin) == 0);
    CHECK((dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL) == (strcmp(path, library) == 0));
    CHECK(dlopen(library, RTLD_NOW | RTLD_NOLOAD) != NULL);
    for (int i = 0; i < LEAVING; i++)
        sem_post(&leave);
    for (int i = 0; i < LEAVING; i++)
        pthread_join(visitors[i], NULL);
}

int main(int argc, char **argv)
{
    pthread_t staying[STAYING];
    CHECK_FATAL(argc == 3);
    sem_init(&begin, 0, 0);
    sem_init(&done, 0, 0);
    sem_init(&leave, 0, 0);
    for (int i = 0; i < STAYING; i++)
        CHECK_FATAL(pthread_create(&staying[i], NULL, stay, (void *)(uintptr_t)(100 * (i + 1))) == 0);
    for (int i = 0; i < ROUNDS; i++)
        round_trip(argv[1], argv[2]);
    atomic_store(&stop, true);
    for (int i = 0; i < STAYING; i++)
        sem_post(&begin);
    for (int i = 0; i < STAYING; i++)
        pthread_join(staying[i], NULL);
    return check_summary();
}
