/* SPDX-License-Identifier: MIT */
/* Stands in for lib/map_ck.c in model builds: the ck index is compiled assembly and cannot be explored, so
 * it is not there, and the tests use the own index. Being called is an error. */
#include "../threads.h"

#include "map_impl.h"

struct axi_found axi_ck_find(const ax_map *map, const struct axi_shard *shard, ax_key key, uint64_t hash);
size_t axi_ck_slots(const struct axi_shard *shard, size_t *bytes);
ax_status axi_ck_walk(ax_map *map, struct axi_shard *shard, bool locked, axi_step *step, void *context, bool *stop);
ax_status axi_ck_insert(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry);
void axi_ck_unlink(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry);
void axi_ck_tend(ax_map *map, struct axi_shard *shard);
void axi_ck_fini(ax_map *map, struct axi_shard *shard);
ax_status axi_ck_reserve(ax_map *map, struct axi_shard *shard, size_t keys);
size_t axi_ck_table_release(ax_map *map, struct axi_retired *thing);
size_t axi_ck_block_release(ax_map *map, struct axi_retired *thing);

static void refuse(void) { ax_model_fail("the ck index was called"); }

struct axi_found axi_ck_find(const ax_map *map, const struct axi_shard *shard, ax_key key, uint64_t hash)
{
    (void)map, (void)shard, (void)key, (void)hash;
    refuse();
    return (struct axi_found){0};
}
size_t axi_ck_slots(const struct axi_shard *shard, size_t *bytes) { (void)shard, (void)bytes; refuse(); return 0; }
ax_status axi_ck_walk(ax_map *map, struct axi_shard *shard, bool locked, axi_step *step, void *context, bool *stop)
{
    (void)map, (void)shard, (void)locked, (void)step, (void)context, (void)stop;
    refuse();
    return AX_EINVAL;
}
ax_status axi_ck_insert(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry)
{
    (void)map, (void)shard, (void)hash, (void)entry;
    refuse();
    return AX_EINVAL;
}
void axi_ck_unlink(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry)
{
    (void)map, (void)shard, (void)hash, (void)entry;
    refuse();
}
void axi_ck_tend(ax_map *map, struct axi_shard *shard) { (void)map, (void)shard; refuse(); }
void axi_ck_fini(ax_map *map, struct axi_shard *shard) { (void)map, (void)shard; refuse(); }
ax_status axi_ck_reserve(ax_map *map, struct axi_shard *shard, size_t keys)
{
    (void)map, (void)shard, (void)keys;
    refuse();
    return AX_EINVAL;
}
size_t axi_ck_table_release(ax_map *map, struct axi_retired *thing) { (void)map, (void)thing; refuse(); return 0; }
size_t axi_ck_block_release(ax_map *map, struct axi_retired *thing) { (void)map, (void)thing; refuse(); return 0; }
