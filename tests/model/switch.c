/* SPDX-License-Identifier: MIT */
/* What a thread of the model finds after another has run in between: the registers that a call preserves, and the
 * control words of floating point. In every order of three threads. */
#include "expect.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

static atomic_int x;

#ifdef __x86_64__
/* Puts pattern, pattern + 1, ... into the registers that a call preserves, calls visit(), and says which bits of them
 * are others after that. */
uint64_t carry(uint64_t pattern, void (*visit)(void));
__asm__(".text\n.type carry,@function\n"
        "carry:\n"
        "    push %rbp\n    push %rbx\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n    push %rdi\n"
        "    lea 0(%rdi), %rbp\n    lea 1(%rdi), %rbx\n    lea 2(%rdi), %r12\n    lea 3(%rdi), %r13\n"
        "    lea 4(%rdi), %r14\n    lea 5(%rdi), %r15\n"
        "    call *%rsi\n"
        "    pop %rdi\n"
        "    lea 1(%rdi), %rcx\n    lea 2(%rdi), %rdx\n    lea 3(%rdi), %rsi\n    lea 4(%rdi), %r8\n    lea 5(%rdi), %r9\n"
        "    xor %rbp, %rdi\n    xor %rbx, %rcx\n    xor %r12, %rdx\n    xor %r13, %rsi\n    xor %r14, %r8\n"
        "    xor %r15, %r9\n"
        "    mov %rdi, %rax\n    or %rcx, %rax\n    or %rdx, %rax\n    or %rsi, %rax\n    or %r8, %rax\n    or %r9, %rax\n"
        "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbx\n    pop %rbp\n"
        "    ret\n.size carry,.-carry\n");

/* Rounding of SSE and of the x87. */
struct control {
    uint32_t mxcsr;
    uint16_t x87;
};

static struct control control(void)
{
    struct control c;
    __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(c.mxcsr), "=m"(c.x87));
    c.mxcsr &= ~0x3fu; /* what has happened so far, which nobody preserves */
    return c;
}

static void round_by(unsigned way)
{
    struct control c = control();
    c.mxcsr = (c.mxcsr & ~0x6000u) | way << 13;
    c.x87 = (uint16_t)((c.x87 & ~0xc00u) | way << 10);
    __asm__ volatile("ldmxcsr %0\n fldcw %1" : : "m"(c.mxcsr), "m"(c.x87));
}

static void check_rounding(unsigned way)
{
    struct control c = control();
    assert((c.mxcsr >> 13 & 3) == way && (c.x87 >> 10 & 3) == way);
}
#else
static uint64_t carry(uint64_t pattern, void (*visit)(void))
{
    (void)pattern;
    visit();
    return 0;
}
static void round_by(unsigned way) { (void)way; }
static void check_rounding(unsigned way) { (void)way; }
#endif

static void add(void) { atomic_fetch_add_explicit(&x, 1, memory_order_relaxed); }

static void *keeps(void *which)
{
    unsigned way = (unsigned)(uintptr_t)which;
    check_rounding(0); /* as its creator */
    round_by(way);
    for (int i = 0; i < 2; i++)
        assert(carry(UINT64_C(0x1111111111111111) * way, add) == 0);
    check_rounding(way);
    return NULL;
}

AX_MODEL_COUNT(a_thread_keeps_its_registers, 90)
{
    pthread_t t[3];
    check_rounding(0); /* also after the execution before */
    for (uintptr_t i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, keeps, (void *)(i + 1));
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    check_rounding(0);
    round_by(3);
}
