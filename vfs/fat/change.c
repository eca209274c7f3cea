/* Names: looking up, making, removing, renaming. */
#include "fat.h"

enum { DEPTH_MAX = 1024 };

/* The directory of a call that changes it, held, under its mount's tree lock. */
static int enter(struct message *m, struct node **dir)
{
    int error = node_of(m->object, dir);
    if (error)
        return error;
    lock_take(&(*dir)->mount->tree);
    error = !(*dir)->directory         ? -ENOTDIR
            : (*dir)->mount->read_only ? -EROFS
            : (*dir)->removed          ? -ENOENT
                                       : 0;
    if (error) {
        lock_give(&(*dir)->mount->tree);
        node_put(*dir);
    }
    return error;
}

static void leave(struct node *dir)
{
    lock_give(&dir->mount->tree);
    node_put(dir);
}

int64_t do_lookup(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    struct node *dir, *n;
    struct found f;
    error = node_of(m->object, &dir);
    if (error)
        return error;
    if (!dir->directory) {
        error = -ENOTDIR;
    } else if (fs_is_dots(name, m->w[2])) {
        if (m->w[2] == 2) {
            error = dir->removed ? -ENOENT : dir_parent(dir, &n);
        } else {
            n = dir;
            n->uses++;
        }
    } else {
        error = dir->removed ? -ENOENT : dir_find(dir, name, m->w[2], &f);
        if (!error)
            error = node_at(dir->mount, f.place, &n);
        if (error == -ESTALE)
            error = -ENOENT; /* it has gone while we looked */
    }
    node_put(dir);
    if (error)
        return error;
    reply_words(m, node_object(n), node_mode(n), 0);
    node_put(n);
    return 0;
}

/* Under the tree lock: a file or directory with a name; the node is returned held. */
static int make(struct node *dir, const char *name, unsigned length, bool directory,
                struct node **to)
{
    struct found f;
    int error = dir_find(dir, name, length, &f);
    if (error != -ENOENT)
        return error ? error : -EEXIST;
    struct timespec64 now = fs_now();
    struct node new = { .mount = dir->mount,
                        .directory = directory,
                        .attributes = directory ? ATTR_DIRECTORY : ATTR_ARCHIVE,
                        .created = now,
                        .mtime = now,
                        .atime = now };
    struct entry e;
    uint32_t place;
    error = directory ? dir_init(&new, dir) : 0;
    if (!error) {
        memset(&e, 0, sizeof(e));
        entry_of_node(&new, &e);
        error = dir_add(dir, name, length, &e, &place);
    }
    if (error) {
        chain_cut(&new, 0);
        return error;
    }
    return node_at(dir->mount, place, to);
}

int64_t do_create(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    uint32_t type = m->w[3] & S_IFMT;
    if (type != S_IFREG && type != S_IFDIR)
        return -EPERM;
    struct node *dir, *n;
    error = enter(m, &dir);
    if (error)
        return error;
    error = fs_is_dots(name, m->w[2]) ? -EEXIST : make(dir, name, m->w[2], type == S_IFDIR, &n);
    leave(dir);
    if (error)
        return error;
    reply_words(m, node_object(n), 0, 0);
    node_put(n);
    return 0;
}

int64_t do_refuse(struct message *m)
{
    (void)m;
    return -EPERM;
}

static int may_drop(struct node *n, bool directory)
{
    if (!n->directory)
        return directory ? -ENOTDIR : 0;
    if (!directory)
        return -EISDIR;
    int empty = dir_empty(n);
    return empty < 0 ? empty : empty ? 0 : -ENOTEMPTY;
}

static void drop(struct node *n)
{
    n->removed = true;
    n->place = 0;
}

int64_t do_unlink(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    bool directory = m->w[3] & AT_REMOVEDIR;
    if (fs_is_dots(name, m->w[2]))
        return !directory ? -EISDIR : m->w[2] == 1 ? -EINVAL : -ENOTEMPTY;
    struct node *dir, *n;
    struct found f;
    error = enter(m, &dir);
    if (error)
        return error;
    error = dir_find(dir, name, m->w[2], &f);
    if (!error)
        error = node_at(dir->mount, f.place, &n);
    if (!error) {
        error = may_drop(n, directory);
        if (!error)
            error = dir_remove(dir, &f);
        if (!error)
            drop(n);
        node_put(n);
    }
    leave(dir);
    return error;
}

/* ---- Rename ---- */

struct side {
    struct node *dir, *node;
    struct found found;
    char name[NAME_MAX + 1];
    unsigned length;
};

/* Whether `dir` lies in or below `top`. 1, 0 or an error. */
static int is_below(struct node *dir, const struct node *top)
{
    struct node *at = dir, *next;
    at->uses++;
    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        bool found = at == top, root = at->ino == ROOT_INO;
        int error = found || root ? 0 : dir_parent(at, &next);
        node_put(at);
        if (found || root || error)
            return error ? error : found;
        at = next;
    }
    node_put(at);
    return mount_corrupt(dir->mount, "'..' goes round in circles", dir->cluster);
}

static int may_move(const struct side *a, const struct side *b)
{
    if (!a->node->directory || a->dir == b->dir)
        return 0;
    int below = is_below(b->dir, a->node);
    return below == 1 ? -EINVAL : below;
}

/* The entry at the side's place is the node's from now on; the name there stays. */
static int put_node(const struct side *at, struct node *n)
{
    struct page *page;
    struct entry *e;
    int error = entry_page(n->mount, at->found.place, &page, &e);
    if (error)
        return error;
    entry_of_node(n, e);
    cache_dirty(page);
    cache_put(page);
    n->place = at->found.place;
    n->dirty = false;
    flush_later();
    return 0;
}

static int exchange(struct side *a, struct side *b)
{
    int error = may_move(a, b);
    if (!error)
        error = may_move(b, a);
    if (!error)
        error = put_node(a, b->node);
    if (!error)
        error = put_node(b, a->node);
    if (!error && a->dir != b->dir && a->node->directory)
        error = dir_set_parent(a->node, b->dir);
    if (!error && a->dir != b->dir && b->node->directory)
        error = dir_set_parent(b->node, a->dir);
    a->dir->version++;
    b->dir->version++;
    return error;
}

static int move(struct side *from, struct side *to)
{
    struct entry e;
    int error = may_move(from, to);
    if (!error && to->node)
        error = may_drop(to->node, from->node->directory);
    if (error)
        return error;
    uint32_t place = from->found.place;
    if (to->node) {
        error = put_node(to, from->node);
    } else {
        memset(&e, 0, sizeof(e));
        entry_of_node(from->node, &e);
        error = dir_add(to->dir, to->name, to->length, &e, &place);
        if (!error) {
            from->node->place = place;
            from->node->dirty = false;
        }
    }
    if (error)
        return error;
    error = dir_remove(from->dir, &from->found);
    if (to->node)
        drop(to->node);
    if (!error && from->node->directory && from->dir != to->dir)
        error = dir_set_parent(from->node, to->dir);
    to->dir->version++;
    return error;
}

static int rename_locked(struct side *a, struct side *b, uint64_t flags)
{
    if (a->dir->removed || b->dir->removed)
        return -ENOENT;
    int error = dir_find(a->dir, a->name, a->length, &a->found);
    if (!error)
        error = node_at(a->dir->mount, a->found.place, &a->node);
    if (error)
        return error;
    error = dir_find(b->dir, b->name, b->length, &b->found);
    if (error && error != -ENOENT)
        return error;
    bool absent = error == -ENOENT, same = !absent && b->found.place == a->found.place;
    error = absent || same ? 0 : node_at(b->dir->mount, b->found.place, &b->node);
    if (error)
        return error;
    if (flags & RENAME_EXCHANGE)
        return same ? 0 : b->node ? exchange(a, b) : -ENOENT;
    if (same && a->length == b->length && memcmp(a->found.name, b->name, b->length) == 0)
        return flags & RENAME_NOREPLACE ? -EEXIST : 0;
    if (b->node && flags & RENAME_NOREPLACE)
        return -EEXIST;
    return move(a, b); /* also where only the case of the name changes */
}

int64_t do_rename(struct message *m)
{
    struct side a = { .length = m->w[3] }, b = { .length = m->w[2] - m->w[3] };
    if (m->w[3] > m->w[2] || m->w[2] > 2 * NAME_MAX)
        return -ENAMETOOLONG;
    if (m->w[5] & ~(uint64_t)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        m->w[5] == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    int error = fs_name(m, 0, a.length, a.name);
    if (!error)
        error = fs_name(m, a.length, b.length, b.name);
    if (error)
        return error;
    if (fs_is_dots(a.name, a.length) || fs_is_dots(b.name, b.length))
        return -EBUSY;
    error = node_of(m->w[4], &b.dir);
    if (error)
        return error;
    error = enter(m, &a.dir);
    if (error) {
        node_put(b.dir);
        return error;
    }
    error = a.dir->mount != b.dir->mount ? -EXDEV
            : !b.dir->directory          ? -ENOTDIR
                                         : rename_locked(&a, &b, m->w[5]);
    if (a.node)
        node_put(a.node);
    if (b.node)
        node_put(b.node);
    leave(a.dir);
    node_put(b.dir);
    return error;
}
