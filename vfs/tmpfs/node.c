/* Nodes: see tmpfs.h. A number is used again with another generation, so that an old object is told from a new one. */
#include "tmpfs.h"

static KEPT struct node *nodes[NODES_MAX];
static uint32_t generations[NODES_MAX];
static unsigned next_ino = 2, count;

uint64_t node_object(const struct node *n) { return fs_object(n->mount, n->generation, n->ino); }

struct node *node_find(uint64_t object)
{
    uint32_t ino = fs_object_ino(object);
    struct node *n = ino < NODES_MAX ? nodes[ino] : NULL;
    return n && (n->generation & 0xffffff) == fs_object_generation(object) ? n : NULL;
}

struct node *node_create(unsigned mount, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t rdev)
{
    unsigned tries = 0;
    while (nodes[next_ino] && tries++ < NODES_MAX)
        next_ino = next_ino + 1 < NODES_MAX ? next_ino + 1 : 2;
    struct node *n = nodes[next_ino] ? NULL : memory_zalloc(sizeof *n);
    if (!n)
        return NULL;
    n->ino = next_ino;
    n->generation = ++generations[next_ino];
    n->mode = mode;
    n->uid = uid;
    n->gid = gid;
    n->rdev = rdev;
    n->mount = mount;
    n->atime = n->mtime = n->ctime = fs_now();
    n->next_cookie = 2;
    nodes[next_ino] = n;
    next_ino = next_ino + 1 < NODES_MAX ? next_ino + 1 : 2;
    count++;
    return n;
}

void node_drop(struct node *n)
{
    if (n->links || n->users || n->pins)
        return;
    if (S_ISREG(n->mode))
        file_cut(n, 0);
    memory_free(n->target);
    nodes[n->ino] = NULL;
    count--;
    memory_free(n);
}

void node_touch(struct node *n, bool modified)
{
    n->ctime = fs_now();
    if (modified)
        n->mtime = n->ctime;
}

unsigned node_count(void) { return count; }
