/* SPDX-License-Identifier: MIT */
/* The library is compiled with hidden visibility; what a header promises is marked. */
#ifndef AXI_EXPORT_H
#define AXI_EXPORT_H

#define AXI_EXPORT __attribute__((visibility("default")))

#endif
