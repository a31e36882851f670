/* SPDX-License-Identifier: MIT */
/* The entry points that compilers call for plain accesses and function entry, and the memory functions
 * of libc that tests call (linked in place of libc's by --wrap). */
#include "axm.h"

#include <string.h>

#define ACCESS(name, size, how)                       \
    void __tsan_##name(void *a);                      \
    void __tsan_##name(void *a)                       \
    {                                                 \
        axm_touch((uintptr_t)a, size, how, AXM_CALLER); \
    }
#define SIZES(prefix, how)        \
    ACCESS(prefix##1, 1, how)     \
    ACCESS(prefix##2, 2, how)     \
    ACCESS(prefix##4, 4, how)     \
    ACCESS(prefix##8, 8, how)     \
    ACCESS(prefix##16, 16, how)

SIZES(read, AXM_TOUCH_READ)
SIZES(write, AXM_TOUCH_WRITE)
SIZES(unaligned_read, AXM_TOUCH_READ)
SIZES(unaligned_write, AXM_TOUCH_WRITE)
/* volatile is not a way to share: its races are races. */
SIZES(volatile_read, AXM_TOUCH_READ)
SIZES(volatile_write, AXM_TOUCH_WRITE)
SIZES(unaligned_volatile_read, AXM_TOUCH_READ)
SIZES(unaligned_volatile_write, AXM_TOUCH_WRITE)
/* clang may join a read and the write that follows it. */
SIZES(read_write, AXM_TOUCH_WRITE)
SIZES(unaligned_read_write, AXM_TOUCH_WRITE)
ACCESS(vptr_read, sizeof(void *), AXM_TOUCH_READ)

void __tsan_vptr_update(void **a, void *v);
void __tsan_vptr_update(void **a, void *v)
{
    if (*a != v)
        axm_touch((uintptr_t)a, sizeof *a, AXM_TOUCH_WRITE, AXM_CALLER);
}

void __tsan_read_range(void *a, size_t size);
void __tsan_read_range(void *a, size_t size) { axm_touch((uintptr_t)a, size, AXM_TOUCH_READ, AXM_CALLER); }

void __tsan_write_range(void *a, size_t size);
void __tsan_write_range(void *a, size_t size) { axm_touch((uintptr_t)a, size, AXM_TOUCH_WRITE, AXM_CALLER); }

void __tsan_init(void);
void __tsan_init(void) {}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
    struct axm_fiber *f = axm.cur;
    if (f == NULL)
        return;
    if (f->depth < AXM_CALLS)
        f->calls[f->depth] = (uintptr_t)pc;
    f->depth++;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
    if (axm.cur != NULL)
        axm.cur->depth--;
}

/* Annotations of libraries for ThreadSanitizer: here the code itself is what counts. */
#define IGNORED(name)          \
    void name(void *a);        \
    void name(void *a) { (void)a; }
IGNORED(__tsan_acquire)
IGNORED(__tsan_release)

void *__real_memcpy(void *to, const void *from, size_t n);
void *__real_memmove(void *to, const void *from, size_t n);
void *__real_memset(void *to, int c, size_t n);
int __real_memcmp(const void *a, const void *b, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);
void *__wrap_memset(void *to, int c, size_t n);
int __wrap_memcmp(const void *a, const void *b, size_t n);

void *__wrap_memcpy(void *to, const void *from, size_t n)
{
    axm_touch((uintptr_t)from, n, AXM_TOUCH_READ, AXM_CALLER);
    axm_touch((uintptr_t)to, n, AXM_TOUCH_WRITE, AXM_CALLER);
    return __real_memcpy(to, from, n);
}

void *__wrap_memmove(void *to, const void *from, size_t n)
{
    axm_touch((uintptr_t)from, n, AXM_TOUCH_READ, AXM_CALLER);
    axm_touch((uintptr_t)to, n, AXM_TOUCH_WRITE, AXM_CALLER);
    return __real_memmove(to, from, n);
}

void *__wrap_memset(void *to, int c, size_t n)
{
    axm_touch((uintptr_t)to, n, AXM_TOUCH_WRITE, AXM_CALLER);
    return __real_memset(to, c, n);
}

int __wrap_memcmp(const void *a, const void *b, size_t n)
{
    axm_touch((uintptr_t)a, n, AXM_TOUCH_READ, AXM_CALLER);
    axm_touch((uintptr_t)b, n, AXM_TOUCH_READ, AXM_CALLER);
    return __real_memcmp(a, b, n);
}
