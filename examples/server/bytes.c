/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and a NUL that vsnprintf may write after them. */
static bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->failed || more >= SIZE_MAX / 4 - buffer->length) {
        buffer->failed = true;
        return false;
    }
    size_t need = buffer->length + more + 1;
    if (need <= buffer->room)
        return true;
    size_t room = need <= 64 ? 64 : need + need / 2;
    char *bytes = realloc(buffer->bytes, room);
    if (!bytes) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = bytes;
    buffer->room = room;
    return true;
}

void buffer_put(struct buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0 || !buffer_reserve(buffer, length))
        return;
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    if (!buffer_reserve(buffer, 80)) /* most lines fit, and are formatted once */
        return;
    va_copy(again, arguments);
    size_t room = buffer->room - buffer->length;
    int length = vsnprintf(buffer->bytes + buffer->length, room, format, arguments);
    if (length >= 0 && (size_t)length >= room && buffer_reserve(buffer, (size_t)length))
        length = vsnprintf(buffer->bytes + buffer->length, (size_t)length + 1, format, again);
    va_end(again);
    if (length < 0)
        buffer->failed = true;
    if (!buffer->failed)
        buffer->length += (size_t)length;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){ 0 };
}

static void encode(char bytes[8], uint64_t number)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(unsigned char)(number >> 8 * i);
}

void buffer_u64(struct buffer *buffer, uint64_t number)
{
    char bytes[8];
    encode(bytes, number);
    buffer_put(buffer, bytes, sizeof bytes);
}

void buffer_set_u64(struct buffer *buffer, size_t at, uint64_t number)
{
    if (!buffer->failed)
        encode(buffer->bytes + at, number);
}

void buffer_string(struct buffer *buffer, const void *bytes, size_t length)
{
    buffer_u64(buffer, length);
    buffer_put(buffer, bytes, length);
}

void reader_refuse(struct reader *reader, const char *why)
{
    if (!reader->why)
        reader->why = why;
}

uint64_t reader_u64(struct reader *reader)
{
    uint64_t number = 0;
    if (reader->why)
        return 0;
    if (reader->length - reader->at < 8) {
        reader_refuse(reader, "it ends in the middle of a number");
        return 0;
    }
    for (int i = 0; i < 8; i++)
        number |= (uint64_t)(unsigned char)reader->bytes[reader->at + (size_t)i] << 8 * i;
    reader->at += 8;
    return number;
}

const char *reader_string(struct reader *reader, size_t most, size_t *length)
{
    uint64_t announced = reader_u64(reader);
    *length = 0;
    if (reader->why)
        return "";
    if (announced > most || announced > reader->length - reader->at) {
        reader_refuse(reader, announced > most ? "a string is longer than allowed" : "it ends in the middle of a string");
        return "";
    }
    const char *bytes = reader->bytes + reader->at;
    *length = (size_t)announced;
    reader->at += *length;
    return bytes;
}
