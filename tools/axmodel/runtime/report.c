/* SPDX-License-Identifier: MIT */
/* What is told about a violation: its kind, where it happened, and the execution in columns. */
#include "axm.h"

#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[AXM_VERDICTS] = {
    [AXM_HOLDS] = "holds", [AXM_ASSERT] = "assertion", [AXM_RACE] = "data race", [AXM_DEADLOCK] = "deadlock",
    [AXM_LIVELOCK] = "livelock", [AXM_LEAK] = "leak", [AXM_USE_AFTER_FREE] = "use after free",
    [AXM_DOUBLE_FREE] = "double free", [AXM_BAD_FREE] = "bad free", [AXM_MIXED_SIZE] = "mixed sizes",
    [AXM_MISUSE] = "misuse", [AXM_CRASH] = "crash", [AXM_EXIT] = "exit", [AXM_UNSUPPORTED] = "unsupported",
    [AXM_LIMIT] = "limit", [AXM_DIVERGED] = "not repeatable",
};

const char *axm_verdict_name(enum axm_verdict v) { return names[v]; }

void __real__exit(int) __attribute__((noreturn)); /* not that of the test: it may be running */

static void give_up(int code, const char *fmt, va_list args) __attribute__((noreturn));
static void give_up(int code, const char *fmt, va_list args)
{
    fflush(stdout);
    fputs("axmodel: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    __real__exit(code);
}

void axm_fatal(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    give_up(70, fmt, args);
}

void axm_corrupt(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    give_up(65, fmt, args);
}

static void note(enum axm_verdict v, uintptr_t pc, const char *fmt, va_list args)
{
    vsnprintf(axm.message, sizeof axm.message, fmt, args);
    axm.verdict = (uint8_t)v;
    axm.pc1 = pc;
    axm.depth = 0;
    if (axm.cur == NULL)
        return;
    axm.tid1 = axm.caught = axm.cur->tid;
    axm.depth = axm.cur->depth < AXM_CALLS ? axm.cur->depth : AXM_CALLS;
    memcpy(axm.calls, axm.cur->calls, axm.depth * sizeof axm.calls[0]);
}

void axm_note(enum axm_verdict v, uintptr_t pc, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    note(v, pc, fmt, args);
    va_end(args);
}

void axm_violation(enum axm_verdict v, uintptr_t pc, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    note(v, pc, fmt, args);
    va_end(args);
    if (axm.cur == NULL)
        axm_fatal("%s", axm.message);
    axm_stop(AXM_END_VIOLATED);
}

/* ---- places ---- */

static int first_object(struct dl_phdr_info *info, size_t size, void *base)
{
    (void)size;
    *(uintptr_t *)base = (uintptr_t)info->dlpi_addr;
    return 1;
}

struct symbol {
    uintptr_t addr;
    size_t size;
    const char *name;
};

static AXM_STATE struct symbol *symbols;
static AXM_STATE size_t symbol_count;

/* The names of the program's variables, from its own symbol table. */
static void load_symbols(uintptr_t base)
{
    static AXM_STATE bool tried;
    if (tried)
        return;
    tried = true;
    FILE *f = fopen("/proc/self/exe", "rb");
    if (f == NULL)
        return;
    ElfW(Ehdr) h;
    ElfW(Shdr) *sections = NULL;
    if (fread(&h, sizeof h, 1, f) != 1 || (sections = malloc(sizeof *sections * h.e_shnum)) == NULL ||
        fseek(f, (long)h.e_shoff, SEEK_SET) != 0 || fread(sections, sizeof *sections, h.e_shnum, f) != h.e_shnum)
        goto out;
    for (unsigned i = 0; i < h.e_shnum; i++) {
        const ElfW(Shdr) *s = &sections[i], *strings = &sections[s->sh_link];
        if (s->sh_type != SHT_SYMTAB)
            continue;
        size_t n = s->sh_size / sizeof(ElfW(Sym));
        ElfW(Sym) *table = malloc(s->sh_size);
        char *text = malloc(strings->sh_size);
        symbols = calloc(n, sizeof *symbols);
        if (table != NULL && text != NULL && symbols != NULL && fseek(f, (long)s->sh_offset, SEEK_SET) == 0 &&
            fread(table, sizeof *table, n, f) == n && fseek(f, (long)strings->sh_offset, SEEK_SET) == 0 &&
            fread(text, 1, strings->sh_size, f) == strings->sh_size) {
            for (size_t k = 0; k < n; k++)
                if (ELF64_ST_TYPE(table[k].st_info) == STT_OBJECT && table[k].st_size != 0)
                    symbols[symbol_count++] =
                        (struct symbol){base + table[k].st_value, table[k].st_size, text + table[k].st_name};
        }
        free(table); /* the names stay: symbols point into them */
        break;
    }
out:
    free(sections);
    fclose(f);
}

static uintptr_t base_address(void)
{
    uintptr_t base = 0;
    dl_iterate_phdr(first_object, &base);
    return base;
}

/* "file.c:12 in function", by addr2line when there is one. */
void axm_where(uintptr_t pc, char *out, size_t size)
{
    char command[512], function[256] = "", line[512] = "", exe[256];
    uintptr_t base = base_address();
    snprintf(out, size, "%#zx", (size_t)(pc - base));
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (pc == 0 || n <= 0 || memchr(exe, '\'', (size_t)n) != NULL)
        return;
    exe[n] = '\0';
    snprintf(command, sizeof command, "addr2line -f -e '%s' %#zx 2>/dev/null", exe, (size_t)(pc - 1 - base));
    FILE *p = popen(command, "r");
    if (p == NULL)
        return;
    bool good = fgets(function, sizeof function, p) != NULL && fgets(line, sizeof line, p) != NULL;
    pclose(p);
    function[strcspn(function, "\n")] = '\0';
    line[strcspn(line, "\n ")] = '\0';
    if (!good || line[0] == '?')
        return;
    const char *short_name = strrchr(line, '/');
    snprintf(out, size, "%s in %s", short_name != NULL ? short_name + 1 : line, function);
}

static void location_name(uintptr_t addr, char *out, size_t size)
{
    load_symbols(base_address());
    for (size_t i = 0; i < symbol_count; i++) {
        const struct symbol *s = &symbols[i];
        if (addr < s->addr || addr >= s->addr + s->size)
            continue;
        if (addr == s->addr)
            snprintf(out, size, "%s", s->name);
        else
            snprintf(out, size, "%s+%zu", s->name, (size_t)(addr - s->addr));
        return;
    }
    for (unsigned t = 0; t < AXM_THREADS; t++)
        if (addr >= (uintptr_t)axm.fiber[t]->lo && addr < (uintptr_t)axm.fiber[t]->hi) {
            snprintf(out, size, "stack%u:%zx", t, (size_t)((uintptr_t)axm.fiber[t]->hi - addr));
            return;
        }
    if (axm_heap_owns((const void *)addr)) {
        unsigned t;
        size_t offset = axm_heap_place((const void *)addr, &t);
        snprintf(out, size, "heap%u:%zx", t, offset);
    } else
        snprintf(out, size, "%#zx", (size_t)addr);
}

/* ---- the execution ---- */

static const char *const order_name[] = {"rlx", "con", "acq", "rel", "acq_rel", "sc"};
static const char *const op_name[] = {"load", "store", "exchange", "add", "sub", "and", "or", "xor", "nand", "cas",
                                      "lock", "await", "down", "share", "trydown", "tryshare"};
static const char *const note_name[] = {"", "lock", "trylock", "unlock", "rdlock", "wrlock", "cond", "wake", "sleep",
                                        "sem_wait", "sem_post", "once", "barrier", "futex", "choose", "timeout",
                                        "spurious", "dies"};

static void print_value(char *out, size_t size, uint64_t v)
{
    if (v < 100000 || v >= UINT64_MAX - 1000)
        snprintf(out, size, "%lld", (long long)v);
    else
        snprintf(out, size, "%#llx", (unsigned long long)v);
}

static void describe_event(const struct axm_event *e, const unsigned *number, char *out, size_t size)
{
    const struct axm_graph *g = axm.g;
    char where[64] = "", v1[32], v2[32], from[24] = "";
    if (e->kind == AXM_FENCE) {
        snprintf(out, size, "fence sc");
        return;
    }
    if (e->kind == AXM_CHOICE && e->alternatives == 1) {
        snprintf(out, size, "%s", note_name[e->note]);
        return;
    }
    if (e->kind == AXM_CHOICE) {
        snprintf(out, size, "%s: %llu of %u", note_name[e->note], (unsigned long long)e->value, e->alternatives);
        return;
    }
    location_name(g->locs[e->loc].addr, where, sizeof where);
    print_value(v1, sizeof v1, e->value);
    const char *name = e->note != AXM_PLAIN_NAME ? note_name[e->note] : op_name[e->op];
    if (e->kind == AXM_WRITE) {
        snprintf(out, size, "%s %s = %s %s", name, where, v1, order_name[e->ord]);
        return;
    }
    if (e->rf == AXM_INIT)
        snprintf(from, sizeof from, "<-init");
    else
        snprintf(from, sizeof from, "<-#%u", number[e->rf]);
    if (e->result == AXM_WAITS)
        snprintf(out, size, "%s %s: %s %s waits", name, where, v1, from);
    else if (e->rmw != AXM_NONE) {
        print_value(v2, sizeof v2, g->ev[e->rmw].value);
        snprintf(out, size, "%s %s: %s %s -> %s %s", name, where, v1, from, v2, order_name[e->ord]);
    } else
        snprintf(out, size, "%s %s: %s %s %s%s", name, where, v1, from, order_name[e->ord],
                 e->flags & AXM_SPURIOUS ? axm_may_wait(e->op) ? " (times out)" : " (fails spuriously)"
                 : e->op == AXM_CAS ? " (fails)" : "");
}

void axm_print_trace(void)
{
    static AXM_STATE uint16_t order[AXM_EVENTS];
    static AXM_STATE unsigned number[AXM_EVENTS];
    const struct axm_graph *g = axm.g;
    unsigned n = axm_linearize(order), threads = 0, shown = 0;
    for (unsigned t = 0; t < AXM_THREADS; t++)
        if (g->count[t] != 0 || axm.fiber[t]->state != AXM_UNBORN)
            threads = t + 1;
    unsigned width = threads <= 3 ? 36 : 30;
    for (unsigned k = 0; k < n; k++)
        if (!(g->ev[order[k]].kind == AXM_WRITE && g->ev[order[k]].rmw != AXM_NONE)) {
            number[order[k]] = ++shown;
            if (g->ev[order[k]].rmw != AXM_NONE)
                number[g->ev[order[k]].rmw] = shown;
        }
    fprintf(stderr, "     ");
    for (unsigned t = 0; t < threads; t++) {
        char head[24];
        snprintf(head, sizeof head, t == 0 ? "main" : "thread %u", t);
        fprintf(stderr, " %-*s", (int)width, head);
    }
    fputc('\n', stderr);
    unsigned skip = shown > 200 ? shown - 200 : 0;
    if (skip != 0)
        fprintf(stderr, "     (%u events before these)\n", skip);
    for (unsigned k = 0; k < n; k++) {
        const struct axm_event *e = &g->ev[order[k]];
        char text[256];
        if ((e->kind == AXM_WRITE && e->rmw != AXM_NONE) || number[order[k]] <= skip)
            continue;
        describe_event(e, number, text, sizeof text);
        fprintf(stderr, "%4u %*s%s\n", number[order[k]], (int)(e->tid * (width + 1)) + 1, " ", text);
    }
}

/* Who called the thread that was running. What called the other one nobody has kept. */
static void print_callers(void)
{
    char place[512];
    unsigned outermost = axm.depth > 9 ? axm.depth - 9u : 0;
    for (unsigned k = axm.depth; k-- > outermost + 1;) {
        axm_where(axm.calls[k], place, sizeof place);
        fprintf(stderr, "     called from %s\n", place);
    }
}

void axm_print_violation(const char *test, const char *token)
{
    char place[512];
    bool ours = axm.verdict == AXM_LIMIT || axm.verdict == AXM_UNSUPPORTED || axm.verdict == AXM_DIVERGED;
    fprintf(stderr, "%s: %s: %s\n", test, names[axm.verdict], axm.message);
    if (axm.pc1 != 0) {
        axm_where(axm.pc1, place, sizeof place);
        fprintf(stderr, "  at %s\n", place);
        if (axm.tid1 == axm.caught)
            print_callers();
    }
    if (axm.pc2 != 0) {
        axm_where(axm.pc2, place, sizeof place);
        fprintf(stderr, "  and thread %u at %s\n", axm.tid2, place);
        if (axm.tid2 == axm.caught && axm.tid1 != axm.caught)
            print_callers();
    }
    axm_print_trace();
    if (!ours)
        fprintf(stderr, "  replay: --test %s --replay %s\n", test, token);
}
