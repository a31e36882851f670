/* SPDX-License-Identifier: MIT */
/* Fibers: stacks, the switch, thread-local storage, and the globals of the test.
 *
 * The switch saves what the x86-64 calling convention says a call preserves, and nothing else (a few
 * nanoseconds): six registers, and how floating point rounds and traps. Elsewhere <ucontext.h> does it, slower by its
 * signal-mask system calls. This is the only file with assembly. Its entry stubs for the atomic operations that a loop may
 * wait with also note the registers of the caller, which is how such a loop is recognised (loops.c); without them they are
 * only bounded.
 *
 * Thread-local variables get real storage: each fiber borrows the thread pointer of a parked POSIX
 * thread, so that `&var` differs between threads and libc finds what it expects. */
#include "axm.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

AXM_STATE uint64_t axm_regs[AXM_REGS];

#if defined(__x86_64__) && !defined(AXM_UCONTEXT)

__asm__(".text\n"
        ".globl axm_switch\n.hidden axm_switch\n.type axm_switch,@function\n"
        "axm_switch:\n"
        "    push %rbp\n    push %rbx\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
        "    sub $8, %rsp\n    stmxcsr (%rsp)\n    fnstcw 4(%rsp)\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    ldmxcsr (%rsp)\n    fldcw 4(%rsp)\n    add $8, %rsp\n"
        "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbx\n    pop %rbp\n"
        "    ret\n"
        ".size axm_switch, .-axm_switch\n");

/* A stub that notes the caller's registers and goes on in axm_<name>. */
#define STUB(name)                                                                                       \
    __asm__(".text\n.globl __tsan_" #name "\n.type __tsan_" #name ",@function\n"                         \
            "__tsan_" #name ":\n"                                                                        \
            "    lea axm_regs(%rip), %rax\n"                                                             \
            "    mov %rbx, (%rax)\n    mov %rbp, 8(%rax)\n    mov %r12, 16(%rax)\n"                      \
            "    mov %r13, 24(%rax)\n    mov %r14, 32(%rax)\n    mov %r15, 40(%rax)\n"                   \
            "    mov %rsp, 48(%rax)\n"                                                                   \
            "    jmp axm_" #name "\n"                                                                    \
            ".size __tsan_" #name ", .-__tsan_" #name "\n");
#define STUBS(bits)                              \
    STUB(atomic##bits##_load)                    \
    STUB(atomic##bits##_exchange)                \
    STUB(atomic##bits##_fetch_and)               \
    STUB(atomic##bits##_fetch_or)                \
    STUB(atomic##bits##_compare_exchange_val)    \
    STUB(atomic##bits##_compare_exchange_strong) \
    STUB(atomic##bits##_compare_exchange_weak)
STUBS(8)
STUBS(16)
STUBS(32)
STUBS(64)

void axm_fiber_start(struct axm_fiber *f, void (*entry)(void))
{
    /* What axm_switch pops: the control words, which a thread has from the one that creates it, six registers, then
     * the address it returns to, on a stack aligned as after a call. */
    void **sp = (void **)(void *)f->hi;
    *--sp = NULL;
    *--sp = (void *)(uintptr_t)entry;
    for (int i = 0; i < 6; i++)
        *--sp = NULL;
    struct {
        uint32_t mxcsr;
        uint16_t x87, unused;
    } words = {0};
    __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(words.mxcsr), "=m"(words.x87));
    memcpy(--sp, &words, sizeof words);
    f->sp = sp;
}

#else
#include <ucontext.h>

static AXM_STATE ucontext_t controller_context, fiber_context[AXM_THREADS], nobody;

static ucontext_t *context_of(void **place)
{
    for (unsigned i = 0; i < AXM_THREADS; i++)
        if (axm.fiber[i] != NULL && place == &axm.fiber[i]->sp)
            return &fiber_context[i];
    return place == &axm.controller ? &controller_context : &nobody; /* a fiber that does not come back */
}

void axm_switch(void **save, void *load)
{
    *save = context_of(save);
    swapcontext(*save, load);
}

void axm_fiber_start(struct axm_fiber *f, void (*entry)(void))
{
    ucontext_t *c = &fiber_context[f->tid];
    getcontext(c);
    c->uc_stack.ss_sp = f->lo;
    c->uc_stack.ss_size = (size_t)(f->hi - f->lo);
    c->uc_link = NULL;
    makecontext(c, entry, 0);
    f->sp = c;
}
#endif

/* ---- thread-local storage ---- */

AXM_STATE bool axm_own_tls;
static AXM_STATE size_t tls_size, tls_filled;
static AXM_STATE const void *tls_image;
static AXM_STATE void *tls_block[AXM_THREADS];
static AXM_STATE void *main_tp;

/* The exceptions that a thread of C++ is in the middle of: a pointer and a count. libstdc++ keeps them, and the function
 * of a std::call_once, in thread-local storage of its own; a program without libstdc++ has no such function. */
extern void *__cxa_get_globals(void) __attribute__((weak));
static AXM_STATE void *exceptions[AXM_THREADS];
enum { EXCEPTIONS = 16 };

#if defined(__x86_64__) && !defined(AXM_UCONTEXT)
enum { HAVE_TLS_SWITCH = 1 };
static AXM_STATE bool fsgsbase;

/* Not __builtin_thread_pointer(), which a compiler may move past a change of it. */
static void *thread_pointer(void)
{
    void *tp;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(tp) : : "memory");
    return tp;
}

static void set_thread_pointer(void *tp)
{
    if (AXM_LIKELY(fsgsbase))
        __asm__ volatile("wrfsbase %0" : : "r"(tp) : "memory");
    else
        syscall(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, tp);
}
#else
enum { HAVE_TLS_SWITCH = 0 };
static AXM_STATE bool fsgsbase;
static void *thread_pointer(void) { return NULL; }
static void set_thread_pointer(void *tp) { (void)tp; }
#endif

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

struct parked {
    struct axm_fiber *f;
    int ready;
};

static void *park(void *arg)
{
    struct parked *p = arg;
    struct axm_fiber *f = p->f;
    /* The test program is module 1 of the dynamic linker's list. */
    struct { unsigned long module, offset; } index = {1, 0};
    extern void *__tls_get_addr(void *);
    if (tls_size != 0)
        tls_block[f->tid] = __tls_get_addr(&index);
    if (__cxa_get_globals != NULL)
        exceptions[f->tid] = __cxa_get_globals();
    f->tp = thread_pointer();
    f->errno_at = &errno;
    __atomic_store_n(&p->ready, 1, __ATOMIC_RELEASE);
    for (;;)
        pause();
    return NULL;
}

/* Thread-local variables of a new thread. */
void axm_tls_renew(struct axm_fiber *f)
{
    if (f->tp == NULL) {
        void *here = thread_pointer();
        set_thread_pointer(main_tp);
        struct parked p = {f, 0};
        pthread_t thread;
        pthread_attr_t attr;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 64 << 10);
        if (__real_pthread_create(&thread, &attr, park, &p) != 0)
            axm_fatal("cannot create the thread that lends its thread-local storage");
        pthread_attr_destroy(&attr);
        while (!__atomic_load_n(&p.ready, __ATOMIC_ACQUIRE))
            syscall(SYS_sched_yield);
        set_thread_pointer(here);
    }
    if (exceptions[f->tid] != NULL)
        memset(exceptions[f->tid], 0, EXCEPTIONS);
    if (tls_size == 0)
        return;
    memcpy(tls_block[f->tid], tls_image, tls_filled);
    memset((unsigned char *)tls_block[f->tid] + tls_filled, 0, tls_size - tls_filled);
}

/* NULL means the controller's. */
void axm_tls_switch(const struct axm_fiber *f) { set_thread_pointer(f == NULL ? main_tp : f->tp); }

static int find_tls(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS) {
            tls_image = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
            tls_filled = info->dlpi_phdr[i].p_filesz;
            tls_size = info->dlpi_phdr[i].p_memsz;
        }
    return 1; /* the first one is the program itself */
}

/* ---- the test's globals ---- */

extern char __data_start[], edata[], __bss_start[], end[];
extern char __start_axm_state[], __stop_axm_state[];

static AXM_STATE unsigned char *saved;

struct range {
    char *from, *to;
};

/* Everything writable the linker laid out for the program, but for our own state. */
static unsigned ranges(struct range out[3])
{
    unsigned n = 0;
    if (&__start_axm_state[0] >= &__data_start[0] && &__stop_axm_state[0] <= &edata[0]) {
        out[n++] = (struct range){__data_start, __start_axm_state};
        out[n++] = (struct range){__stop_axm_state, edata};
    } else {
        out[n++] = (struct range){__data_start, edata};
    }
    out[n++] = (struct range){__bss_start, end};
    return n;
}

void axm_globals_save(void)
{
    struct range r[3];
    unsigned n = ranges(r);
    size_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += (size_t)(r[i].to - r[i].from);
    saved = mmap(NULL, total + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (saved == MAP_FAILED)
        axm_fatal("out of memory for a copy of the program's globals");
    unsigned char *p = saved;
    for (unsigned i = 0; i < n; i++) {
        memcpy(p, r[i].from, (size_t)(r[i].to - r[i].from));
        p += r[i].to - r[i].from;
    }
}

void axm_globals_restore(void)
{
    struct range r[3];
    unsigned n = ranges(r);
    const unsigned char *p = saved;
    for (unsigned i = 0; i < n; i++) {
        memcpy(r[i].from, p, (size_t)(r[i].to - r[i].from));
        p += r[i].to - r[i].from;
    }
}

void axm_globals_visit(void (*visit)(const void *from, size_t size))
{
    struct range r[3];
    unsigned n = ranges(r);
    for (unsigned i = 0; i < n; i++)
        visit(r[i].from, (size_t)(r[i].to - r[i].from));
}

void axm_fibers_init(void)
{
    main_tp = thread_pointer();
    dl_iterate_phdr(find_tls, NULL);
    fsgsbase = (getauxval(AT_HWCAP2) & 2) != 0;
    if (tls_size != 0 && !HAVE_TLS_SWITCH)
        axm_fatal("this program has thread-local variables, and on this machine the model has no way to give "
                  "each of its threads its own");
    axm_own_tls = HAVE_TLS_SWITCH && (tls_size != 0 || __cxa_get_globals != NULL);
    for (unsigned t = 0; t < AXM_THREADS; t++) {
        /* Each begins at another offset in its page: the processor takes addresses of the same offset for the same
         * at first, and what is hot in a thread is at the same place in all of them. */
        size_t page = 4096, colour = t * 5 * 64 % page, total = 2 * page + AXM_STACK;
        unsigned char *stack = mmap(NULL, total, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        unsigned char *m = mmap(NULL, sizeof(struct axm_fiber) + page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (stack == MAP_FAILED || m == MAP_FAILED || mprotect(stack, page, PROT_NONE) != 0)
            axm_fatal("out of memory for stacks");
        struct axm_fiber *f = (struct axm_fiber *)(void *)(m + (colour + page / 2) % page);
        f->lo = stack + page;
        f->hi = stack + total - colour;
        f->tid = (uint8_t)t;
        f->one.v[t] = 1;
        f->errno_at = &errno;
        axm.fiber[t] = f;
    }
}
