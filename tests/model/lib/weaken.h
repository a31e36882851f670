/* SPDX-License-Identifier: MIT */
/* Included before everything else: WEAK names the end of an edge (T1_rel, ...) whose order becomes
 * relaxed. A model test must then be violated, or the edge is not needed or not tested. */
#define AX_DETAIL_ORDER(end, order) (__builtin_strcmp(#end, WEAK) == 0 ? 0 /* relaxed */ : (order))
