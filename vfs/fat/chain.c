/* The clusters of one file or directory, in order. To find the n-th one the chain must be walked
 * from its first; so the step that was found last is remembered, from which the walk goes on. */
#include "fat.h"

static void remember(struct node *n, uint32_t index, uint32_t cluster)
{
    n->known_index = index;
    n->known_cluster = cluster;
}

int chain_find(struct node *n, uint32_t index, bool allocate, uint32_t *cluster)
{
    struct mount *m = mount_of(n);
    uint32_t at = 0, c = n->cluster;
    *cluster = 0;
    if (index >= m->clusters)
        return allocate ? -ENOSPC : 0; /* no chain is longer than the disk */
    if (n->known_cluster && n->known_index <= index) {
        at = n->known_index;
        c = n->known_cluster;
    }
    if (!c) {
        if (!allocate)
            return 0;
        int error = table_alloc(m, 0, &c);
        if (error)
            return error;
        n->cluster = c;
        n->dirty = true;
    }
    for (; at < index; at++) {
        uint32_t next;
        int error = table_next(m, c, &next);
        if (!error && !next && allocate)
            error = table_alloc(m, c, &next);
        if (error)
            return error;
        GIVE_WAY_EVERY(CLUSTERS_AT_ONCE, 1, index - at);
        if (!next) {
            remember(n, at, c);
            return 0;
        }
        c = next;
    }
    if (!cluster_ok(m, c))
        return mount_corrupt(m, "cluster out of range", c);
    remember(n, index, c);
    *cluster = c;
    return 0;
}

int chain_cut(struct node *n, uint32_t count)
{
    struct mount *m = mount_of(n);
    uint32_t first = n->cluster, last;
    if (!first)
        return 0;
    n->known_cluster = 0;
    if (count == 0) {
        n->cluster = 0;
        n->dirty = true;
        return table_free(m, first);
    }
    int error = chain_find(n, count - 1, false, &last);
    if (error || !last)
        return error;
    error = table_next(m, last, &first);
    if (error || !first)
        return error;
    error = table_end(m, last);
    return error ? error : table_free(m, first);
}

int chain_sector(struct node *n, uint64_t offset, bool allocate, uint32_t *sector)
{
    struct mount *m = mount_of(n);
    uint32_t cluster;
    int error = chain_find(n, offset >> m->cluster_shift, allocate, &cluster);
    *sector = cluster ? cluster_sector(m, cluster) +
                            ((offset & ((1u << m->cluster_shift) - 1)) >> m->sector_shift)
                      : 0;
    return error;
}

/* How many clusters a file of so many bytes has. */
static uint32_t clusters_of(const struct mount *m, uint64_t size)
{
    return (size + (1ull << m->cluster_shift) - 1) >> m->cluster_shift;
}

int64_t chain_map(struct disk_node *f, uint64_t unit, bool allocate)
{
    struct node *n = fat_node(f);
    struct mount *m = mount_of(n);
    uint64_t offset = unit << m->sector_shift;
    uint32_t sector;
    if (!allocate && offset >= (uint64_t)clusters_of(m, n->size) << m->cluster_shift)
        return 0;
    int error = chain_sector(n, offset, allocate, &sector);
    if (!error && !sector)
        error = mount_corrupt(m, "cluster chain too short", n->cluster);
    return error ? error : (int64_t)sector;
}

int chain_cut_bytes(struct disk_node *n, uint64_t size)
{
    return chain_cut(fat_node(n), clusters_of(mount_of(fat_node(n)), size));
}
