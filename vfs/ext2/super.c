/* Mounting and unmounting, the superblock and the group descriptors, and writing everything back.
 *
 * While a file system is mounted read-write, the valid flag in its superblock is off on the disk; a
 * clean unmount puts it back. All numbers that later code leans on are checked here, once. */
#include "ext2.h"

enum { FLUSH_SECONDS = 5 };

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

struct group *mount_group(struct mount *m, uint32_t group)
{
    uint32_t per = m->geo.block_size / sizeof(struct group);
    return (struct group *)m->group_pages[group / per]->data + group % per;
}

void mount_group_dirty(struct mount *m, uint32_t group)
{
    cache_dirty(m->group_pages[group / (m->geo.block_size / sizeof(struct group))]);
}

int mount_corrupt(struct mount *m, const char *what, uint64_t number)
{
    if (!m->reported) {
        print("corrupt file system: %s (%lu); e2fsck should be run", what, number);
        m->reported = true;
    }
    if (!m->read_only)
        m->super->state |= STATE_ERRORS;
    return -EUCLEAN;
}

static int super_store(struct mount *m, bool valid)
{
    struct super *s = m->super;
    s->free_blocks = m->free_blocks;
    s->free_inodes = m->free_inodes;
    s->wtime = fs_now().sec;
    s->state = (s->state & ~STATE_VALID) | (valid ? STATE_VALID : 0);
    if (m->large_file_noted)
        s->ro_compat |= RO_LARGE_FILE;
    cache_dirty(m->super_page);
    return cache_sync_meta(m->index);
}

int mount_sync(struct mount *m)
{
    int a = inodes_store(m);
    int b = super_store(m, false);
    int c = cache_sync_data(m->index);
    return a ? a : b ? b : c;
}

int inode_sync(struct inode *i)
{
    int data = cache_sync_owner(inode_owner(i));
    int a = inodes_store(i->mount);
    int b = super_store(i->mount, false);
    int c = cache_flush_device(i->mount->index);
    return data ? data : a ? a : b ? b : c;
}

/* ---- Mounting ---- */

static bool in_group(const struct mount *m, uint32_t group, uint32_t block, uint32_t count)
{
    uint64_t first = m->geo.first_block + (uint64_t)group * m->geo.blocks_per_group;
    uint64_t end = MIN(first + m->geo.blocks_per_group, (uint64_t)m->geo.blocks);
    return block >= first && (uint64_t)block + count <= end;
}

static int load_groups(struct mount *m)
{
    for (uint32_t k = 0; k < m->geo.group_blocks; k++) {
        int error = cache_block(m->index, m->geo.first_block + 1 + k, &m->group_pages[k]);
        if (error) {
            m->group_pages[k] = NULL;
            return error;
        }
    }
    m->free_blocks = m->free_inodes = m->directories = 0;
    for (uint32_t n = 0; n < m->geo.groups; n++) {
        const struct group *g = mount_group(m, n);
        if (!in_group(m, n, g->block_bitmap, 1) || !in_group(m, n, g->inode_bitmap, 1) ||
            !in_group(m, n, g->inode_table, m->geo.table_blocks) ||
            g->free_blocks > m->geo.blocks_per_group || g->free_inodes > m->geo.inodes_per_group) {
            print("impossible group descriptor %u", n);
            return -EUCLEAN;
        }
        m->free_blocks += g->free_blocks;
        m->free_inodes += g->free_inodes;
        m->directories += g->used_dirs;
    }
    return 0;
}

/* Forgets a mount, whole or half made. */
static void drop_mount(struct mount *m)
{
    m->used = false;
    inodes_drop(m);
    for (uint32_t k = 0; k < m->geo.group_blocks && m->group_pages[k]; k++)
        cache_put(m->group_pages[k]);
    if (m->super_page)
        cache_put(m->super_page);
    cache_device_gone(m->index);
}

static int go_read_write(struct mount *m)
{
    if (!m->was_valid)
        print("was not unmounted cleanly; e2fsck should be run");
    m->read_only = false;
    m->super->mount_count++;
    m->super->mtime = fs_now().sec;
    return super_store(m, false);
}

static int64_t remount(struct message *m)
{
    struct inode *root;
    int error = inode_of(m->object, &root);
    if (error)
        return error;
    struct mount *mount = root->mount;
    bool read_only = m->w[5] & MS_RDONLY;
    if (read_only && !mount->read_only) {
        error = mount_sync(mount);
        if (!error)
            error = super_store(mount, mount->was_valid && !mount->reported);
        mount->read_only = true;
    } else if (!read_only && mount->read_only) {
        mount->was_valid = mount->super->state & STATE_VALID;
        error = mount->super->rev_level &&
                        (mount->super->ro_compat & ~(RO_SPARSE_SUPER | RO_LARGE_FILE))
                    ? -EROFS
                    : go_read_write(mount);
    }
    inode_put(root);
    return error;
}

/* Reads what stands on the device into a free mount. */
static int load_mount(struct mount *m, endpoint_t service, uint64_t object, bool read_only)
{
    uint8_t raw[512];
    int error = cache_device_read(service, object, SUPER_OFFSET, raw, sizeof(raw));
    if (error)
        return error;
    struct super s;
    memcpy(&s, raw, sizeof(s));
    const char *wrong = ext2_check_super(&s, &m->geo);
    if (!wrong && m->geo.group_blocks > GROUP_PAGES)
        wrong = "too many groups";
    int64_t bytes = call_object(service, FS_SEEK, object, 0, SEEK_END, 0);
    if (!wrong && bytes < (int64_t)m->geo.blocks << m->geo.block_shift)
        wrong = "larger than its device";
    if (wrong) {
        print("cannot mount: %s", wrong);
        return s.magic == SUPER_MAGIC ? -EUCLEAN : -EINVAL;
    }
    cache_device(m->index, service, object, m->geo.block_size);
    error = cache_block(m->index, SUPER_OFFSET >> m->geo.block_shift, &m->super_page);
    if (error) {
        m->super_page = NULL;
        return error;
    }
    m->super = (struct super *)(m->super_page->data + (SUPER_OFFSET & (m->geo.block_size - 1)));
    error = load_groups(m);
    if (error)
        return error;
    m->was_valid = m->super->state & STATE_VALID;
    /* revision 0 has no features to note it in */
    m->large_file_noted = m->super->rev_level == 0;
    if (s.rev_level && (s.ro_compat & ~(RO_SPARSE_SUPER | RO_LARGE_FILE)) && !read_only) {
        print("unknown features: mounted read-only");
        read_only = true;
    }
    m->read_only = true;
    return read_only ? 0 : go_read_write(m);
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
    struct inode *root = NULL;
    int error = load_mount(mount, m->w[3], m->w[4], m->w[5] & MS_RDONLY);
    if (!error)
        error = inode_get(mount, ROOT_INO, &root);
    if (!error && !S_ISDIR(root->mode)) {
        print("cannot mount: the root is not a directory");
        inode_put(root);
        error = -EUCLEAN;
    }
    if (error) {
        drop_mount(mount);
        return error;
    }
    reply_words(m, inode_object(root), mount->dev, 0);
    inode_put(root);
    return 0;
}

int64_t do_mount(struct message *m)
{
    lock_take(&sync_lock);
    int64_t result = m->w[5] & MS_REMOUNT ? remount(m) : mount_new(m);
    lock_give(&sync_lock);
    return result;
}

/* Everything is written, the superblock at last as valid. Somebody may have come in meanwhile: then
 * it is not over. */
static int close_mount(struct mount *m)
{
    if (inodes_busy(m))
        return -EBUSY;
    if (m->read_only)
        return 0;
    int error = mount_sync(m);
    if (!error)
        error = super_store(m, m->was_valid && !m->reported);
    if (!error)
        error = cache_flush_device(m->index);
    if (!error && inodes_busy(m)) {
        super_store(m, false);
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

/* ---- Asking and writing back ---- */

int64_t do_statfs(struct message *m)
{
    unsigned k = fs_object_mount(m->object);
    if (k >= MOUNTS || !mounts[k].used)
        return -ESTALE;
    struct mount *mount = &mounts[k];
    deletions_awaited(&mount->deletions);
    uint64_t reserved = MIN(mount->super->r_blocks_count, mount->free_blocks);
    struct statfs s = {
        .type = SUPER_MAGIC,
        .bsize = mount->geo.block_size,
        .frsize = mount->geo.block_size,
        .namelen = NAME_MAX,
        .blocks = mount->geo.blocks - ext2_overhead(&mount->geo),
        .bfree = mount->free_blocks,
        .bavail = mount->free_blocks - reserved,
        .files = mount->geo.inodes,
        .ffree = mount->free_inodes,
        .flags = mount->read_only ? MS_RDONLY : 0,
    };
    memcpy(s.fsid, mount->super->uuid, sizeof(s.fsid));
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
    struct inode *i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    error = inode_sync(i);
    int told = cache_told(m, inode_owner(i));
    inode_put(i);
    return told ? told : error;
}
