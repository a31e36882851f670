/* SPDX-License-Identifier: MIT */
#include <atomicx/status.h>

#include "../check.h"

static void every_status_has_its_own_sentence(void)
{
    for (int i = AX_OK; i <= AX_EBUSY; i++)
        for (int j = AX_OK; j < i; j++)
            CHECK(strcmp(ax_strerror((ax_status)i), ax_strerror((ax_status)j)) != 0);
}

static void a_number_that_is_no_status_is_named_unknown(void)
{
    CHECK_STR(ax_strerror((ax_status)(AX_EBUSY + 1)), "unknown status");
    CHECK_STR(ax_strerror((ax_status)1000000), "unknown status");
}

int main(void)
{
    RUN(every_status_has_its_own_sentence);
    RUN(a_number_that_is_no_status_is_named_unknown);
    return check_summary();
}
