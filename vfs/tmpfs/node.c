/* Nodes and mounts. A node's number indexes a table of chunks, so that an object is found in two
 * steps. */
#include "tmpfs.h"

enum { CHUNK = 64, CHUNKS = 2048, MAGIC = 0x01021994 };

struct mount mounts[MOUNTS];

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

struct node *node_of(uint64_t object)
{
    uint32_t index = fs_object_ino(object);
    if (index / CHUNK >= chunk_count)
        return NULL;
    struct node *n = &chunks[index / CHUNK][index % CHUNK];
    return n->used && node_object(n) == object ? n : NULL;
}

static void add_chunk(void)
{
    struct node *nodes = chunk_count < CHUNKS ? memory_zalloc(CHUNK * sizeof(*nodes)) : NULL;
    if (!nodes)
        return;
    for (unsigned k = CHUNK; k-- > 0;) {
        nodes[k].index = chunk_count * CHUNK + k;
        if (!nodes[k].index)
            continue; /* 0 is no inode number */
        nodes[k].free_next = free_nodes;
        free_nodes = &nodes[k];
    }
    chunks[chunk_count++] = nodes;
}

struct node *node_new(unsigned mount, uint32_t mode, uint32_t uid, uint32_t gid)
{
    if (thing_take(uid))
        return NULL;
    if (!free_nodes)
        add_chunk();
    struct node *n = free_nodes;
    if (!n) {
        thing_give(uid);
        return NULL;
    }
    free_nodes = n->free_next;
    *n = (struct node){ .index = n->index,
                        .generation = (n->generation + 1) & 0xffffff,
                        .mount = mount,
                        .used = true,
                        .mode = mode,
                        .uid = uid,
                        .gid = gid,
                        .user = uid };
    n->atime = n->mtime = n->ctime = fs_now();
    return n;
}

void node_unused(struct node *n)
{
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

void touch(struct node *n) { n->mtime = n->ctime = fs_now(); }

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

int64_t do_mount(struct message *m)
{
    char options[128] = "";
    if (m->w[5] & MS_REMOUNT) {
        struct node *root = node_of(m->object);
        if (!root)
            return -ESTALE;
        mounts[root->mount].read_only = m->w[5] & MS_RDONLY;
        return 0;
    }
    size_t length = MIN(m->w[2], sizeof(options) - 1);
    if (length && copy_in(m, 0, options, length))
        return -EFAULT;
    unsigned k = 0;
    while (k < MOUNTS && mounts[k].used)
        k++;
    if (k == MOUNTS)
        return -ENOMEM;
    struct node *root = node_new(k, S_IFDIR | S_ISVTX | 0777, 0, 0);
    if (!root)
        return -ENOMEM;
    root->links = 2;
    root->parent = root;
    mounts[k] = (struct mount){ .used = true,
                                .read_only = m->w[5] & MS_RDONLY,
                                .root = root,
                                .dev = makedev(0, FIRST_DEV + k),
                                .page_limit = size_option(options) };
    reply_words(m, node_object(root), mounts[k].dev, 0);
    return 0;
}

static void remove_all(struct node *dir)
{
    while (dir->first) {
        struct node *n = dir->first->node;
        dir_remove(dir->first);
        if (S_ISDIR(n->mode)) {
            remove_all(n);
            n->links = 0;
        } else {
            n->links--;
        }
        node_unused(n);
    }
}

int64_t do_unmount(struct message *m)
{
    struct node *root = node_of(m->object);
    if (!root || mounts[root->mount].root != root)
        return -EINVAL;
    for (unsigned k = 0; k < chunk_count * CHUNK; k++) {
        struct node *n = &chunks[k / CHUNK][k % CHUNK];
        if (n->used && n->mount == root->mount && (n->opens || n->holds))
            return -EBUSY;
    }
    remove_all(root);
    mounts[root->mount].used = false;
    root->links = 0;
    node_unused(root);
    return 0;
}

int64_t do_statfs(struct message *m)
{
    struct node *n = node_of(m->object);
    if (!n)
        return -ESTALE;
    struct mount *mount = &mounts[n->mount];
    uint64_t all, free;
    pool_count(&all, &free);
    if (mount->page_limit) {
        all = mount->page_limit;
        free = MIN(free, all - MIN(all, mount->pages));
    }
    struct statfs s = {
        .type = MAGIC,
        .bsize = PAGE_SIZE,
        .frsize = PAGE_SIZE,
        .namelen = NAME_MAX,
        .blocks = all,
        .bfree = free,
        .bavail = free,
        .files = thing_share.capacity / 2,
        .ffree = (thing_share.capacity - thing_share.taken) / 2,
        .flags = mount->read_only ? MS_RDONLY : 0,
    };
    return copy_out(m, 0, &s, sizeof(s));
}

int64_t do_sync(struct message *m)
{
    (void)m;
    return 0;
}
