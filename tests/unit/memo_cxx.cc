// SPDX-License-Identifier: MIT
// memo_cxx.cc: the memo from C++11: an exception that leaves compute hands the flight over.
#include <atomicx/memo.h>

#include <stdexcept>
#include <string>

#include "../check.h"

static int attempts;

static ax_status compute(void *, const void *key, size_t key_len, void **value)
{
    if (++attempts == 1)
        throw std::runtime_error("not yet");
    *value = new std::string(static_cast<const char *>(key), key_len);
    return AX_OK;
}

static void destroy(void *, void *value)
{
    delete static_cast<std::string *>(value);
}

static void an_exception_passes_and_the_next_caller_computes()
{
    ax_memo_options options = {};
    options.compute = compute;
    options.destroy = destroy;
    ax_memo *memo = nullptr;
    CHECK_EQ(ax_memo_create(&options, &memo), AX_OK);
    ax_memo_ref ref = {};
    bool caught = false;
    try {
        ax_memo_do(memo, "key", 3, &ref);
    } catch (const std::runtime_error &) {
        caught = true;
    }
    CHECK(caught);
    CHECK_EQ(ax_memo_do(memo, "key", 3, &ref), AX_OK);
    CHECK(*static_cast<std::string *>(ref.value) == "key");
    ax_memo_release(memo, &ref);
    ax_memo_stats stats;
    ax_memo_stats_read(memo, &stats);
    CHECK_EQ(stats.handovers, 1);
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
}

int main()
{
    RUN(an_exception_passes_and_the_next_caller_computes);
    return check_summary();
}
