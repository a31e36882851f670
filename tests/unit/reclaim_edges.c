/* SPDX-License-Identifier: MIT */
/*
 * What a host's ThreadSanitizer is told by a library that is not built with it (lib/tsan.h): this program
 * is such a host, and writes down what it hears.
 */
#include <reclaim.h>

#include "../check.h"

enum { HEARD = 256 };

static struct {
    pthread_mutex_t mutex;
    struct {
        const void *address;
        bool acquire;
    } said[HEARD];
    size_t count;
} heard = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void hear(const void *address, bool acquire)
{
    pthread_mutex_lock(&heard.mutex);
    CHECK_FATAL(heard.count < HEARD);
    heard.said[heard.count].address = address;
    heard.said[heard.count++].acquire = acquire;
    pthread_mutex_unlock(&heard.mutex);
}

void __tsan_acquire(void *address)
{
    hear(address, true);
}

void __tsan_release(void *address)
{
    hear(address, false);
}

static size_t heard_so_far(void)
{
    pthread_mutex_lock(&heard.mutex);
    size_t count = heard.count;
    pthread_mutex_unlock(&heard.mutex);
    return count;
}

/* Where it was said from `begin` on; HEARD: nowhere. */
static size_t find(size_t begin, const void *address, bool acquire)
{
    size_t at = HEARD;
    pthread_mutex_lock(&heard.mutex);
    for (size_t i = begin; i < heard.count && at == HEARD; i++)
        if (heard.said[i].address == address && heard.said[i].acquire == acquire)
            at = i;
    pthread_mutex_unlock(&heard.mutex);
    return at;
}

static struct axi_retired thing;

static size_t release(struct axi_domain *domain, struct axi_retired *retired, unsigned kind)
{
    (void)domain;
    CHECK(retired == &thing && kind == 2);
    return 16;
}

static void only_the_outermost_end_of_a_section_is_told(void)
{
    size_t before = heard_so_far();
    axi_read_begin();
    axi_read_begin();
    axi_read_end();
    CHECK_EQ(heard_so_far(), before);
    axi_read_end();
    CHECK_EQ(heard_so_far(), before + 1);
    CHECK(!heard.said[before].acquire);
}

static void what_is_freed_comes_after_its_retirement_and_the_sections_before_it(void)
{
    static struct axi_domain domain = { .limit = 1 << 20, .wait_ms = 60000, .release = release };
    axi_domain_open(&domain);
    size_t begin = heard_so_far();
    axi_read_begin();
    axi_read_end();
    const void *section = heard.said[begin].address;
    axi_retire(&domain, &thing, 2, 16);
    CHECK_EQ(axi_domain_flush(&domain), AX_OK);
    size_t retired = find(begin, &thing, false), passed = find(begin, section, true), taken = find(begin, &thing, true);
    CHECK(retired < passed && passed < taken && taken < HEARD);
    begin = heard_so_far(); /* a section that begins later is not for that grace period to wait for */
    axi_read_begin();
    axi_read_end();
    CHECK(heard.said[begin].address != section);
    axi_domain_close(&domain);
}

int main(void)
{
    RUN(only_the_outermost_end_of_a_section_is_told);
    RUN(what_is_freed_comes_after_its_retirement_and_the_sections_before_it);
    return check_summary();
}
