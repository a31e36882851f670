/* SPDX-License-Identifier: MIT */
/**
 * standin.h: what the stand-ins for libc functions share.
 *
 *     STANDIN(int, sem_post, (sem_t *s)) { ... }      the linker's --wrap sends the test's calls here
 */
#ifndef AXM_STANDIN_H
#define AXM_STANDIN_H

#include "axm.h"

#define STANDIN(type, name, parameters) \
    type __wrap_##name parameters;      \
    type __wrap_##name parameters

/* An operation on a word of ours. */
uint64_t axm_word(void *object, uint8_t op, uint64_t arg, uint64_t cmp, uint8_t order, uint8_t note, uintptr_t pc);
uint64_t axm_word_wrote(void *object, uint8_t op, uint64_t arg, uint64_t cmp, uint8_t order, uint8_t note, uintptr_t pc,
                        bool *wrote);
/* The same for an operation that waits, with a deadline: false when that has passed. It passes when nobody
 * else can go on, and early within --bound spurious. */
bool axm_word_until(void *object, uint8_t op, uint64_t arg, uint64_t cmp, uint8_t order, uint8_t note, uintptr_t pc);
void axm_lock_word(void *object, uint8_t note, uintptr_t pc);
void axm_unlock_word(void *object, uint8_t note, uintptr_t pc);

/* Sleeping until another thread says so, or, with a deadline, until that has passed: false. begin comes
 * before the thread can be found by wakers. */
void axm_sleep_begin(void);
bool axm_sleep(uint8_t order, bool timed, uintptr_t pc);
/* Takes thread tid off a list of sleepers; false when it is not there. */
bool axm_unlist(uint8_t *waiter, uint8_t *n, uint8_t tid);
void axm_wake(uint8_t tid, uint8_t order, uintptr_t pc);
/* A new object, or the end of one: plain writes to all of it. */
void axm_renew_object(void *object, size_t size, uintptr_t pc);

/* futex.c: as the system call, with errno. */
long axm_futex_wait(uint32_t *word, uint32_t expected, bool timed, uintptr_t pc);
long axm_futex_wake(uint32_t *word, uint32_t most, uintptr_t pc);

/* mutex.c */
enum axm_patience { AXM_FOR_EVER, AXM_UNTIL_DEADLINE, AXM_NOT_AT_ALL };
bool axm_mutex_mine(const void *mutex);
int axm_mutex_lock(void *mutex, enum axm_patience patience, uintptr_t pc);
int axm_mutex_unlock(void *mutex, uintptr_t pc);
int axm_thrd_result(int error);

bool axm_ends_early(uint8_t note, uintptr_t pc);

#endif
