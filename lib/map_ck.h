/* SPDX-License-Identifier: MIT */
/* The ck index's side of the seam; its discipline is at the top of map_ck.c. */
#ifndef AXI_MAP_CK_H
#define AXI_MAP_CK_H

#include <ck_ht.h>

#include "map_impl.h"

#ifdef CK_HT_PP
#error "this Concurrency Kit packs pointers into keys: hashes would lose bits"
#endif

/* In a read section. */
struct axi_found axi_ck_find(const ax_map *map, const struct axi_shard *shard, ax_key key, uint64_t hash);
size_t axi_ck_slots(const struct axi_shard *shard, size_t *bytes);
ax_status axi_ck_walk(ax_map *map, struct axi_shard *shard, bool locked, axi_step *step, void *context, bool *stop);

/* In a read section and under the shard's mutex. insert: of a key that has no cell. */
ax_status axi_ck_insert(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry);
void axi_ck_unlink(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry);
void axi_ck_tend(ax_map *map, struct axi_shard *shard);

/* Alone. */
void axi_ck_fini(ax_map *map, struct axi_shard *shard);

void axi_ck_tidy(ax_map *map, struct axi_shard *shard);
ax_status axi_ck_reserve(ax_map *map, struct axi_shard *shard, size_t keys);
size_t axi_ck_table_release(ax_map *map, struct axi_retired *thing);
size_t axi_ck_block_release(ax_map *map, struct axi_retired *thing);

#endif
