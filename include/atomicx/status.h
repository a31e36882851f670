/* SPDX-License-Identifier: MIT */
/**
 * status.h: what a call that can fail returns.
 *
 *     ax_status s = ax_tickets_sell(t, &number);
 *     if (s != AX_OK)
 *         fprintf(stderr, "no ticket: %s\n", ax_strerror(s));
 *
 * Zero is success. A call that fails leaves its outputs and the object as they were, unless its own
 * header says otherwise. The numbers are part of the ABI: none is ever renumbered or reused.
 */
#ifndef ATOMICX_STATUS_H
#define ATOMICX_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ax_status {
    AX_OK = 0,
    AX_EINVAL = 1,        /**< an argument is out of its documented range */
    AX_ENOMEM = 2,        /**< the allocator said no; nothing was changed */
    AX_ERANGE = 3,        /**< the result would not fit; nothing was changed */
    AX_EAGAIN = 4,        /**< a documented bound is reached for now; try later */
    AX_ENOTFOUND = 5,     /**< no such key, account or entry */
    AX_EEXIST = 6,        /**< already there */
    AX_ESOLDOUT = 7,      /**< fewer tickets left than asked for */
    AX_ECLOSED = 8,       /**< closed: nothing is sold any more */
    AX_ENOTSOLD = 9,      /**< refund of a ticket that is not sold */
    AX_EINSUFFICIENT = 10, /**< the balance would fall below its floor */
    AX_EDEADLK = 11,      /**< the call would wait for itself */
    AX_EPERM = 12,        /**< the caller does not own what it tries to release or use */
    AX_ETIMEDOUT = 13,    /**< the deadline passed */
    AX_ECORRUPT = 14,     /**< the memory attached to is not such an object, or of another version */
    AX_ECANCELED = 15,    /**< given up by the other side */
    AX_EBUSY = 16         /**< held or in use by somebody */
} ax_status;

/**
 * The English sentence for a status; never NULL, also for a number that is no status.
 * Wait-free, allocates nothing, async-signal-safe, fork-safe; all calls may overlap.
 */
const char *ax_strerror(ax_status status);

#ifdef __cplusplus
}
#endif
#endif
