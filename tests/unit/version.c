/* SPDX-License-Identifier: MIT */
#include <atomicx/version.h>

#include "../check.h"

static void headers_and_library_are_of_one_version(void)
{
    CHECK_STR(ax_version(), AX_VERSION_STRING);
}

static void versions_compare(void)
{
    CHECK(AX_VERSION_AT_LEAST(AX_VERSION_MAJOR, AX_VERSION_MINOR, AX_VERSION_PATCH));
    CHECK(AX_VERSION_AT_LEAST(0, 0, 999));
    CHECK(!AX_VERSION_AT_LEAST(AX_VERSION_MAJOR, AX_VERSION_MINOR, AX_VERSION_PATCH + 1));
    CHECK(!AX_VERSION_AT_LEAST(AX_VERSION_MAJOR, AX_VERSION_MINOR + 1, 0));
    CHECK(!AX_VERSION_AT_LEAST(AX_VERSION_MAJOR + 1, 0, 0));
}

int main(void)
{
    RUN(headers_and_library_are_of_one_version);
    RUN(versions_compare);
    return check_summary();
}
