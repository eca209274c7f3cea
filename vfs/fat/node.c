/* Files in memory: found by number or by the place of their entry, kept for a while, written into
 * the entry when dirty. */
#include "fat.h"

enum { HASH_SIZE = 256, ALIAS_SHIFT = 28, ALIASES = 15 };

static struct node all[NODES];
static struct node *unused;
static struct node *hash_table[HASH_SIZE];                    /* by number */
static struct node ring = { .older = &ring, .newer = &ring }; /* ring.newer is the oldest */

static inline struct node **bucket(const struct mount *m, uint32_t ino)
{
    return &hash_table[(ino + m->index * 31u) % HASH_SIZE];
}

void nodes_init(void)
{
    for (unsigned k = 0; k < NODES; k++) {
        all[k].hash_next = unused;
        unused = &all[k];
    }
}

static void recycle(struct node *n)
{
    names_forget(n);
    n->hash_next = unused;
    unused = n;
}

static void take_out(struct node *n)
{
    struct node **at = bucket(n->mount, n->ino);
    while (*at != n)
        at = &(*at)->hash_next;
    *at = n->hash_next;
    n->older->newer = n->newer;
    n->newer->older = n->older;
}

static void put_newest(struct node *n)
{
    n->older = ring.older;
    n->newer = &ring;
    ring.older->newer = n;
    ring.older = n;
}

static bool idle(const struct node *n)
{
    return !n->uses && !n->opens && !n->holds && !n->loading && !n->freeing;
}

static struct share held_share = SHARE(NODES, NODES / 4, NODES / 2);

int node_held(struct node *n, call_t call)
{
    if (n->opens || n->holds)
        return 0;
    n->user = share_user(&held_share, call);
    return share_take(&held_share, n->user, 1, -ENFILE);
}

void node_let_go(const struct node *n)
{
    if (!n->opens && !n->holds)
        share_give(&held_share, n->user, 1);
}

static struct node *take(void)
{
    for (unsigned tries = 0; !unused && tries < 64; tries++) {
        struct node *n = ring.newer;
        while (n != &ring && !idle(n))
            n = n->newer;
        if (n == &ring)
            return NULL;
        if (n->dirty) {
            n->uses++;
            if (node_store(n))
                n->dirty = false;
            n->uses--;
        }
        if (idle(n) && !n->dirty) {
            take_out(n);
            recycle(n);
        }
    }
    struct node *n = unused;
    if (n)
        unused = n->hash_next;
    return n;
}

static struct node *find_ino(const struct mount *m, uint32_t ino)
{
    struct node *n = *bucket(m, ino);
    while (n && (n->ino != ino || n->mount != m))
        n = n->hash_next;
    return n;
}

/* A node has the number of the place where it was first seen, or, if somebody else has that, an
 * alias of it. */
static struct node *find_place(const struct mount *m, uint32_t place)
{
    for (struct node *n = ring.older; n != &ring; n = n->older)
        if (n->mount == m && n->place == place && !n->removed)
            return n;
    return NULL;
}

uint32_t node_number(const struct mount *m, uint32_t place)
{
    const struct node *n = find_place(m, place);
    return n ? n->ino : place;
}

static uint32_t free_number(const struct mount *m, uint32_t place)
{
    uint32_t ino = place;
    for (unsigned k = 1; find_ino(m, ino) && k <= ALIASES; k++)
        ino = (place & ((1u << ALIAS_SHIFT) - 1)) + (k << ALIAS_SHIFT);
    return find_ino(m, ino) ? 0 : ino;
}

int entry_page(struct mount *m, uint32_t place, struct page **page, struct entry **e)
{
    uint32_t per = m->sector_size / ENTRY_SIZE, sector = place / per;
    if (sector < m->root_start)
        return -ESTALE;
    if (sector >= m->data_start && (sector - m->data_start) / m->cluster_sectors >= m->clusters)
        return -ESTALE;
    int error = cache_block(m->index, sector, page);
    if (!error)
        *e = (struct entry *)(*page)->data + place % per;
    return error;
}

static int load(struct node *n)
{
    struct page *page;
    struct entry *e;
    int error = entry_page(n->mount, n->place, &page, &e);
    if (error)
        return error;
    if (e->name[0] == ENTRY_END || e->name[0] == ENTRY_FREE || e->attributes & ATTR_VOLUME ||
        e->name[0] == '.') {
        cache_put(page);
        return -ESTALE;
    }
    n->directory = e->attributes & ATTR_DIRECTORY;
    n->attributes = e->attributes;
    n->cluster = e->cluster_low |
                 (n->mount->bits == 32 ? (uint32_t)(e->cluster_high & 0x0fff) << 16 : 0);
    n->size = n->directory ? 0 : e->size;
    n->generation = fs_hash((char *)e->name, 11) & 0xffffff;
    n->mtime = time_unpack(e->date, e->time, 0);
    n->atime = time_unpack(e->accessed_date, 0, 0);
    n->created = time_unpack(e->created_date, e->created_time, e->created_10ms);
    cache_put(page);
    if (n->cluster ? !cluster_ok(n->mount, n->cluster) : n->directory || n->size)
        return mount_corrupt(n->mount, "file without clusters", n->cluster);
    return 0;
}

static int wait_loaded(struct node *n, struct node **to)
{
    if (n->freeing)
        return -ESTALE;
    n->uses++;
    while (n->loading)
        condition_wait(&n->loaded);
    int error = n->failed;
    if (error && --n->uses == 0)
        recycle(n);
    *to = n;
    return error;
}

int node_at(struct mount *m, uint32_t place, struct node **to)
{
    struct node *n = find_place(m, place);
    if (n)
        return wait_loaded(n, to);
    struct node *fresh = take();
    n = find_place(m, place);
    if (n || !fresh) {
        if (fresh)
            recycle(fresh);
        return n ? wait_loaded(n, to) : -ENFILE;
    }
    uint32_t ino = free_number(m, place);
    if (!ino) {
        recycle(fresh);
        return -ENFILE;
    }
    *fresh = (struct node){ .mount = m, .ino = ino, .place = place, .uses = 1, .loading = true };
    fresh->hash_next = *bucket(m, ino);
    *bucket(m, ino) = fresh;
    put_newest(fresh);
    int error = load(fresh);
    if (error) {
        take_out(fresh);
        fresh->failed = error;
    }
    fresh->loading = false;
    condition_wake(&fresh->loaded);
    if (error && --fresh->uses == 0)
        recycle(fresh);
    *to = fresh;
    return error;
}

int node_root(struct mount *m)
{
    struct node *n = take();
    if (!n)
        return -ENFILE;
    *n = (struct node){ .mount = m,
                        .ino = ROOT_INO,
                        .uses = 1,
                        .directory = true,
                        .cluster = m->root_cluster,
                        .attributes = ATTR_DIRECTORY };
    n->mtime = n->atime = n->created = fs_now();
    n->hash_next = *bucket(m, ROOT_INO);
    *bucket(m, ROOT_INO) = n;
    put_newest(n);
    m->root = n;
    return 0;
}

int node_of(uint64_t object, struct node **to)
{
    unsigned k = fs_object_mount(object);
    if (k >= MOUNTS || !mounts[k].used)
        return -ESTALE;
    struct node *n = find_ino(&mounts[k], fs_object_ino(object));
    int error = n ? wait_loaded(n, &n) : node_at(&mounts[k], fs_object_ino(object), &n);
    if (error)
        return error == -EUCLEAN ? -EUCLEAN : error == -EIO ? -EIO : -ESTALE;
    if (node_object(n) != object) {
        node_put(n);
        return -ESTALE;
    }
    *to = n;
    return 0;
}

/* A removed file that nobody uses gives its clusters back. */
static void destroy(struct node *n)
{
    struct mount *m = n->mount;
    n->freeing = true;
    n->uses = 1;
    deletion_begins(&m->deletions);
    cache_forget_from(node_owner(n), 0, ((uint64_t)n->size + PAGE_SIZE - 1) / PAGE_SIZE);
    if (n->directory)
        for (uint32_t c = n->cluster, next, steps = 0; c && steps < m->clusters;
             c = next, steps++) {
            for (uint32_t s = 0; s < m->cluster_sectors; s++)
                cache_forget(cache_meta(m->index), cluster_sector(m, c) + s);
            if (table_next(m, c, &next))
                break;
        }
    chain_cut(n, 0);
    n->uses = 0;
    take_out(n);
    recycle(n);
    deletion_ends(&m->deletions);
}

void node_put(struct node *n)
{
    ASSERT(n->uses);
    if (--n->uses || n->freeing)
        return;
    if (n->removed && !n->opens && !n->holds) {
        destroy(n);
        return;
    }
    n->older->newer = n->newer;
    n->newer->older = n->older;
    put_newest(n);
}

void entry_of_node(const struct node *n, struct entry *e)
{
    e->attributes = n->attributes;
    e->cluster_low = n->cluster;
    e->cluster_high = n->mount->bits == 32 ? n->cluster >> 16 : 0;
    e->size = n->directory ? 0 : n->size;
    time_pack(&n->mtime, &e->date, &e->time, NULL);
    time_pack(&n->atime, &e->accessed_date, NULL, NULL);
    time_pack(&n->created, &e->created_date, &e->created_time, &e->created_10ms);
}

int node_store(struct node *n)
{
    if (!n->place || n->removed) {
        n->dirty = false;
        return 0;
    }
    struct page *page;
    struct entry *e;
    uint32_t place = n->place;
    int error = entry_page(n->mount, place, &page, &e);
    if (error)
        return error;
    /* else it was moved while we waited, and written then */
    if (n->place == place && !n->removed) {
        n->dirty = false;
        entry_of_node(n, e);
        cache_dirty(page);
        flush_later();
    }
    cache_put(page);
    return 0;
}

int nodes_store(struct mount *m)
{
    int error = 0;
again:
    for (struct node *n = ring.newer; n != &ring; n = n->newer) {
        if (n->mount != m || !n->dirty || n->freeing || n->loading)
            continue;
        n->uses++;
        int e = node_store(n);
        n->dirty &= !e;
        n->uses--;
        error = error ? error : e;
        goto again;
    }
    return error;
}

bool nodes_busy(const struct mount *m)
{
    for (struct node *n = ring.newer; n != &ring; n = n->newer)
        if (n->mount == m && (n == m->root ? n->uses > 1 || n->opens || n->holds : !idle(n)))
            return true;
    return false;
}

void nodes_drop(struct mount *m)
{
    for (struct node *n = ring.newer, *next; n != &ring; n = next) {
        next = n->newer;
        if (n->mount == m) {
            take_out(n);
            recycle(n);
        }
    }
}
