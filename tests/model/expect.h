/* SPDX-License-Identifier: MIT */
/**
 * expect.h: a model test that also states how many executions it has.
 *
 *     AX_MODEL_COUNT(name, 90) { ... }      violated when an exhaustive search ends with another number
 */
#ifndef TESTS_MODEL_EXPECT_H
#define TESTS_MODEL_EXPECT_H

#include <atomicx/model.h>

#define AX_MODEL_COUNT(name, n)                                                                            \
    static void name(void);                                                                                \
    static struct ax_model_case name##_case_ = {#name, name, 0, __FILE__, __LINE__, 0, n};                 \
    __attribute__((constructor)) static void name##_register_(void) { ax_model_register(&name##_case_); } \
    static void name(void)

#endif
