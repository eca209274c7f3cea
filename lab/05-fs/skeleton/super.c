/* Mounting and unmounting, and writing everything back. The mount checks once what later code
 * relies on. */
#include "minix.h"

enum { FLUSH_MS = 250 };

struct mount mount;
static bool alarm_set;

int corrupt(const char *what, uint32_t number)
{
    print("corrupt file system: %s (%u); fsck.minix should be run", what, number);
    return -EUCLEAN;
}

void flush_later(void)
{
    if (alarm_set)
        return;
    alarm_set = true;
    alarm_at(time_now() + FLUSH_MS * (SECOND / 1000));
}

static int flush(void)
{
    int error = cache_sync_meta(DEVICE);
    return error ? error : cache_flush_device(DEVICE);
}

void flush_alarm(uint64_t bits)
{
    if (!(bits & 1ull << NOTIFY_ALARM))
        return;
    alarm_set = false;
    if (mount.used)
        flush();
}

static const char *check_super(const struct super *s, int64_t bytes)
{
    if (s->magic != SUPER_MAGIC)
        return "not a MINIX file system of version 3";
    if (s->block_size != BLOCK || s->log_zone_size)
        return "zones are not blocks of 1024 bytes";
    uint32_t table = (s->inodes + INODES_PER_BLOCK - 1) / INODES_PER_BLOCK;
    if (!s->inodes || s->inodes > INODES_MAX ||
        (uint32_t)s->imap_blocks * BITS_PER_BLOCK <= s->inodes)
        return "impossible number of inodes";
    if (s->first_zone < MAP_FIRST + s->imap_blocks + s->zmap_blocks + table ||
        s->first_zone >= s->zones)
        return "impossible first zone";
    if ((uint32_t)s->zmap_blocks * BITS_PER_BLOCK <= s->zones - s->first_zone)
        return "impossible number of zones";
    return bytes < (int64_t)s->zones * BLOCK ? "larger than its device" : NULL;
}

static int64_t mount_new(struct message *m)
{
    union {
        struct super super;
        uint8_t bytes[512];
    } raw;
    const struct super *s = &raw.super;
    if (mount.used)
        return -EBUSY;
    int error = cache_device_read(m->w[3], m->w[4], SUPER_OFFSET, &raw, sizeof raw);
    if (error)
        return error;
    const char *wrong = check_super(s, call_object(m->w[3], FS_SEEK, m->w[4], 0, SEEK_END, 0));
    if (wrong) {
        print("cannot mount: %s", wrong);
        return s->magic == SUPER_MAGIC ? -EUCLEAN : -EINVAL;
    }
    memset(&mount, 0, sizeof mount);
    mount.used = true;
    mount.read_only = true; /* until it can write */
    mount.dev = m->position;
    mount.inodes = s->inodes;
    mount.zones = s->zones;
    mount.first_zone = s->first_zone;
    mount.max_size = s->max_size;
    mount.zmap_first = MAP_FIRST + s->imap_blocks;
    mount.table_first = mount.zmap_first + s->zmap_blocks;
    cache_device(DEVICE, m->w[3], m->w[4], BLOCK);
    struct inode root;
    error = inode_get(ROOT_INO, &root);
    if (!error && !S_ISDIR(root.d->mode))
        error = corrupt("the root is not a directory", ROOT_INO);
    if (error) {
        cache_device_gone(DEVICE);
        mount.used = false;
        return error;
    }
    inode_put(&root);
    reply_words(m, inode_object(ROOT_INO), mount.dev, 0);
    return 0;
}

int64_t do_mount(struct message *m)
{
    if (!(m->w[5] & MS_REMOUNT))
        return mount_new(m);
    int error = flush();
    return error;
}

int64_t do_unmount(struct message *m)
{
    (void)m;
    for (uint32_t ino = 1; ino <= mount.inodes; ino++)
        if (mount.opens[ino])
            return -EBUSY;
    int error = flush();
    if (error)
        return error;
    cache_device_gone(DEVICE);
    mount.used = false;
    return 0;
}

int64_t do_sync(struct message *m)
{
    (void)m;
    return mount.used ? flush() : -ESTALE;
}

int64_t do_statfs(struct message *m)
{
    uint32_t zone_bits = mount.zones - mount.first_zone + 1,
             free = bits_free(mount.zmap_first, zone_bits);
    struct statfs s = { .type = SUPER_MAGIC,
                        .bsize = BLOCK,
                        .frsize = BLOCK,
                        .namelen = NAME_BYTES,
                        .blocks = mount.zones - mount.first_zone,
                        .bfree = free,
                        .bavail = free,
                        .files = mount.inodes,
                        .ffree = bits_free(MAP_FIRST, mount.inodes + 1),
                        .flags = mount.read_only ? MS_RDONLY : 0 };
    return copy_out(m, 0, &s, sizeof s);
}
