/* SPDX-License-Identifier: MIT */
/*
 * The state in a file: 8 bytes "axserver", the version of the format, the length of the rest, its CRC-64, and the
 * rest: counters, jobs, events, accounts, as their parts write them. Numbers have 8 bytes, the lowest first.
 *
 * Each part is saved as of one moment (accounts, jobs) or each of its entries is (counters, tickets); parts are
 * saved one after the other. The file is written beside the old one, forced to the disk, and takes its name in
 * one step: whenever the power fails there is one whole snapshot.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"

static const char magic[8] = { 'a', 'x', 's', 'e', 'r', 'v', 'e', 'r' };
enum { VERSION = 1, HEADER = 32, AT_LENGTH = 16, AT_CHECKSUM = 24 };

/* CRC-64 as in the XZ format: polynomial of ECMA-182, bits reflected. */
static uint64_t crc64(const char *bytes, size_t length)
{
    static uint64_t table[256]; /* one thread saves or loads at a time */
    if (table[1] == 0)
        for (uint64_t i = 0; i < 256; i++) {
            uint64_t crc = i;
            for (int bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ (crc & 1 ? UINT64_C(0xc96c5795d7870f42) : 0);
            table[i] = crc;
        }
    uint64_t crc = UINT64_MAX;
    for (size_t i = 0; i < length; i++)
        crc = table[(crc ^ (unsigned char)bytes[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}

static bool complain(const char *path, const char *what)
{
    fprintf(stderr, "server: %s: %s: %s\n", path, what, strerror(errno));
    return false;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* The new name is on the disk once its folder is. */
static bool sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    free(copy);
    return synced;
}

static bool write_file(const char *path, const struct buffer *buffer)
{
    struct buffer name = { 0 };
    buffer_printf(&name, "%s.new", path);
    buffer_put(&name, "", 1);
    if (name.failed)
        return complain(path, "no memory for a snapshot");
    int fd = open(name.bytes, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write_all(fd, buffer->bytes, buffer->length) && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0)
        written = false;
    bool done = written && rename(name.bytes, path) == 0 && sync_folder(path);
    if (!done)
        complain(path, "cannot save a snapshot");
    buffer_free(&name);
    return done;
}

bool snapshot_save(struct server *server, const char *path)
{
    struct buffer out = { 0 };
    buffer_put(&out, magic, sizeof magic);
    buffer_u64(&out, VERSION);
    buffer_u64(&out, 0);
    buffer_u64(&out, 0);
    counters_save(server->counters, &out);
    jobs_save(server->jobs, &out);
    events_save(server->events, &out);
    bank_save(server->bank, &out);
    bool saved = false;
    if (out.failed) {
        errno = ENOMEM;
        complain(path, "cannot save a snapshot");
    } else {
        buffer_set_u64(&out, AT_LENGTH, out.length - HEADER);
        buffer_set_u64(&out, AT_CHECKSUM, crc64(out.bytes + HEADER, out.length - HEADER));
        saved = write_file(path, &out);
    }
    metrics_snapshot(server->metrics, saved, out.length);
    buffer_free(&out);
    return saved;
}

/* The file's bytes. EXIT_FINE and nothing read: there is no file. */
static enum exit_code read_file(const char *path, struct buffer *in, bool *there)
{
    char piece[65536];
    ssize_t length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *there = fd >= 0;
    if (fd < 0 && errno == ENOENT)
        return EXIT_FINE;
    while (fd >= 0 && ((length = read(fd, piece, sizeof piece)) > 0 || (length < 0 && errno == EINTR)))
        if (length > 0)
            buffer_put(in, piece, (size_t)length);
    if (fd < 0 || length < 0 || in->failed) {
        if (in->failed)
            errno = ENOMEM;
        complain(path, "cannot read the snapshot");
        if (fd >= 0)
            close(fd);
        return EXIT_INTERNAL;
    }
    close(fd);
    return EXIT_FINE;
}

static void check_header(struct reader *reader)
{
    if (reader->length < HEADER || memcmp(reader->bytes, magic, sizeof magic) != 0) {
        reader_refuse(reader, "this is no snapshot of this server");
        return;
    }
    reader->at = sizeof magic;
    if (reader_u64(reader) != VERSION) {
        reader_refuse(reader, "a snapshot of another version");
        return;
    }
    uint64_t length = reader_u64(reader), checksum = reader_u64(reader);
    if (length != reader->length - HEADER)
        reader_refuse(reader, "its length is not what it says: it was cut or added to");
    else if (checksum != crc64(reader->bytes + HEADER, reader->length - HEADER))
        reader_refuse(reader, "its checksum is wrong: it is damaged");
}

static void snapshot_read(struct server *server, struct reader *reader)
{
    check_header(reader);
    if (!reader->why)
        counters_load(server->counters, reader);
    if (!reader->why)
        jobs_load(server->jobs, reader);
    if (!reader->why)
        events_load(server->events, reader);
    if (!reader->why)
        bank_load(server->bank, reader);
    if (!reader->why && reader->at != reader->length)
        reader_refuse(reader, "there is more than belongs there");
}

enum exit_code snapshot_load(struct server *server, const char *path)
{
    struct buffer in = { 0 };
    bool there;
    enum exit_code code = read_file(path, &in, &there);
    if (code == EXIT_FINE && there) {
        struct reader reader = { .bytes = in.bytes, .length = in.length };
        snapshot_read(server, &reader);
        if (reader.why) {
            fprintf(stderr, "server: %s: byte %zu: %s\n", path, reader.at, reader.why);
            code = EXIT_CORRUPT;
        }
    }
    buffer_free(&in);
    return code;
}
