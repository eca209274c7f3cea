/* Nodes. A node's number indexes a table of chunks, so that an object is found in two steps. A node
 * that was freed is used again under the same number with the next generation, by which node_get()
 * tells an old object. */
#include "tmpfs.h"

#include "share.h"
#include "watch.h"

enum { CHUNK = 64, CHUNKS = 2048 };
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

void thing_count(uint64_t *all, uint64_t *free)
{
    *all = thing_share.capacity / 2;
    *free = (thing_share.capacity - thing_share.taken) / 2;
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

/* Adds CHUNK free nodes, if there is memory and room in the table. */
static void add_chunk(void)
{
    struct node *nodes = chunk_count < CHUNKS ? memory_zalloc(CHUNK * sizeof *nodes) : NULL;
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
                        .seals = F_SEAL_SEAL,
                        .user = new->uid };
    n->object = fs_object(m->number, n->generation, n->ino);
    n->atime = n->mtime = n->ctime = n->btime = fs_now();
    return n;
}

void node_put(struct fs_node *f)
{
    struct node *n = node_of(f);
    if (n->links || n->opens || n->holds)
        return;
    fs_gone(f);
    attributes_drop(n);
    if (S_ISREG(n->mode))
        data_cut(n, 0);
    else if (S_ISLNK(n->mode))
        memory_free(n->target);
    thing_give(n->user);
    n->used = false;
    n->free_next = free_nodes;
    free_nodes = n;
}

bool node_in_use(const struct mount *m)
{
    for (unsigned k = 0; k < chunk_count * CHUNK; k++) {
        const struct node *n = &chunks[k / CHUNK][k % CHUNK];
        if (n->used && mount_of(n) == m && (n->opens || n->holds))
            return true;
    }
    return false;
}
