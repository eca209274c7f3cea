/* The file allocation table: for each cluster the next one of its file (disk.h). Each copy of the
 * table is cached like a file, but as metadata. All copies are written; the first one is read. */
#include "fat.h"

enum { OWNER_TABLE = 1 };

/* The page with byte `offset` of a copy of the table, held. 0, -ENOMEM, -EIO. */
static int table_page(struct mount *m, unsigned copy, uint64_t offset, struct page **page)
{
    struct page *p = cache_get(cache_meta(m->index) | (OWNER_TABLE + copy), offset / PAGE_SIZE);
    if (!p)
        return -ENOMEM;
    int error = 0;
    if (page_fresh(p)) {
        uint32_t first = offset / PAGE_SIZE * PAGE_SIZE >> m->sector_shift;
        p->units = MIN((uint32_t)PAGE_SIZE >> m->sector_shift, m->table_sectors - first);
        for (unsigned u = 0; u < p->units; u++)
            p->disk[u] = m->table_start + copy * m->table_sectors + first + u;
        error = cache_read(&p, 1);
        cache_ready(p, error);
        if (error)
            cache_put(p);
    }
    *page = p;
    return error;
}

/* Reads or writes bytes of one copy; they may lie on two pages, as FAT12's numbers do. */
static int table_bytes(struct mount *m, unsigned copy, uint64_t offset, uint8_t *bytes,
                       unsigned count, bool write)
{
    while (count) {
        struct page *p;
        unsigned at = offset % PAGE_SIZE, part = MIN(count, PAGE_SIZE - at);
        int error = table_page(m, copy, offset, &p);
        if (error)
            return error;
        if (write) {
            memcpy(p->data + at, bytes, part);
            cache_dirty(p);
        } else {
            memcpy(bytes, p->data + at, part);
        }
        cache_put(p);
        offset += part;
        bytes += part;
        count -= part;
    }
    return 0;
}

/* The table's number for a cluster. A number of 12 bits shares a byte with its neighbour; of 32
 * bits the upper four are not used. */
static int get(struct mount *m, uint32_t cluster, uint32_t *value)
{
    uint8_t b[4] = { 0 };
    int error;
    if (m->bits == 12) {
        error = table_bytes(m, 0, cluster + cluster / 2, b, 2, false);
        *value = (cluster & 1 ? (b[0] | b[1] << 8) >> 4 : b[0] | b[1] << 8) & 0xfff;
    } else if (m->bits == 16) {
        error = table_bytes(m, 0, (uint64_t)cluster * 2, b, 2, false);
        *value = b[0] | b[1] << 8;
    } else {
        error = table_bytes(m, 0, (uint64_t)cluster * 4, b, 4, false);
        *value = (b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24) & 0x0fffffff;
    }
    return error;
}

/* Sets the table's number for a cluster, in all copies, and leaves the bits beside it. */
static int set(struct mount *m, uint32_t cluster, uint32_t value)
{
    uint64_t offset = m->bits == 12 ? cluster + cluster / 2 : (uint64_t)cluster * m->bits / 8;
    unsigned count = m->bits == 32 ? 4 : 2;
    uint8_t b[4] = { 0 };
    int error = table_bytes(m, 0, offset, b, count, false);
    if (error)
        return error;
    if (m->bits == 12) {
        unsigned both = b[0] | b[1] << 8;
        both = cluster & 1 ? (both & 0xf) | (value & 0xfff) << 4
                           : (both & 0xf000) | (value & 0xfff);
        b[0] = both;
        b[1] = both >> 8;
    } else {
        b[0] = value;
        b[1] = value >> 8;
        b[2] = value >> 16;
        b[3] = (b[3] & 0xf0) | (value >> 24 & 0x0f);
    }
    for (unsigned copy = 0; copy < m->fats && !error; copy++)
        error = table_bytes(m, copy, offset, b, count, true);
    return error;
}

static uint32_t end_mark(const struct mount *m)
{
    return m->bits == 12 ? 0xfff : m->bits == 16 ? 0xffff : 0x0fffffff;
}

int table_next(struct mount *m, uint32_t cluster, uint32_t *next)
{
    if (!cluster_ok(m, cluster))
        return mount_corrupt(m, "cluster out of range", cluster);
    uint32_t value;
    int error = get(m, cluster, &value);
    if (error)
        return error;
    if (value >= (end_mark(m) & ~7u)) {
        *next = 0;
        return 0;
    }
    if (!cluster_ok(m, value))
        return mount_corrupt(m, "broken cluster chain", value);
    *next = value;
    return 0;
}

/* table_alloc() under the lock: the first free cluster behind `after`, or from m->next on. */
static int alloc_locked(struct mount *m, uint32_t after, uint32_t *cluster)
{
    uint32_t start = after ? after + 1 : m->next;
    for (uint32_t n = 0; n < m->clusters; n++) {
        uint32_t c = 2 + (start - 2 + n) % m->clusters, value;
        int error = get(m, c, &value);
        if (error)
            return error;
        GIVE_WAY_EVERY(CLUSTERS_AT_ONCE, 1, m->clusters - n);
        if (value)
            continue;
        error = set(m, c, end_mark(m));
        if (!error && after)
            error = set(m, after, c);
        if (error)
            return error;
        m->next = c + 1;
        if (m->free != UINT32_MAX && m->free)
            m->free--;
        *cluster = c;
        return 0;
    }
    return -ENOSPC;
}

int table_alloc(struct mount *m, uint32_t after, uint32_t *cluster)
{
    int error;
    do {
        lock_take(&m->table);
        error = m->free ? alloc_locked(m, after, cluster) : -ENOSPC;
        lock_give(&m->table);
    } while (error == -ENOSPC && deletion_awaited(&m->deletions));
    return error;
}

int table_free(struct mount *m, uint32_t cluster)
{
    int error = 0;
    uint32_t left = m->clusters;
    lock_take(&m->table);
    while (cluster && !error) {
        uint32_t next;
        --left;
        GIVE_WAY_EVERY(CLUSTERS_AT_ONCE, 1, left);
        /* A chain that leads back to itself ends with an error here: its cluster is free by then.
         */
        error = table_next(m, cluster, &next);
        if (error)
            break;
        error = set(m, cluster, 0);
        if (m->free != UINT32_MAX)
            m->free++;
        cluster = next;
    }
    lock_give(&m->table);
    return error;
}

int table_end(struct mount *m, uint32_t cluster)
{
    lock_take(&m->table);
    int error = set(m, cluster, end_mark(m));
    lock_give(&m->table);
    return error;
}

int table_count(struct mount *m)
{
    if (m->free != UINT32_MAX)
        return 0;
    int error = 0;
    uint32_t free = 0;
    lock_take(&m->table);
    for (uint32_t c = 2; c < m->clusters + 2 && !error; c++) {
        uint32_t value;
        error = get(m, c, &value);
        free += !error && value == 0;
        GIVE_WAY_EVERY(CLUSTERS_AT_ONCE, 1, m->clusters + 2 - c);
    }
    if (!error)
        m->free = free;
    lock_give(&m->table);
    return error;
}
