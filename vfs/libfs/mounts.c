/* Mounts of disks; the contract stands in mounts.h.
 *
 * What the superblock says while a disk is mounted, and what it says afterwards:
 *
 *     mounted read-only                 nothing: it is not written
 *     mounted or remounted read-write   "in use", at once: the next mount after a crash tells the
 *                                       user to check the disk
 *     remounted read-only, unmounted    "clean", when all else has been written and what was
 * removed is free; but "in use" stays if the disk was not clean when it was mounted, or if damage
 *                                       was found (fs_corrupt)
 *
 * The root's inode is held while a disk is mounted; nodes_busy() does not count that hold. */
#include "mounts.h"

#include "contents.h"
#include "watch.h"

enum { FLUSH_SECONDS = 5 };

static bool alarm_set;
static struct lock sync_lock; /* one mount, sync or unmount at a time */

static inline struct disk_mount *disk_mount(struct fs_mount *m) { return (struct disk_mount *)m; }
void flush_later(void)
{
    if (alarm_set)
        return;
    alarm_set = true;
    alarm_at(time_now() + FLUSH_SECONDS * SECOND);
}

/* Writes the superblock, which says "in use" or "clean", and all other metadata. */
static int mark(struct disk_mount *m, bool clean)
{
    int error = disk_ops.store_mount(m, clean), e = cache_sync_meta(m->index);
    return error ? error : e;
}

/* Writes everything; metadata before data: see cache_io.c. */
static int sync_all(struct disk_mount *m)
{
    int a = nodes_store(m), b = mark(m, false), c = cache_sync_data(m->index);
    return a ? a : b ? b : c;
}

void mount_flush(uint64_t bits)
{
    if (!(bits & 1ull << NOTIFY_ALARM))
        return;
    alarm_set = false;
    lock_take(&sync_lock);
    for (unsigned k = 0; k < disk_ops.mount_count; k++)
        if (disk_mount_at(k)->used && !disk_mount_at(k)->read_only)
            sync_all(disk_mount_at(k));
    lock_give(&sync_lock);
}

int mount_sync(struct fs_mount *f)
{
    struct disk_mount *m = disk_mount(f);
    lock_take(&sync_lock);
    if (m->used)
        deletions_awaited(&m->deletions);
    int error = m->used ? sync_all(m) : -ESTALE;
    if (!error)
        error = cache_flush_device(m->index);
    lock_give(&sync_lock);
    return error;
}

/* The file's data, then all metadata: its own, and the names by which it is found. */
int mount_sync_node(struct fs_node *n, struct message *message)
{
    struct disk_mount *m = disk_mount(n->mount);
    int data = cache_sync_owner(contents_owner(n)), a = nodes_store(m), b = mark(m, false),
        c = cache_flush_device(m->index);
    int told = message->op == FS_SYNC ? cache_told(message, contents_owner(n)) : 0;
    return told ? told : data ? data : a ? a : b ? b : c;
}

int mount_open_node(struct fs_node *n, struct message *m, uint64_t *flags)
{
    (void)m;
    *flags |= cache_errors_at_open(contents_owner(n));
    return 0;
}

/* ---- Mounting ---- */

int64_t mount_device_bytes(const struct fs_source *s)
{
    return call_object(s->service, FS_SEEK, s->object, 0, SEEK_END, 0);
}

/* Forgets a mount, whole or half made. */
static void drop_mount(struct disk_mount *m)
{
    m->used = false;
    watch_unmounted((struct fs_mount *)m);
    nodes_drop(m);
    if (disk_ops.drop_mount)
        disk_ops.drop_mount(m);
    cache_device_gone(m->index);
}

/* The mount may be written from now on; its superblock says so before anything else is. */
static int go_read_write(struct disk_mount *m)
{
    if (!m->was_clean)
        print("was not unmounted cleanly; %s should be run", fs_ops.checker);
    m->read_only = false;
    return mark(m, false);
}

/* Reads superblock and root. 0, or an error, after which drop_mount() cleans up. */
static int load(struct disk_mount *m, const struct fs_source *s)
{
    int error = disk_ops.load_mount(m, s);
    if (error)
        return error;
    struct disk_node *root = disk_ops.root(m);
    if (fs_error(root))
        return fs_error(root);
    m->root = root;
    if (!S_ISDIR(root->mode)) {
        print("cannot mount: the root is not a directory");
        return -EUCLEAN;
    }
    if (s->read_only)
        return 0;
    if (!m->only_read)
        return go_read_write(m);
    print("unknown features: mounted read-only");
    return 0;
}

/* mount_new() under the sync lock, in the first free place. */
static struct fs_node *mount_free(const struct fs_source *s)
{
    unsigned k = 0;
    while (k < disk_ops.mount_count && disk_mount_at(k)->used)
        k++;
    if (k == disk_ops.mount_count)
        return fs_failed(-ENOMEM);
    struct disk_mount *m = disk_mount_at(k);
    memset(m, 0, disk_ops.mount_size);
    m->used = true;
    m->index = k;
    m->dev = s->dev;
    m->read_only = true;
    int error = load(m, s);
    if (error) {
        drop_mount(m);
        return fs_failed(error);
    }
    m->root->uses++;
    return fs_node(m->root);
}

struct fs_node *mount_new(const struct fs_source *s)
{
    lock_take(&sync_lock);
    struct fs_node *root = mount_free(s);
    lock_give(&sync_lock);
    return root;
}

/* Writes everything, and the superblock as clean. -EBUSY: a removed file is still in use; nothing
 * could free it on a disk that is not written. */
static int go_read_only(struct disk_mount *m)
{
    int error;
    do {
        deletions_awaited(&m->deletions);
        error = sync_all(m);
    } while (!error && m->deletions.under_way);
    if (error || nodes_orphaned(m))
        return error ? error : -EBUSY;
    m->read_only = true;
    error = mark(m, m->was_clean && !m->reported);
    if (error)
        m->read_only = false;
    else
        m->was_clean &= !m->reported;
    return error;
}

int mount_again(struct fs_mount *f, bool read_only)
{
    struct disk_mount *m = disk_mount(f);
    int error = 0;
    lock_take(&sync_lock);
    if (read_only && !m->read_only) {
        error = go_read_only(m);
    } else if (!read_only && m->read_only) {
        error = m->only_read ? -EROFS : go_read_write(m);
    }
    lock_give(&sync_lock);
    return error;
}

/* Writes everything, and at last the superblock as clean. A file may be opened during these waits:
 * then the mount stays, -EBUSY. */
static int close_mount(struct disk_mount *m)
{
    deletions_awaited(&m->deletions);
    if (nodes_busy(m))
        return -EBUSY;
    if (m->read_only)
        return 0;
    int error = sync_all(m);
    if (!error)
        error = mark(m, m->was_clean && !m->reported);
    if (!error)
        error = cache_flush_device(m->index);
    if (!error && nodes_busy(m)) {
        mark(m, false);
        error = -EBUSY;
    }
    return error;
}

int mount_end(uint64_t root)
{
    unsigned k = fs_object_mount(root);
    if (k >= disk_ops.mount_count)
        return -EINVAL;
    lock_take(&sync_lock);
    int error = disk_mount_at(k)->used ? close_mount(disk_mount_at(k)) : -EINVAL;
    if (!error)
        drop_mount(disk_mount_at(k));
    lock_give(&sync_lock);
    return error;
}
