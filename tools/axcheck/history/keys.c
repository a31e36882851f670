/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include "../budget.h"

bool axc_keys_grow(struct axc_keys *keys)
{
    struct axc_keys grown = *keys;
    grown.slots = keys->slots == 0 ? 16 : keys->slots * 2;
    grown.entries = axc_zeroed(grown.slots, sizeof *grown.entries);
    if (grown.entries == NULL)
        return false;
    for (size_t i = 0; i < keys->slots; i++)
        if (keys->entries[i].count != 0)
            *axc_keys_find(&grown, keys->entries[i].key) = keys->entries[i];
    axc_free(keys->entries);
    *keys = grown;
    return true;
}

void axc_keys_free(struct axc_keys *keys)
{
    axc_free(keys->entries);
    *keys = (struct axc_keys){0};
}
