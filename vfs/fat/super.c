/* Mounting and unmounting FAT disks, and writing everything back. While a disk is mounted
 * read-write, the dirty mark in its first sector is set. */
#include "fat.h"

enum { FLUSH_SECONDS = 5, MAGIC = 0x4d44, MAX12 = 4084, MAX16 = 65524, MAX32 = 0x0ffffff5 };

struct mount mounts[MOUNTS];
static bool alarm_set;
static struct lock sync_lock; /* one mount, sync or unmount at a time */

void flush_later(void)
{
    if (alarm_set)
        return;
    alarm_set = true;
    alarm_at(time_now() + FLUSH_SECONDS * SECOND);
}

void flush_alarm(uint64_t bits)
{
    if (!(bits & 1ull << NOTIFY_ALARM))
        return;
    alarm_set = false;
    lock_take(&sync_lock);
    for (unsigned k = 0; k < MOUNTS; k++)
        if (mounts[k].used && !mounts[k].read_only)
            mount_sync(&mounts[k]);
    lock_give(&sync_lock);
}

int mount_corrupt(struct mount *m, const char *what, uint64_t number)
{
    if (!m->reported) {
        print("corrupt file system: %s (%lu); fsck.fat should be run", what, number);
        m->reported = true;
    }
    return -EUCLEAN;
}

/* The free count of FAT32 stands on the disk. */
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

int mount_sync(struct mount *m)
{
    int a = nodes_store(m), b = info_store(m), c = cache_sync_meta(m->index),
        d = cache_sync_data(m->index);
    return a ? a : b ? b : c ? c : d;
}

static int set_dirty_mark(struct mount *m, bool dirty)
{
    struct page *page;
    int error = cache_block(m->index, 0, &page);
    if (error)
        return error;
    struct boot *b = (struct boot *)page->data;
    uint8_t *state = m->bits == 32 ? &b->new.state : &b->old.state;
    *state = (*state & ~STATE_DIRTY) | (dirty ? STATE_DIRTY : 0);
    cache_dirty(page);
    cache_put(page);
    return cache_sync_meta(m->index);
}

/* ---- Mounting ---- */

/* Takes the geometry out of the first sector. NULL, or what is wrong with it. */
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

/* The free count of FAT32, if it can be believed. */
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

static int go_read_write(struct mount *m)
{
    if (!m->was_clean)
        print("was not unmounted cleanly; fsck.fat should be run");
    m->read_only = false;
    return set_dirty_mark(m, true);
}

static int load_mount(struct mount *m, endpoint_t service, uint64_t object, bool read_only)
{
    uint8_t raw[512];
    struct boot b;
    uint16_t signature;
    int error = cache_device_read(service, object, 0, raw, sizeof(raw));
    if (error)
        return error;
    memcpy(&b, raw, sizeof(b));
    memcpy(&signature, raw + BOOT_SIGNATURE_AT, 2);
    int64_t bytes = call_object(service, FS_SEEK, object, 0, SEEK_END, 0);
    const char *wrong = check_boot(m, &b, signature, bytes < 0 ? 0 : bytes);
    if (wrong) {
        print("cannot mount: %s", wrong);
        return -EINVAL;
    }
    cache_device(m->index, service, object, m->sector_size);
    m->was_clean = !((m->bits == 32 ? b.new.state : b.old.state) & STATE_DIRTY);
    m->read_only = true;
    error = info_load(m);
    if (!error)
        error = node_root(m);
    return error || read_only ? error : go_read_write(m);
}

static int64_t remount(struct message *m)
{
    unsigned k = fs_object_mount(m->object);
    if (k >= MOUNTS || !mounts[k].used)
        return -ESTALE;
    struct mount *mount = &mounts[k];
    bool read_only = m->w[5] & MS_RDONLY;
    if (read_only == mount->read_only)
        return 0;
    if (!read_only)
        return go_read_write(mount);
    int error = mount_sync(mount);
    if (!error)
        error = set_dirty_mark(mount, !mount->was_clean || mount->reported);
    mount->read_only = true;
    return error;
}

static void drop_mount(struct mount *m)
{
    m->used = false;
    nodes_drop(m);
    cache_device_gone(m->index);
}

static int64_t mount_new(struct message *m)
{
    struct mount *mount = NULL;
    for (unsigned k = 0; k < MOUNTS && !mount; k++)
        if (!mounts[k].used)
            mount = &mounts[k];
    if (!mount)
        return -ENOMEM;
    *mount = (struct mount){
        .used = true, .index = mount - mounts, .dev = m->position, .read_only = true
    };
    int error = load_mount(mount, m->w[3], m->w[4], m->w[5] & MS_RDONLY);
    if (error) {
        drop_mount(mount);
        return error;
    }
    reply_words(m, node_object(mount->root), mount->dev, 0);
    return 0;
}

int64_t do_mount(struct message *m)
{
    lock_take(&sync_lock);
    int64_t result = m->w[5] & MS_REMOUNT ? remount(m) : mount_new(m);
    lock_give(&sync_lock);
    return result;
}

/* Everything is written, the dirty mark at last. Somebody may have come in meanwhile: then it is
 * not over. */
static int close_mount(struct mount *m)
{
    if (nodes_busy(m))
        return -EBUSY;
    if (m->read_only)
        return 0;
    int error = mount_sync(m), e = set_dirty_mark(m, error || !m->was_clean || m->reported);
    error = error ? error : e;
    if (!error)
        error = cache_flush_device(m->index);
    if (!error && nodes_busy(m)) {
        set_dirty_mark(m, true);
        error = -EBUSY;
    }
    return error;
}

int64_t do_unmount(struct message *m)
{
    unsigned k = fs_object_mount(m->object);
    if (k >= MOUNTS || !mounts[k].used)
        return -EINVAL;
    lock_take(&sync_lock);
    int error = mounts[k].used ? close_mount(&mounts[k]) : -EINVAL;
    if (!error)
        drop_mount(&mounts[k]);
    lock_give(&sync_lock);
    return error;
}

int64_t do_statfs(struct message *m)
{
    unsigned k = fs_object_mount(m->object);
    if (k >= MOUNTS || !mounts[k].used)
        return -ESTALE;
    struct mount *mount = &mounts[k];
    int error = table_count(mount);
    if (error)
        return error;
    deletions_awaited(&mount->deletions);
    struct statfs s = {
        .type = MAGIC,
        .bsize = 1ll << mount->cluster_shift,
        .frsize = 1ll << mount->cluster_shift,
        .namelen = NAME_MAX,
        .blocks = mount->clusters,
        .bfree = mount->free,
        .bavail = mount->free,
        .flags = mount->read_only ? MS_RDONLY : 0,
    };
    return copy_out(m, 0, &s, sizeof(s));
}

int64_t do_sync(struct message *m)
{
    unsigned k = fs_object_mount(m->object);
    if (k >= MOUNTS || !mounts[k].used)
        return -ESTALE;
    struct mount *mount = &mounts[k];
    if (mount->read_only)
        return 0;
    if (m->w[1] == 1) {
        lock_take(&sync_lock);
        int error = mount->used ? mount_sync(mount) : -ESTALE;
        if (!error)
            error = cache_flush_device(mount->index);
        lock_give(&sync_lock);
        return error;
    }
    struct node *n;
    int error = node_of(m->object, &n);
    if (error)
        return error;
    int data = cache_sync_owner(node_owner(n));
    int a = nodes_store(mount), b = info_store(mount), c = cache_sync_meta(mount->index);
    int d = cache_flush_device(mount->index);
    int told = cache_told(m, node_owner(n));
    node_put(n);
    return told ? told : data ? data : a ? a : b ? b : c ? c : d;
}
