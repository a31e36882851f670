/* SPDX-License-Identifier: MIT */
/* What lib/alloc.h promises the library's tables: alignment, zeroes, pages that come and go, NULL for what can't be. */
#include <alloc.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../check.h"
#include "../counting.h"

#define MIB ((size_t)1 << 20)

/* What the library tells LeakSanitizer, which is not in this program. */
static const void *root;
static size_t root_size;
void __lsan_register_root_region(const void *begin, size_t size);
void __lsan_unregister_root_region(const void *begin, size_t size);

void __lsan_register_root_region(const void *begin, size_t size)
{
    root = begin;
    root_size = size;
}

void __lsan_unregister_root_region(const void *begin, size_t size)
{
    CHECK(root == begin && root_size == size);
    root = NULL;
}

static void a_table_is_aligned_zeroed_and_given_back(size_t head, size_t body)
{
    char *memory = axi_allocate_zeroed(NULL, head, body);
    CHECK_FATAL(memory != NULL);
    CHECK_EQ((uintptr_t)memory % 64, 0);
    for (size_t i = 0; i < head + body; i++)
        CHECK_FATAL(memory[i] == 0);
    memset(memory, 1, head + body);
    CHECK_EQ(root != NULL, head + body >= MIB / 8); /* pointers in the C library's memory are followed anyway */
    CHECK(root == NULL || (root == memory && root_size == head + body));
    axi_release_zeroed(NULL, memory, head, body);
    CHECK(root == NULL);
}

static void tables_of_all_sizes(void)
{
    a_table_is_aligned_zeroed_and_given_back(64, 0);
    a_table_is_aligned_zeroed_and_given_back(64, 1000);
    a_table_is_aligned_zeroed_and_given_back(0, MIB);
    a_table_is_aligned_zeroed_and_given_back(128, MIB + 64);
    for (int i = 0; i < 4; i++) /* wherever the kernel puts them */
        a_table_is_aligned_zeroed_and_given_back(192, 2 * MIB);
    a_table_is_aligned_zeroed_and_given_back(64, 6 * MIB);
    a_table_is_aligned_zeroed_and_given_back(0, 4 * MIB);
}

static void a_body_for_huge_pages_begins_at_one(void)
{
    char *memory = axi_allocate_zeroed(NULL, 192, 4 * MIB);
    CHECK_EQ((uintptr_t)(memory + 192) % (2 * MIB), 0);
    axi_release_zeroed(NULL, memory, 192, 4 * MIB);
}

static void what_cannot_be_is_null(void)
{
    CHECK(axi_allocate(NULL, SIZE_MAX - 8, 64) == NULL); /* rounded up it is 0 */
    CHECK(axi_allocate_zeroed(NULL, 64, (size_t)1 << 62) == NULL);
    CHECK(axi_allocate_zeroed(NULL, 64, ((size_t)1 << 62) + 5) == NULL);
    CHECK(axi_allocate_zeroed(NULL, 0, SIZE_MAX / (2 * MIB) * (2 * MIB)) == NULL);
    CHECK(axi_allocate_zeroed(&refusing, 64, 1000) == NULL);
    axi_release(NULL, NULL, 64);
    axi_release_zeroed(NULL, NULL, 64, 4 * MIB);
}

static void an_allocator_gets_large_tables_too(void)
{
    char *memory = axi_allocate_zeroed(&counting, 64, 2 * MIB);
    CHECK_FATAL(memory != NULL);
    CHECK_EQ(lent, 64 + 2 * MIB);
    CHECK(root == NULL);
    for (size_t i = 0; i < 64 + 2 * MIB; i++)
        CHECK_FATAL(memory[i] == 0);
    axi_release_zeroed(&counting, memory, 64, 2 * MIB);
    CHECK_EQ(lent, 0);
}

int main(void)
{
    RUN(tables_of_all_sizes);
    RUN(a_body_for_huge_pages_begins_at_one);
    RUN(what_cannot_be_is_null);
    RUN(an_allocator_gets_large_tables_too);
    return check_summary();
}
