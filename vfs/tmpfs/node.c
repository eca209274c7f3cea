/* Nodes and mounts. A node's number indexes a table of chunks, so that an object is found in two
 * steps. */
#include "tmpfs.h"

#include "share.h"

enum { CHUNK = 64, CHUNKS = 2048, MAGIC = 0x01021994, MOUNTS = 16, FIRST_DEV = 32 };
enum { SIZE_MAX_BITS = 47 };

static struct mount mounts[MOUNTS];
static struct node *chunks[CHUNKS];
static unsigned chunk_count;
static struct node *free_nodes;
static struct share thing_share;

int thing_take(uint32_t user)
{
    enum { MEMORY_PART = 32, THINGS_A_PAGE = 16 };
    if (!thing_share.capacity) {
        uint32_t all = MIN(machine_pages() / MEMORY_PART * THINGS_A_PAGE, (uint64_t)CHUNK * CHUNKS);
        thing_share = (struct share)SHARE(all, all / 8, all / 2);
    }
    return share_take(&thing_share, user, 1, -ENOSPC);
}

void thing_give(uint32_t user) { share_give(&thing_share, user, 1); }

struct fs_node *node_get(uint64_t object)
{
    uint32_t index = fs_object_ino(object);
    if (index / CHUNK >= chunk_count)
        return fs_failed(-ESTALE);
    struct node *n = &chunks[index / CHUNK][index % CHUNK];
    return n->used && n->object == object ? (struct fs_node *)n : fs_failed(-ESTALE);
}

static void add_chunk(void)
{
    struct node *nodes = chunk_count < CHUNKS ? memory_zalloc(CHUNK * sizeof(*nodes)) : NULL;
    if (!nodes)
        return;
    for (unsigned k = CHUNK; k-- > 0;) {
        nodes[k].ino = chunk_count * CHUNK + k;
        if (!nodes[k].ino)
            continue; /* 0 is no inode number */
        nodes[k].free_next = free_nodes;
        free_nodes = &nodes[k];
    }
    chunks[chunk_count++] = nodes;
}

struct node *node_new(struct mount *m, const struct fs_new *new)
{
    if (thing_take(new->uid))
        return NULL;
    if (!free_nodes)
        add_chunk();
    struct node *n = free_nodes;
    if (!n) {
        thing_give(new->uid);
        return NULL;
    }
    free_nodes = n->free_next;
    *n = (struct node){ .mount = (struct fs_mount *)m,
                        .ino = n->ino,
                        .generation = (n->generation + 1) & 0xffffff,
                        .used = true,
                        .mode = new->mode,
                        .uid = new->uid,
                        .gid = new->gid,
                        .rdev = new->rdev,
                        .user = new->uid };
    n->object = fs_object(m - mounts, n->generation, n->ino);
    n->atime = n->mtime = n->ctime = fs_now();
    return n;
}

void node_put(struct fs_node *f)
{
    struct node *n = node_of(f);
    if (n->links || n->opens || n->holds)
        return;
    if (S_ISREG(n->mode))
        data_cut(n, 0);
    else if (S_ISLNK(n->mode))
        memory_free(n->target);
    thing_give(n->user);
    n->used = false;
    n->free_next = free_nodes;
    free_nodes = n;
}

/* ---- Mounts ---- */

/* "size=64m" or "size=4096k" among the options: the mount's limit in pages; 0 for none. */
static uint64_t size_option(const char *options)
{
    uint64_t bytes = 0;
    for (const char *at = options; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, "size=", 5) != 0)
            continue;
        at += 5;
        for (; *at >= '0' && *at <= '9' && bytes < 1ull << 50; at++)
            bytes = bytes * 10 + (*at - '0');
        bytes <<= *at == 'k' || *at == 'K'   ? 10
                  : *at == 'm' || *at == 'M' ? 20
                  : *at == 'g' || *at == 'G' ? 30
                                             : 0;
    }
    return bytes / PAGE_SIZE;
}

struct fs_node *mount_new(const struct fs_source *s)
{
    struct mount *m = mounts;
    while (m < mounts + MOUNTS && m->used)
        m++;
    if (m == mounts + MOUNTS)
        return fs_failed(-ENOMEM);
    struct node *root = node_new(m, &(struct fs_new){ .mode = S_IFDIR | S_ISVTX | 0777 });
    if (!root)
        return fs_failed(-ENOMEM);
    root->links = 2;
    root->parent = root;
    *m = (struct mount){ .used = true,
                         .read_only = s->read_only,
                         .root = root,
                         .dev = makedev(0, FIRST_DEV + (m - mounts)),
                         .size_max = (1ull << SIZE_MAX_BITS) - 1,
                         .page_limit = size_option(s->options) };
    return (struct fs_node *)root;
}

int mount_end(uint64_t object)
{
    struct fs_node *f = node_get(object);
    if (fs_error(f) || mount_of(node_of(f))->root != node_of(f))
        return -EINVAL;
    for (unsigned k = 0; k < chunk_count * CHUNK; k++) {
        struct node *n = &chunks[k / CHUNK][k % CHUNK];
        if (n->used && n->mount == f->mount && (n->opens || n->holds))
            return -EBUSY;
    }
    dir_remove_all(node_of(f));
    mount_of(node_of(f))->used = false;
    f->links = 0;
    node_put(f);
    return 0;
}

int mount_statfs(struct fs_mount *f, struct statfs *s)
{
    const struct mount *m = (struct mount *)f;
    uint64_t all, free;
    data_count(&all, &free);
    if (m->page_limit) {
        all = m->page_limit;
        free = MIN(free, all - MIN(all, m->pages));
    }
    s->type = MAGIC;
    s->blocks = all;
    s->bfree = s->bavail = free;
    s->files = thing_share.capacity / 2;
    s->ffree = (thing_share.capacity - thing_share.taken) / 2;
    return 0;
}
