/* SPDX-License-Identifier: MIT */
/**
 * version.h: which libatomicx this is, at compile time and at run time.
 *
 *     printf("built with %s, running on %s\n", AX_VERSION_STRING, ax_version());
 *
 * Semantic versioning: a patch changes no interface, a minor version adds some, a major version may take
 * some away. Source and binary interface alike: what was built with 1.0 runs with any 1.x. The number in
 * libatomicx.so.0 is none of these: it counts breaks of the binary interface, and there has been none.
 *
 * This file is where the version is set; the build, the packages and the programs read it here.
 */
#ifndef ATOMICX_VERSION_H
#define ATOMICX_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define AX_VERSION_MAJOR 1
#define AX_VERSION_MINOR 0
#define AX_VERSION_PATCH 0

#define AX_DETAIL_VERSION_TEXT(major, minor, patch) AX_DETAIL_VERSION_TEXT2(major, minor, patch)
#define AX_DETAIL_VERSION_TEXT2(major, minor, patch) #major "." #minor "." #patch

/** "MAJOR.MINOR.PATCH" of the headers. */
#define AX_VERSION_STRING AX_DETAIL_VERSION_TEXT(AX_VERSION_MAJOR, AX_VERSION_MINOR, AX_VERSION_PATCH)

/** Whether the headers are of this version or a later one; for #if. */
#define AX_VERSION_AT_LEAST(major, minor, patch)                                                   \
    (AX_VERSION_MAJOR * 1000000 + AX_VERSION_MINOR * 1000 + AX_VERSION_PATCH >=                    \
     (major) * 1000000 + (minor) * 1000 + (patch))

/**
 * "MAJOR.MINOR.PATCH" of the library that runs, a string of static storage. Wait-free, allocates nothing,
 * async-signal-safe, fork-safe; all calls may overlap.
 */
const char *ax_version(void);

#ifdef __cplusplus
}
#endif
#endif
