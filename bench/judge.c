/* SPDX-License-Identifier: MIT */
/**
 * judge.c: how long axcheck takes for a large history, and how much memory. Each line is a history that is
 * made up here, written to a file, and judged by a process of its own.
 *
 * usage: judge AXCHECK [--scale N] [--folder FOLDER] [NAME]
 * The folder (/tmp) needs room for 1 GB; N makes the histories that much shorter.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_OPS = 4096, WIDEST = 64, HEAD = 20, MOST_CLIENTS = 128 };

static uint64_t random_state = 1;

static uint64_t below(uint64_t n)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random_state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

/* CRC-32C, a byte at a time: making histories up is not what is measured. */
static uint32_t crc(const unsigned char *bytes, size_t length)
{
    static uint32_t table[256];
    if (table[1] == 0)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; bit++)
                value = value >> 1 ^ ((value & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
            table[i] = value;
        }
    uint32_t sum = UINT32_MAX;
    while (length-- > 0)
        sum = sum >> 8 ^ table[(sum ^ *bytes++) & 0xff];
    return ~sum;
}

static void put_u32(unsigned char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> (8 * i) & 0xff);
}

static size_t put_varint(unsigned char *out, uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        out[n++] = (unsigned char)(value | 0x80);
    out[n++] = (unsigned char)value;
    return n;
}

/* What one client did since its last block. */
struct client {
    uint64_t free_at, time; /* of its last answer, and as the block has it */
    uint32_t blocks, count;
    size_t length;
    unsigned char bytes[HEAD + BLOCK_OPS * WIDEST + 4];
};

struct writer {
    FILE *out;
    struct client *clients;
    uint32_t client_count;
    uint64_t moment, operations;
    uint32_t blocks;
    struct client *now;
};

static void seal(unsigned char *bytes, size_t length, FILE *out)
{
    put_u32(bytes + length, crc(bytes, length));
    fwrite(bytes, 1, length + 4, out);
}

static void write_block(struct writer *writer, struct client *client)
{
    memcpy(client->bytes, "AXHB", 4);
    put_u32(client->bytes + 4, (uint32_t)(client - writer->clients));
    put_u32(client->bytes + 8, client->blocks++);
    put_u32(client->bytes + 12, client->count);
    put_u32(client->bytes + 16, (uint32_t)(client->length - HEAD));
    seal(client->bytes, client->length, writer->out);
    writer->blocks++;
    client->count = 0;
    client->length = HEAD;
    client->time = 0;
}

/* An operation of some client that takes effect now, the only one that does. */
static void begin(struct writer *writer, uint32_t kind)
{
    struct client *client;
    do {
        writer->moment++;
        client = &writer->clients[below(writer->client_count)];
    } while (client->free_at >= writer->moment);
    uint64_t earliest = client->free_at + 1, span = writer->client_count * UINT64_C(2);
    if (writer->moment - earliest > span)
        earliest = writer->moment - span;
    uint64_t invoked = earliest + below(writer->moment - earliest + 1), answered = writer->moment + below(span);
    if (client->count == BLOCK_OPS)
        write_block(writer, client);
    client->length += put_varint(client->bytes + client->length, (uint64_t)kind * 2);
    client->length += put_varint(client->bytes + client->length, invoked - client->time);
    client->length += put_varint(client->bytes + client->length, answered - invoked);
    client->time = client->free_at = answered;
    client->count++;
    writer->operations++;
    writer->now = client;
}

static void value(struct writer *writer, int64_t number)
{
    struct client *client = writer->now;
    client->length += put_varint(client->bytes + client->length, (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0));
}

static void counter(struct writer *writer, uint64_t operations)
{
    for (int64_t now = 0; writer->operations < operations;) {
        bool read = below(10) == 0;
        begin(writer, read ? 0 : 1);
        if (!read)
            value(writer, 1);
        value(writer, now);
        now += read ? 0 : 1;
    }
}

/* A hundredth of those who ask get nothing. */
static int64_t capacity(uint64_t operations)
{
    return (int64_t)(operations - operations / 100);
}

static void tickets(struct writer *writer, uint64_t operations)
{
    for (int64_t sold = 0; writer->operations < operations; sold++) {
        begin(writer, 0);
        value(writer, sold < capacity(operations) ? sold : INT64_MIN);
    }
}

/* Values that come back, in `keys` cells that hold `first`. */
static void cells(struct writer *writer, uint64_t operations, uint64_t keys, int64_t first)
{
    int64_t *now = calloc(keys, sizeof *now);
    for (uint64_t i = 0; now != NULL && i < keys; i++)
        now[i] = first;
    while (now != NULL && writer->operations < operations) {
        uint64_t key = below(keys);
        bool read = below(2) == 0;
        begin(writer, read ? 0 : 1);
        if (keys > 1)
            value(writer, (int64_t)key);
        if (!read)
            now[key] = (int64_t)below(5);
        value(writer, now[key]);
    }
    free(now);
}

static void register_of(struct writer *writer, uint64_t operations)
{
    cells(writer, operations, 1, 0);
}

static void map(struct writer *writer, uint64_t operations)
{
    cells(writer, operations, 1000, INT64_MIN);
}

static const struct aim {
    const char *name, *text, *description;
    void (*write)(struct writer *writer, uint64_t operations);
    uint64_t operations;
    uint32_t clients;
    double seconds;
    long mebibytes;
} aims[] = {
    {"counter", "a counter's 1e8 operations", "{\"format\":\"atomicx-history\",\"version\":1,\"model\":\"counter\",\"operations\":[[\"read\",0,1],[\"add\",1,1]]}",
     counter, 100000000, 8, 10, 3072},
    {"tickets", "1e8 sales and refusals",
     "{\"format\":\"atomicx-history\",\"version\":1,\"model\":\"tickets\",\"setup\":{\"capacity\":@},\"operations\":[[\"sell\",0,1]]}", tickets, 100000000, 8, 10, 3072},
    {"map", "a map's 1e6 operations over 1,000 keys",
     "{\"format\":\"atomicx-history\",\"version\":1,\"model\":\"map\",\"operations\":[[\"get\",1,1],[\"put\",2,0]]}", map, 1000000, 8, 0.1, 0},
    {"register", "a register's 1e6 operations by 8 clients",
     "{\"format\":\"atomicx-history\",\"version\":1,\"model\":\"register\",\"operations\":[[\"read\",0,1],[\"write\",1,0]]}", register_of, 1000000, 8, 2, 200},
};

static bool write_history(const struct aim *aim, uint64_t operations, const char *path)
{
    static struct client clients[MOST_CLIENTS];
    char description[512], number[32];
    size_t length = 0;
    struct writer writer = {.out = fopen(path, "wb"), .clients = clients, .client_count = aim->clients};
    if (writer.out == NULL)
        return false;
    snprintf(number, sizeof number, "%" PRId64, capacity(operations));
    for (const char *at = aim->description; *at != '\0'; at++)
        length += (size_t)snprintf(description + length, sizeof description - length, "%.*s", *at == '@' ? 32 : 1, *at == '@' ? number : at);
    unsigned char prefix[16 + sizeof description + 4] = {0x89, 'A', 'X', 'H', '\r', '\n', 0x1a, '\n', 1};
    put_u32(prefix + 12, (uint32_t)length);
    memcpy(prefix + 16, description, length);
    seal(prefix, 16 + length, writer.out);
    for (uint32_t i = 0; i < aim->clients; i++) {
        clients[i].length = HEAD;
        clients[i].free_at = clients[i].time = 0;
        clients[i].count = clients[i].blocks = 0;
    }
    aim->write(&writer, operations);
    for (uint32_t i = 0; i < aim->clients; i++)
        if (clients[i].count > 0)
            write_block(&writer, &clients[i]);
    unsigned char end[HEAD + 4] = "AXHE";
    put_u32(end + 4, (uint32_t)writer.operations);
    put_u32(end + 8, (uint32_t)(writer.operations >> 32));
    put_u32(end + 12, writer.blocks);
    seal(end, HEAD, writer.out);
    return fclose(writer.out) == 0;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* True if it was judged to hold. */
static bool measure(const char *axcheck, const struct aim *aim, uint64_t operations, const char *path)
{
    struct timespec before, after;
    struct rusage usage;
    int status;
    fflush(stdout);
    clock_gettime(CLOCK_MONOTONIC, &before);
    pid_t child = fork();
    if (child == 0) {
        execl(axcheck, axcheck, "--quiet", "--memory", "3G", path, (char *)NULL);
        _exit(70);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &after);
    double took = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    printf("%-44s %11" PRIu64 " ops  %7.3f s (aim %g)  %7.3f s of processor  %6ld MiB", aim->text, operations, took, aim->seconds,
           seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss / 1024);
    if (aim->mebibytes > 0)
        printf(" (aim %ld)", aim->mebibytes);
    printf("\n");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    const char *folder = "/tmp", *only = NULL;
    uint64_t scale = 1;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--scale") == 0 && i + 1 < argc)
            scale = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--folder") == 0 && i + 1 < argc)
            folder = argv[++i];
        else
            only = argv[i];
    }
    if (argc < 2 || scale == 0 || (only != NULL && only[0] == '-')) {
        fprintf(stderr, "usage: judge AXCHECK [--scale N] [--folder FOLDER] [NAME]\n");
        return 2;
    }
    bool fine = true;
    for (size_t i = 0; i < sizeof aims / sizeof aims[0]; i++) {
        char path[512];
        uint64_t operations = aims[i].operations / scale;
        if (only != NULL && strcmp(only, aims[i].name) != 0)
            continue;
        snprintf(path, sizeof path, "%s/axcheck-bench-%ld", folder, (long)getpid());
        bool written = write_history(&aims[i], operations, path);
        if (!written)
            perror(path);
        fine = written && measure(argv[1], &aims[i], operations, path) && fine;
        unlink(path);
    }
    return fine ? 0 : 1;
}
