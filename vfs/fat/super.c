/* The first sector of a FAT disk, and the free count of FAT32. All numbers that later code relies
 * on are checked here, once. While a disk is mounted read-write, the dirty mark in its first sector
 * is set. */
#include "fat.h"

enum { MAGIC = 0x4d44, MAX12 = 4084, MAX16 = 65524, MAX32 = 0x0ffffff5 };
#define FILE_MAX 0xffffffffull

struct mount mounts[MOUNTS];

static int info_store(struct mount *m)
{
    struct page *page;
    if (!m->info_sector || m->free == UINT32_MAX)
        return 0;
    int error = cache_block(m->index, m->info_sector, &page);
    if (error)
        return error;
    struct fs_info *i = (struct fs_info *)page->data;
    if (i->free != m->free || i->next != m->next) {
        i->free = m->free;
        i->next = m->next;
        cache_dirty(page);
    }
    cache_put(page);
    return 0;
}

int super_store(struct disk_mount *f, bool clean)
{
    struct mount *m = (struct mount *)f;
    struct page *page;
    int error = info_store(m), e = cache_block(m->index, 0, &page);
    if (e)
        return error ? error : e;
    struct boot *b = (struct boot *)page->data;
    uint8_t *state = m->bits == 32 ? &b->new.state : &b->old.state,
            after = (*state & ~STATE_DIRTY) | (clean ? 0 : STATE_DIRTY);
    if (*state != after) {
        *state = after;
        cache_dirty(page);
    }
    cache_put(page);
    return error;
}

/* ---- Mounting ---- */

/* Checks the first sector, and fills in the geometry: NULL, or what is wrong. */
static const char *check_boot(struct mount *m, const struct boot *b, uint16_t signature,
                              uint64_t device_bytes)
{
    if (signature != BOOT_SIGNATURE || (b->jump[0] != 0xeb && b->jump[0] != 0xe9))
        return "not a FAT file system";
    if (b->sector_size < 512 || b->sector_size > PAGE_SIZE || b->sector_size & (b->sector_size - 1))
        return "impossible sector size";
    if (!b->cluster_sectors || b->cluster_sectors & (b->cluster_sectors - 1) || !b->reserved ||
        !b->fats || b->fats > 4)
        return "impossible geometry";
    m->sector_size = b->sector_size;
    m->sector_shift = __builtin_ctz(b->sector_size);
    m->cluster_sectors = b->cluster_sectors;
    m->cluster_shift = m->sector_shift + __builtin_ctz(b->cluster_sectors);
    m->fats = b->fats;
    bool wide = b->fat_sectors16 == 0;
    uint64_t sectors = b->sectors16 ? b->sectors16 : b->sectors32;
    m->table_sectors = wide ? b->new.fat_sectors : b->fat_sectors16;
    m->table_start = b->reserved;
    if (!range_within(b->reserved, (uint64_t)m->table_sectors * m->fats, sectors))
        return "impossible table size";
    m->root_start = b->reserved + m->table_sectors * m->fats;
    m->root_sectors = (b->root_entries * ENTRY_SIZE + m->sector_size - 1) >> m->sector_shift;
    m->data_start = m->root_start + m->root_sectors;
    if (m->data_start >= sectors || sectors << m->sector_shift > device_bytes)
        return "larger than its device";
    m->clusters = (sectors - m->data_start) / m->cluster_sectors;
    m->bits = wide ? 32 : m->clusters <= MAX12 ? 12 : 16;
    uint64_t need = ((uint64_t)m->clusters + 2) * m->bits / 8;
    if (!m->clusters || m->clusters > (wide ? MAX32 : MAX16) ||
        need > (uint64_t)m->table_sectors << m->sector_shift)
        return "impossible number of clusters";
    if (wide ? !cluster_ok(m, b->new.root_cluster) || b->new.version : !m->root_sectors)
        return "impossible root directory";
    m->root_cluster = wide ? b->new.root_cluster : 0;
    m->info_sector = wide && b->new.info_sector > 0 && b->new.info_sector < b->reserved
                         ? b->new.info_sector
                         : 0;
    return NULL;
}

/* Reads the free count of FAT32; a count that cannot be right is not known. */
static int info_load(struct mount *m)
{
    struct page *page;
    m->free = UINT32_MAX;
    m->next = 2;
    if (!m->info_sector)
        return 0;
    int error = cache_block(m->index, m->info_sector, &page);
    if (error)
        return error;
    const struct fs_info *i = (struct fs_info *)page->data;
    if (i->lead != INFO_LEAD || i->signature != INFO_SIGNATURE) {
        m->info_sector = 0;
    } else {
        m->free = i->free <= m->clusters ? i->free : UINT32_MAX;
        m->next = cluster_ok(m, i->next) ? i->next : 2;
    }
    cache_put(page);
    return 0;
}

int super_load(struct disk_mount *f, const struct fs_source *s)
{
    struct mount *m = (struct mount *)f;
    uint8_t raw[512];
    struct boot b;
    uint16_t signature;
    int error = cache_device_read(s->service, s->object, 0, raw, sizeof raw);
    if (error)
        return error;
    memcpy(&b, raw, sizeof b);
    memcpy(&signature, raw + BOOT_SIGNATURE_AT, 2);
    int64_t bytes = mount_device_bytes(s);
    const char *wrong = check_boot(m, &b, signature, bytes < 0 ? 0 : bytes);
    if (wrong) {
        print("cannot mount: %s", wrong);
        return -EINVAL;
    }
    cache_device(m->index, s->service, s->object, m->sector_size);
    m->unit_shift = m->sector_shift;
    m->size_max = FILE_MAX;
    m->was_clean = !((m->bits == 32 ? b.new.state : b.old.state) & STATE_DIRTY);
    return info_load(m);
}

int super_statfs(struct fs_mount *f, struct statfs *s)
{
    struct mount *m = (struct mount *)f;
    int error = table_count(m);
    if (error)
        return error;
    deletions_awaited(&m->deletions);
    s->type = MAGIC;
    s->bsize = 1ll << m->cluster_shift;
    s->blocks = m->clusters;
    s->bfree = s->bavail = m->free;
    return 0;
}
