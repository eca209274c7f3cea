/* Inodes of disks in memory; the contract stands in nodes.h. They are found through a hash table by
 * mount and number; the one that was not used for longest makes room.
 *
 *     state     in the hash   uses   what happens to it
 *     unused    no            0      free_node() takes it
 *     loading   yes           > 0    its maker fills it; other threads wait in node_wait()
 *     failed    no            > 0    threads that waited read `failed`; the last one recycles it
 *     idle      yes           0      free_node() may store it if it is dirty, and take it
 *     held      yes           > 0    threads work on it; open files and holds count like a use
 *     freeing   yes           1      destroy() gives its contents and its number back, which may
 *                                    wait; for all others the inode is gone, -ESTALE
 *
 * Freeing begins at the last node_put() of an inode without links, open files and holds. While it
 * waits it is counted in the mount's `deletions`, for an allocation that finds no room to wait
 * for. */
#include "nodes.h"

#include "cache.h"
#include "watch.h"

enum { HASH_SIZE = 512, TRIES = 64 };

static struct disk_node *hash_table[HASH_SIZE];
/* all that have a number; ring.newer is the oldest */
static struct disk_node ring = { .older = &ring, .newer = &ring };
static struct disk_node *unused; /* linked by hash_next */

static inline struct disk_node **bucket(const struct disk_mount *m, uint32_t ino)
{
    return &hash_table[(ino + m->index * 61u) % HASH_SIZE];
}

static void ring_remove(struct disk_node *n)
{
    n->older->newer = n->newer;
    n->newer->older = n->older;
}

static void ring_add_newest(struct disk_node *n)
{
    n->older = ring.older;
    n->newer = &ring;
    ring.older->newer = n;
    ring.older = n;
}

static void take_out(struct disk_node *n)
{
    struct disk_node **at = bucket(disk_mount_of(n), n->ino);
    while (*at != n)
        at = &(*at)->hash_next;
    *at = n->hash_next;
    ring_remove(n);
}

/* An inode that has been taken out becomes unused. */
static void recycle(struct disk_node *n)
{
    if (disk_ops.forget)
        disk_ops.forget(n);
    n->hash_next = unused;
    unused = n;
}

static inline bool idle(const struct disk_node *n)
{
    return !n->uses && !n->opens && !n->holds && !n->loading && !n->freeing;
}

/* Whether an inode may leave memory while it is on the disk. */
static inline bool evictable(const struct disk_node *n) { return idle(n) && !n->watched; }

void nodes_init(void)
{
    char *at = disk_ops.nodes;
    for (unsigned k = 0; k < disk_ops.node_count; k++, at += disk_ops.node_size) {
        struct disk_node *n = (struct disk_node *)at;
        n->hash_next = unused;
        unused = n;
    }
}

/* ---- Finding ---- */

struct disk_node *node_find(const struct disk_mount *m, uint32_t ino)
{
    struct disk_node *n = *bucket(m, ino);
    while (n && (n->ino != ino || disk_mount_of(n) != m))
        n = n->hash_next;
    return n;
}

struct disk_node *node_next(struct disk_node *n)
{
    n = n ? n->older : ring.older;
    return n == &ring ? NULL : n;
}

/* Stores an inode. A failure is not tried again: the next fsync of the file tells of it. May wait.
 */
static int store(struct disk_node *n)
{
    n->uses++;
    int error = disk_ops.store(n);
    if (error) {
        n->dirty = false;
        cache_failed(cache_owner(disk_mount_of(n)->index, fs_node(n)->ino));
    }
    n->uses--;
    return error;
}

bool node_evict(struct disk_node *n)
{
    if (evictable(n) && n->dirty)
        store(n);
    if (evictable(n) && disk_ops.leave) {
        n->uses++;
        disk_ops.leave(n);
        n->uses--;
    }
    if (!evictable(n) || n->dirty)
        return false;
    take_out(n);
    recycle(n);
    return true;
}

/* An unused structure, if need be by forgetting an idle inode, which is stored before if it is
 * dirty. NULL: all are in use, or their stores fail. May wait. */
static struct disk_node *free_node(void)
{
    for (unsigned tries = 0; !unused && tries < TRIES; tries++) {
        struct disk_node *n = ring.newer;
        while (n != &ring && !evictable(n))
            n = n->newer;
        if (n == &ring)
            return NULL;
        node_evict(n);
    }
    struct disk_node *n = unused;
    if (n)
        unused = n->hash_next;
    return n;
}

struct disk_node *node_insert(struct disk_mount *m, uint32_t ino, bool *mine)
{
    struct disk_node *fresh = free_node(), *n = node_find(m, ino);
    *mine = fresh && !n;
    if (!*mine) {
        if (fresh) {
            fresh->hash_next = unused;
            unused = fresh;
        }
        return n;
    }
    memset(fresh, 0, disk_ops.node_size);
    fresh->mount = (struct fs_mount *)m;
    fresh->ino = ino;
    fresh->uses = 1;
    fresh->loading = true;
    fresh->hash_next = *bucket(m, ino);
    *bucket(m, ino) = fresh;
    ring_add_newest(fresh);
    return fresh;
}

struct disk_node *node_loaded(struct disk_node *n, int error)
{
    if (error)
        take_out(n);
    n->failed = error;
    n->loading = false;
    condition_wake(&n->loaded);
    if (!error)
        return n;
    if (--n->uses == 0) /* else the last thread that waits for it does so in node_wait() */
        recycle(n);
    return fs_failed(error);
}

struct disk_node *node_wait(struct disk_node *n)
{
    if (n->freeing)
        return fs_failed(-ESTALE);
    n->uses++;
    while (n->loading)
        condition_wait(&n->loaded);
    int error = n->failed;
    if (!error)
        return n;
    if (--n->uses == 0)
        recycle(n);
    return fs_failed(error);
}

struct disk_node *node_get(struct disk_mount *m, uint32_t ino)
{
    struct disk_node *n = node_find(m, ino);
    bool mine = false;
    if (!n)
        n = node_insert(m, ino, &mine);
    if (!n)
        return fs_failed(-ENFILE);
    return mine ? node_loaded(n, disk_ops.load(n)) : node_wait(n);
}

struct fs_node *node_of(uint64_t object)
{
    unsigned k = fs_object_mount(object);
    if (k >= disk_ops.mount_count || !disk_mount_at(k)->used)
        return fs_failed(-ESTALE);
    struct disk_node *n = node_find(disk_mount_at(k), fs_object_ino(object));
    if (n && !n->loading && !n->freeing) {
        n->uses++;
    } else {
        n = node_get(disk_mount_at(k), fs_object_ino(object));
        if (fs_error(n))
            return fs_node(n);
    }
    if (n->object == object)
        return fs_node(n);
    node_put(fs_node(n));
    return fs_failed(-ESTALE);
}

/* ---- Letting go ---- */

/* Gives an inode without links and uses back to the disk. May wait. */
static void destroy(struct disk_node *n)
{
    struct deletions *deletions = &disk_mount_of(n)->deletions;
    fs_gone(fs_node(n));
    n->freeing = true;
    n->uses = 1;
    deletion_begins(deletions);
    disk_ops.destroy(n);
    n->uses = 0;
    take_out(n);
    recycle(n);
    deletion_ends(deletions);
}

void node_put(struct fs_node *f)
{
    struct disk_node *n = disk_node(f);
    ASSERT(n->uses);
    if (--n->uses || n->freeing)
        return;
    if (ring.older != n) {
        ring_remove(n);
        ring_add_newest(n);
    }
    if (!n->links && !n->opens && !n->holds && !n->mount->read_only)
        destroy(n);
}

/* ---- All of a mount ---- */

int nodes_store(struct disk_mount *m)
{
    int error = 0;
again:
    for (struct disk_node *n = ring.newer; n != &ring; n = n->newer) {
        if (disk_mount_of(n) != m || !n->dirty || n->freeing || n->loading)
            continue;
        int e = store(n);
        error = error ? error : e;
        goto again;
    }
    return error;
}

bool nodes_busy(const struct disk_mount *m)
{
    for (struct disk_node *n = ring.newer; n != &ring; n = n->newer)
        if (disk_mount_of(n) == m &&
            (n == m->root ? n->uses > 1 || n->opens || n->holds : !idle(n)))
            return true;
    return false;
}

bool nodes_orphaned(const struct disk_mount *m)
{
    for (struct disk_node *n = ring.newer; n != &ring; n = n->newer)
        if (disk_mount_of(n) == m && !n->links && !idle(n))
            return true;
    return false;
}

void nodes_drop(struct disk_mount *m)
{
    for (struct disk_node *n = ring.newer, *next; n != &ring; n = next) {
        next = n->newer;
        if (disk_mount_of(n) == m) {
            take_out(n);
            recycle(n);
        }
    }
}
