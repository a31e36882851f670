/* SPDX-License-Identifier: MIT */
/* JSON, written as it comes: an object or array is begun, gets its members, and is ended. */
#ifndef AXI_STRESS_OUT_H
#define AXI_STRESS_OUT_H

#include <stdbool.h>
#include <stdio.h>

#include <atomicx/stress.h>

#define AXI_OUT_DEPTH 16

struct ax_stress_out {
    FILE *file;
    int depth;
    bool first; /* nothing was written yet in the innermost object or array */
    bool too_deep;
    char closing[AXI_OUT_DEPTH];
};

/* Begins the outermost object; finish ends whatever is open, and says whether all was written. */
void axi_out_start(ax_stress_out *out, FILE *file);
bool axi_out_finish(ax_stress_out *out);
/* What comes before a value: the comma, and the key if we are in an object. */
void axi_out_lead(ax_stress_out *out, const char *key);
void axi_out_null(ax_stress_out *out, const char *key);
void axi_out_real(ax_stress_out *out, const char *key, double value);

#endif
