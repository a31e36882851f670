/* SPDX-License-Identifier: MIT */
/* --pin: which CPU a worker is bound to. compact fills one core, then its neighbour; scatter goes far away. */
#include "internal.h"

#include <stdlib.h>

struct cpu {
    int number;
    int package, core; /* as the kernel numbers them */
    int sibling;       /* which hardware thread of its core, from 0 */
    int core_rank;     /* which core of its package, from 0 */
};

static int topology(int cpu, const char *what)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, what);
    FILE *file = fopen(path, "r");
    int value = 0; /* where the kernel says nothing, all CPUs look alike and go by number */
    if (file != NULL) {
        if (fscanf(file, "%d", &value) != 1)
            value = 0;
        fclose(file);
    }
    return value;
}

static int compare(int a, int b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *left, const void *right)
{
    const struct cpu *a = left, *b = right;
    int order = compare(a->package, b->package);
    if (order == 0)
        order = compare(a->core, b->core);
    return order != 0 ? order : compare(a->number, b->number);
}

static int by_distance(const void *left, const void *right)
{
    const struct cpu *a = left, *b = right;
    int order = compare(a->sibling, b->sibling);
    if (order == 0)
        order = compare(a->core_rank, b->core_rank);
    return order != 0 ? order : by_place(left, right);
}

bool axi_pin_plan(struct axi_stress *stress)
{
    if (sched_getaffinity(0, sizeof stress->allowed, &stress->allowed) != 0)
        CPU_ZERO(&stress->allowed);
    int count = CPU_COUNT(&stress->allowed);
    stress->cpu_count = count > 0 ? (uint32_t)count : 1;
    if (stress->pin == AXI_PIN_NONE || count == 0)
        return true;
    struct cpu *cpus = calloc((size_t)count, sizeof *cpus);
    stress->cpu_order = calloc((size_t)count, sizeof *stress->cpu_order);
    if (cpus == NULL || stress->cpu_order == NULL) {
        free(cpus);
        return false;
    }
    for (int number = 0, i = 0; i < count; number++)
        if (CPU_ISSET((size_t)number, &stress->allowed))
            cpus[i++] = (struct cpu){ number, topology(number, "physical_package_id"), topology(number, "core_id"), 0, 0 };
    qsort(cpus, (size_t)count, sizeof *cpus, by_place);
    for (int i = 1; i < count; i++)
        if (cpus[i].package == cpus[i - 1].package) {
            bool same_core = cpus[i].core == cpus[i - 1].core;
            cpus[i].sibling = same_core ? cpus[i - 1].sibling + 1 : 0;
            cpus[i].core_rank = cpus[i - 1].core_rank + !same_core;
        }
    if (stress->pin == AXI_PIN_SCATTER)
        qsort(cpus, (size_t)count, sizeof *cpus, by_distance);
    for (int i = 0; i < count; i++)
        stress->cpu_order[i] = cpus[i].number;
    free(cpus);
    return true;
}

void axi_pin_self(const struct axi_stress *stress, uint32_t number)
{
    if (stress->cpu_order == NULL)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)stress->cpu_order[number % stress->cpu_count], &set);
    /* an allowed CPU can have gone off line since; the run is then merely less pinned */
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}
