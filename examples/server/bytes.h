/* SPDX-License-Identifier: MIT */
/*
 * bytes.h: text and records being written into memory that grows, and records being read from memory that
 * ends. Neither stops at the first fault: it is noted, and asked for once, at the end.
 */
#ifndef SERVER_BYTES_H
#define SERVER_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-filled is empty. `failed`: memory ran out, and something is missing. */
struct buffer {
    char *bytes;
    size_t length, room;
    bool failed;
};

void buffer_put(struct buffer *buffer, const void *bytes, size_t length);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
void buffer_free(struct buffer *buffer);

/* Numbers are written with their least significant byte first, strings after their length. */
void buffer_u64(struct buffer *buffer, uint64_t number);
void buffer_string(struct buffer *buffer, const void *bytes, size_t length);
/* Overwrites a number written earlier, at `at`: a count known only when all is written. */
void buffer_set_u64(struct buffer *buffer, size_t at, uint64_t number);

/* `why` is NULL until something was wrong, and then says what was wrong first, at byte `at`. */
struct reader {
    const char *bytes;
    size_t length, at;
    const char *why;
};

uint64_t reader_u64(struct reader *reader);
/* A view of a string of at most `most` bytes; "" once something was wrong. */
const char *reader_string(struct reader *reader, size_t most, size_t *length);
/* What has been read is no good; kept if it is the first complaint. */
void reader_refuse(struct reader *reader, const char *why);

#endif
