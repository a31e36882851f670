/* SPDX-License-Identifier: MIT */
/**
 * annotations.h: Clang's thread-safety annotations, so that an access outside the lock does not compile.
 *
 *     static ax_mutex jobs_lock = AX_MUTEX_INIT;
 *     static int jobs AX_GUARDED_BY(jobs_lock);
 *     void add_job(void) AX_REQUIRES(jobs_lock);
 *
 * They mean something to clang with -Wthread-safety (add -Werror=thread-safety) and nothing, at no cost,
 * to other compilers. tests/compile holds the programs that must not compile.
 *
 * Members. In C, clang before 20 cannot name one member in an attribute of its sibling. AX_MEMBER_GUARDED_BY
 * is for members: it is checked in C++, and in C where the compiler is told to parse attributes late
 * (-fexperimental-late-parse-attributes with -DAX_LATE_ATTRIBUTES); elsewhere it is a comment. Functions
 * may name members of their parameters everywhere: void add(struct pool *p) AX_REQUIRES(p->lock);
 */
#ifndef ATOMICX_ANNOTATIONS_H
#define ATOMICX_ANNOTATIONS_H

#if defined(__clang__)
#define AX_DETAIL_ANNOTATE(x) __attribute__((x))
#else
#define AX_DETAIL_ANNOTATE(x)
#endif

/** On a variable: reading needs the lock (shared will do), writing needs it exclusively. */
#define AX_GUARDED_BY(lock) AX_DETAIL_ANNOTATE(guarded_by(lock))
/** On a pointer variable: the same for what it points to. */
#define AX_PT_GUARDED_BY(lock) AX_DETAIL_ANNOTATE(pt_guarded_by(lock))

/** AX_GUARDED_BY and AX_PT_GUARDED_BY for members; see above. */
#if defined(__cplusplus) || defined(AX_LATE_ATTRIBUTES)
#define AX_MEMBER_GUARDED_BY(lock) AX_GUARDED_BY(lock)
#define AX_MEMBER_PT_GUARDED_BY(lock) AX_PT_GUARDED_BY(lock)
#else
#define AX_MEMBER_GUARDED_BY(lock)
#define AX_MEMBER_PT_GUARDED_BY(lock)
#endif

/** On a function: the caller holds the lock (exclusively; at least shared); or must not hold it. */
#define AX_REQUIRES(lock) AX_DETAIL_ANNOTATE(requires_capability(lock))
#define AX_REQUIRES_SHARED(lock) AX_DETAIL_ANNOTATE(requires_shared_capability(lock))
#define AX_EXCLUDES(lock) AX_DETAIL_ANNOTATE(locks_excluded(lock))

/** On a function that takes or releases the lock for its caller. */
#define AX_ACQUIRE(lock) AX_DETAIL_ANNOTATE(acquire_capability(lock))
#define AX_ACQUIRE_SHARED(lock) AX_DETAIL_ANNOTATE(acquire_shared_capability(lock))
#define AX_TRY_ACQUIRE(value, lock) AX_DETAIL_ANNOTATE(try_acquire_capability(value, lock))
#define AX_TRY_ACQUIRE_SHARED(value, lock) AX_DETAIL_ANNOTATE(try_acquire_shared_capability(value, lock))
#define AX_RELEASE(lock) AX_DETAIL_ANNOTATE(release_capability(lock))
#define AX_RELEASE_ANY(lock) AX_DETAIL_ANNOTATE(release_generic_capability(lock))

/** On a function after whose return the analysis may take the lock as held. */
#define AX_ASSERT_HELD(lock) AX_DETAIL_ANNOTATE(assert_capability(lock))
#define AX_ASSERT_HELD_SHARED(lock) AX_DETAIL_ANNOTATE(assert_shared_capability(lock))

/** On a struct that is a lock; on a function that the analysis should leave alone. */
#define AX_CAPABILITY(kind) AX_DETAIL_ANNOTATE(capability(kind))
#define AX_NO_THREAD_SAFETY_ANALYSIS AX_DETAIL_ANNOTATE(no_thread_safety_analysis)

#endif
