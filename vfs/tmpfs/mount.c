/* Mounts: a root directory, and how many pages its files may have. */
#include "tmpfs.h"

#include "watch.h"

enum { MAGIC = 0x01021994, MOUNTS = 128, FIRST_DEV = 256, SIZE_MAX_BITS = 47 };

static struct mount mounts[MOUNTS];

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
    m->number = m - mounts;
    struct node *root = node_new(m, &(struct fs_new){ .mode = S_IFDIR | S_ISVTX | 0777 });
    if (!root)
        return fs_failed(-ENOMEM);
    root->links = 2;
    root->parent = root;
    *m = (struct mount){ .used = true,
                         .number = m - mounts,
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
    if (node_in_use(mount_of(node_of(f))))
        return -EBUSY;
    watch_unmounted(f->mount);
    dir_remove_all(node_of(f));
    mount_of(node_of(f))->used = false;
    f->links = 0;
    node_put(f);
    return 0;
}

int mount_statfs(struct fs_mount *f, struct statfs *s)
{
    const struct mount *m = (struct mount *)f;
    uint64_t all, free, anyone;
    data_count(&all, &free, &anyone);
    if (m->page_limit) {
        all = m->page_limit;
        free = MIN(free, all - MIN(all, m->pages));
    }
    s->type = MAGIC;
    s->blocks = all;
    s->bfree = free;
    s->bavail = MIN(free, anyone);
    thing_count(&all, &free);
    s->files = all;
    s->ffree = free;
    return 0;
}
