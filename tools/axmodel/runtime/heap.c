/* SPDX-License-Identifier: MIT */
/* The test's heap. Each thread allocates from a region of its own, so that the nth allocation of a thread
 * has the same address in every execution that the thread can't tell apart. Freed memory is remembered,
 * not reused, unless asked: then a thread gets back what it freed last of that size. */
#include "axm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CLASSES = 40, LIVE = 0x6c697665, FREED = 0x66726565 };
static const size_t region_size = (size_t)1 << 30;

struct block {
    struct block *next; /* of the thread's blocks of this execution, or of its free list */
    struct block *all;
    size_t size;
    uintptr_t pc, freed_pc;
    uint32_t state;
    uint8_t tid, class;
    bool reached;
    unsigned char pad[17]; /* so that what follows is aligned to 64 */
};

struct region {
    unsigned char *base;
    size_t used;
    struct block *all;
    struct block *free[CLASSES];
};

_Static_assert(sizeof(struct block) == 64, "blocks are followed by memory aligned to 64");

static AXM_STATE struct region regions[AXM_THREADS];
static AXM_STATE unsigned char *heap;
static AXM_STATE uint16_t owners; /* threads that have allocated, a bit for each */
static AXM_STATE bool reuse;

void axm_heap_init(void)
{
    heap = mmap(NULL, region_size * AXM_THREADS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
    if (heap == MAP_FAILED)
        axm_fatal("cannot reserve address space for the test's heap");
    for (unsigned t = 0; t < AXM_THREADS; t++)
        regions[t].base = heap + region_size * t;
}

void axm_heap_reset(void)
{
    reuse = axm.opt.reuse;
    for (; owners != 0; owners &= (uint16_t)(owners - 1)) {
        struct region *r = &regions[__builtin_ctz(owners)];
        r->used = 0;
        r->all = NULL;
        memset(r->free, 0, sizeof r->free);
    }
}

bool axm_heap_owns(const void *p)
{
    return (const unsigned char *)p >= heap && (const unsigned char *)p < heap + region_size * AXM_THREADS;
}

/* The offset of p in the memory of the thread that allocated it: the same in each process. */
size_t axm_heap_place(const void *p, unsigned *tid)
{
    size_t offset = (size_t)((const unsigned char *)p - heap);
    *tid = (unsigned)(offset / region_size);
    return offset % region_size;
}

void ax_model_reuse_memory(void);
void ax_model_reuse_memory(void) { reuse = true; }

static unsigned class_of(size_t size)
{
    unsigned c = 0;
    for (size_t s = 16; s < size; s <<= 1)
        c++;
    return c;
}

static void *take(size_t size, size_t align, uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    struct region *r = &regions[f->tid];
    axm_side_effect();
    unsigned c = class_of(size);
    struct block *b = reuse && align <= 64 ? r->free[c] : NULL;
    if (b != NULL) {
        r->free[c] = b->next;
        axm_forget((uintptr_t)(b + 1), (size_t)16 << c);
    } else {
        size_t room = ((size_t)16 << c) < 64 ? 64 : (size_t)16 << c;
        size_t start = (r->used + sizeof *b + align - 1) & ~(align - 1);
        if (align < 64)
            start = (r->used + sizeof *b + 63) & ~(size_t)63;
        if (c >= CLASSES || start + room + 64 > region_size) {
            errno = ENOMEM;
            return NULL;
        }
        r->used = start + room;
        owners |= (uint16_t)(1u << f->tid);
        b = (struct block *)(void *)(r->base + start) - 1;
        b->all = r->all;
        r->all = b;
    }
    b->size = size;
    b->pc = pc;
    b->state = LIVE;
    b->reached = false;
    b->tid = f->tid;
    b->class = (uint8_t)c;
    memset(b + 1, 0xa5, size < 4096 ? size : 4096);
    return b + 1;
}

static struct block *block_of(void *p, const char *what, uintptr_t pc)
{
    struct block *b = (struct block *)p - 1;
    if ((uintptr_t)p % 64 != 0 || (b->state != LIVE && b->state != FREED))
        axm_violation(AXM_BAD_FREE, pc, "%s of %p, which malloc did not return", what, p);
    if (b->state == FREED) {
        axm.pc2 = b->freed_pc;
        axm.tid2 = b->tid;
        axm_violation(AXM_DOUBLE_FREE, pc, "%s of %p, which is free already", what, p);
    }
    return b;
}

static void give(void *p, uintptr_t pc)
{
    struct block *b = block_of(p, "free", pc);
    axm_side_effect();
    axm_touch((uintptr_t)p, b->size == 0 ? 1 : b->size, AXM_TOUCH_FREE, pc);
    b->state = FREED;
    b->freed_pc = pc;
    b->tid = axm.cur->tid;
    struct region *r = &regions[axm.cur->tid];
    b->next = r->free[b->class];
    r->free[b->class] = b;
}

/* The live block that a word points into, at its start or anywhere inside. */
static struct block *pointed_to(uintptr_t word)
{
    if (!axm_heap_owns((const void *)word))
        return NULL;
    const struct region *r = &regions[(word - (uintptr_t)heap) / region_size];
    for (struct block *b = r->all; b != NULL; b = b->all)
        if (word >= (uintptr_t)(b + 1) && word < (uintptr_t)(b + 1) + (b->size == 0 ? 1 : b->size))
            return b->state == LIVE ? b : NULL;
    return NULL;
}

static void mark_from(const void *from, size_t size)
{
    const uintptr_t *w = (const uintptr_t *)(((uintptr_t)from + 7) & ~(uintptr_t)7);
    for (; (const unsigned char *)(w + 1) <= (const unsigned char *)from + size; w++) {
        struct block *b = pointed_to(*w);
        if (b != NULL && !b->reached) {
            b->reached = true;
            mark_from(b + 1, b->size);
        }
    }
}

/* As leak checkers have it: what no global leads to at the end is lost. The threads are gone. */
bool axm_heap_leaks(void)
{
    bool live = false;
    for (unsigned t = 0; owners >> t != 0; t++)
        for (struct block *b = regions[t].all; b != NULL; b = b->all)
            live = live || b->state == LIVE;
    if (!live)
        return false;
    axm_globals_visit(mark_from);
    for (unsigned t = 0; t < AXM_THREADS; t++)
        for (struct block *b = regions[t].all; b != NULL; b = b->all)
            if (b->state == LIVE && !b->reached) {
                axm_note(AXM_LEAK, b->pc, "%zu bytes that thread %u allocated are lost", b->size, t);
                return true;
            }
    return false;
}

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void __real_free(void *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void *__wrap_aligned_alloc(size_t, size_t);
int __wrap_posix_memalign(void **, size_t, size_t);
void *__real_aligned_alloc(size_t, size_t);
void __wrap_free(void *);

void *__wrap_malloc(size_t size) { return axm.cur == NULL ? __real_malloc(size) : take(size, 16, AXM_CALLER); }

void *__wrap_calloc(size_t n, size_t size)
{
    if (axm.cur == NULL)
        return __real_calloc(n, size);
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = take(total, 16, AXM_CALLER);
    if (p != NULL) {
        memset(p, 0, total);
        axm_touch((uintptr_t)p, total, AXM_TOUCH_WRITE, AXM_CALLER);
    }
    return p;
}

void __wrap_free(void *p)
{
    if (p == NULL)
        return;
    if (!axm_heap_owns(p))
        __real_free(p);
    else if (axm.cur != NULL)
        give(p, AXM_CALLER);
}

void *__wrap_realloc(void *p, size_t size)
{
    if (axm.cur == NULL || (p != NULL && !axm_heap_owns(p)))
        return __real_realloc(p, size);
    if (p != NULL && size == 0) { /* as in glibc */
        give(p, AXM_CALLER);
        return NULL;
    }
    void *q = take(size, 16, AXM_CALLER);
    if (p == NULL || q == NULL)
        return q;
    size_t old = block_of(p, "realloc", AXM_CALLER)->size;
    size_t n = old < size ? old : size;
    if (n != 0) {
        axm_touch((uintptr_t)p, n, AXM_TOUCH_READ, AXM_CALLER);
        axm_touch((uintptr_t)q, n, AXM_TOUCH_WRITE, AXM_CALLER);
        memcpy(q, p, n);
    }
    give(p, AXM_CALLER);
    return q;
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    if (axm.cur == NULL)
        return __real_aligned_alloc(align, size);
    if (align == 0 || (align & (align - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return take(size, align, AXM_CALLER);
}

int __wrap_posix_memalign(void **out, size_t align, size_t size)
{
    if (align < sizeof(void *) || (align & (align - 1)) != 0)
        return EINVAL;
    void *p = axm.cur == NULL ? __real_aligned_alloc(align, size) : take(size, align, AXM_CALLER);
    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}

void *__real_reallocarray(void *, size_t, size_t);
void *__wrap_reallocarray(void *, size_t, size_t);
void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    size_t total;
    if (axm.cur == NULL)
        return __real_reallocarray(p, n, size);
    if (__builtin_mul_overflow(n, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return __wrap_realloc(p, total);
}

void *__wrap_memalign(size_t, size_t);
void *__wrap_memalign(size_t align, size_t size) { return __wrap_aligned_alloc(align, size); }
void *__wrap_valloc(size_t);
void *__wrap_valloc(size_t size) { return __wrap_aligned_alloc(4096, size); }

size_t __real_malloc_usable_size(void *);
size_t __wrap_malloc_usable_size(void *);
size_t __wrap_malloc_usable_size(void *p)
{
    return p == NULL ? 0 : axm_heap_owns(p) ? block_of(p, "malloc_usable_size", AXM_CALLER)->size : __real_malloc_usable_size(p);
}

/* libc's would take memory that nobody sees leak. */
static char *duplicate(const char *from, size_t n, uintptr_t pc)
{
    char *p = take(n + 1, 16, pc);
    if (p == NULL)
        return NULL;
    if (n != 0)
        axm_touch((uintptr_t)from, n, AXM_TOUCH_READ, pc);
    axm_touch((uintptr_t)p, n + 1, AXM_TOUCH_WRITE, pc);
    memcpy(p, from, n);
    p[n] = '\0';
    return p;
}

char *__real_strdup(const char *);
char *__wrap_strdup(const char *);
char *__wrap_strdup(const char *from)
{
    return axm.cur == NULL ? __real_strdup(from) : duplicate(from, strlen(from), AXM_CALLER);
}

char *__real_strndup(const char *, size_t);
char *__wrap_strndup(const char *, size_t);
char *__wrap_strndup(const char *from, size_t most)
{
    return axm.cur == NULL ? __real_strndup(from, most) : duplicate(from, strnlen(from, most), AXM_CALLER);
}

/* operator new and delete, as the C++ ABI spells them. */
void *__wrap__Znwm(size_t);
void *__wrap__Znwm(size_t size) { return __wrap_malloc(size); }
void *__wrap__Znam(size_t);
void *__wrap__Znam(size_t size) { return __wrap_malloc(size); }
void __wrap__ZdlPv(void *);
void __wrap__ZdlPv(void *p) { __wrap_free(p); }
void __wrap__ZdaPv(void *);
void __wrap__ZdaPv(void *p) { __wrap_free(p); }
void __wrap__ZdlPvm(void *, size_t);
void __wrap__ZdlPvm(void *p, size_t size) { (void)size; __wrap_free(p); }
void __wrap__ZdaPvm(void *, size_t);
void __wrap__ZdaPvm(void *p, size_t size) { (void)size; __wrap_free(p); }
