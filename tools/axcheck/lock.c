/* SPDX-License-Identifier: MIT */
/* lock.c: one table behind one lock. It holds what the workers added, and the checked lock reported nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record.h"

/* Everything the checked lock can report; the record states each one's number, so that none is forgotten. */
static const char *const kinds[] = {
    "unlock_unlocked", "unlock_foreign", "relock",    "copy_used", "original_copied", "fini_held",
    "thread_ended",    "abandoned",      "held_long", "inversion", "not_a_lock",      "unchecked",
};

bool axc_judge_lock(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), end = axc_member(&root, "final"), setup = axc_member(&root, "setup");
    struct axc_node reports = axc_member(&end, "reports");
    axc_wide added, refused;
    int64_t total, reported = 0;
    bool checked;
    char list[AXC_TEXT / 2] = "";
    if (!axc_get_boolean(record, &setup, "checked", &checked) || !axc_sum_workers(record, "added", INT64_MIN, &added) ||
        !axc_sum_workers(record, "refused", 0, &refused) ||
        !axc_get_integer(record, &end, "total", INT64_MIN, INT64_MAX, &total))
        return false;
    if (!json_is_object(reports.value))
        return axc_reject(record, &reports, "is no object of numbers of reports");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int64_t count;
        if (!axc_get_integer(record, &reports, kinds[i], 0, INT32_MAX, &count))
            return false;
        reported += count;
        size_t length = strlen(list);
        if (count > 0)
            snprintf(list + length, sizeof list - length, "%s%s %" PRId64, length == 0 ? "" : ", ", kinds[i], count);
    }
    axc_state(record->report, "conservation", added == total, "%s added by %zu workers, the table holds %" PRId64,
              AXC_WIDE(added), record->threads, total);
    axc_state(record->report, "all done", refused == 0, "%s of %s operations were refused the lock", AXC_WIDE(refused),
              AXC_WIDE(record->total_ops));
    if (checked || reported != 0)
        axc_state(record->report, "no misuse", reported == 0, "the checked lock reported %s",
                  reported == 0 ? "nothing" : list);
    return true;
}
