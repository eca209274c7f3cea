/* Directories: see tmpfs.h. */
#include "tmpfs.h"

static struct name *table[HASH];

/* FNV-1a over the name, begun with the directory's number. */
uint32_t name_hash(const struct node *d, const char *text, size_t length)
{
    uint32_t h = 2166136261u ^ d->ino * 16777619u;
    for (; length; length--, text++)
        h = (h ^ (uint8_t)*text) * 16777619u;
    return h;
}

struct name *name_find(struct node *d, const char *text, size_t length)
{
    uint32_t h = name_hash(d, text, length);
    for (struct name *e = table[h % HASH]; e; e = e->chain)
        if (e->hash == h && e->directory == d && e->length == length && memcmp(e->text, text, length) == 0)
            return e;
    return NULL;
}

int name_add(struct node *d, const char *text, size_t length, struct node *n)
{
    struct name *e = memory_alloc(sizeof *e + length);
    if (!e)
        return -ENOSPC;
    *e = (struct name){ .directory = d, .node = n, .cookie = d->next_cookie++, .hash = name_hash(d, text, length), .length = length, .before = d->last };
    memcpy(e->text, text, length);
    e->chain = table[e->hash % HASH];
    table[e->hash % HASH] = e;
    *(d->last ? &d->last->next : &d->first) = e;
    d->last = e;
    n->links++;
    if (S_ISDIR(n->mode)) {
        n->parent = d;
        d->links++;
    }
    node_touch(d, true);
    n->ctime = d->ctime;
    return 0;
}

void name_remove(struct name *e)
{
    struct node *d = e->directory, *n = e->node;
    struct name **at = &table[e->hash % HASH];
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    *(e->before ? &e->before->next : &d->first) = e->next;
    *(e->next ? &e->next->before : &d->last) = e->before;
    if (d->resume == e)
        d->resume = NULL;
    n->links--;
    if (S_ISDIR(n->mode))
        d->links--;
    node_touch(d, true);
    n->ctime = d->ctime;
    memory_free(e);
}

/* The directory of the call and the name at the start of its window. 0 or -errno. */
static int target(struct message *m, struct node **d, char *name, size_t length)
{
    *d = node_find(m->object);
    if (!*d)
        return -ESTALE;
    if (!S_ISDIR((*d)->mode))
        return -ENOTDIR;
    return fs_name(m, 0, length, name);
}

int64_t do_lookup(struct message *m)
{
    char name[NAME_MAX + 1];
    struct node *d, *n;
    int error = target(m, &d, name, m->w[2]);
    if (error)
        return error;
    if (fs_is_dots(name, m->w[2])) {
        n = m->w[2] == 1 ? d : d->parent;
    } else {
        struct name *e = name_find(d, name, m->w[2]);
        if (!e)
            return -ENOENT;
        n = e->node;
    }
    reply_words(m, node_object(n), n->mode | n->rdev << 32, (uint64_t)n->uid << 32 | n->gid);
    return 0;
}

static int64_t add_new(struct message *m, struct node *d, const char *name, size_t length, struct node *n)
{
    if (S_ISDIR(n->mode)) {
        n->links = 1;   /* its own "." */
        n->parent = d;
    }
    int error = d->links ? name_add(d, name, length, n) : -ENOENT;   /* not in a removed directory */
    if (error) {
        n->links = 0;
        node_drop(n);
        return error;
    }
    reply_words(m, node_object(n), 0, 0);
    return 0;
}

int64_t do_create(struct message *m)
{
    char name[NAME_MAX + 1];
    struct node *d;
    int error = target(m, &d, name, m->w[2]);
    if (error)
        return error;
    if (fs_is_dots(name, m->w[2]) || name_find(d, name, m->w[2]))
        return -EEXIST;
    uint32_t mode = m->w[3] & S_IFMT ? m->w[3] : m->w[3] | S_IFREG;
    struct node *n = node_create(d->mount, mode, m->w[4] >> 32, m->w[4], m->w[5]);
    return n ? add_new(m, d, name, m->w[2], n) : -ENOSPC;
}

int64_t do_symlink(struct message *m)
{
    char name[NAME_MAX + 1];
    struct node *d;
    size_t length = m->w[3], target_length = m->w[2] - m->w[3];
    if (m->w[3] > m->w[2] || !target_length)
        return -ENOENT;
    if (target_length >= PATH_MAX)
        return -ENAMETOOLONG;
    int error = target(m, &d, name, length);
    if (error)
        return error;
    if (name_find(d, name, length))
        return -EEXIST;
    char *text = memory_alloc(target_length);
    if (!text)
        return -ENOSPC;
    error = copy_in(m, length, text, target_length);
    struct node *n = error ? NULL : node_create(d->mount, S_IFLNK | 0777, m->w[4] >> 32, m->w[4], 0);
    if (!n) {
        memory_free(text);
        return error ? error : -ENOSPC;
    }
    n->target = text;
    n->size = target_length;
    return add_new(m, d, name, length, n);
}

int64_t do_link(struct message *m)
{
    char name[NAME_MAX + 1];
    struct node *d, *n = node_find(m->w[3]);
    int error = target(m, &d, name, m->w[2]);
    if (error)
        return error;
    if (!n || !n->links)
        return -ENOENT;
    if (S_ISDIR(n->mode))
        return -EPERM;
    if (name_find(d, name, m->w[2]))
        return -EEXIST;
    return d->links ? name_add(d, name, m->w[2], n) : -ENOENT;
}

/* A directory that has lost its name keeps no link of its own. */
static void remove_and_drop(struct name *e)
{
    struct node *n = e->node;
    name_remove(e);
    if (S_ISDIR(n->mode))
        n->links--;
    node_drop(n);
}

int64_t do_unlink(struct message *m)
{
    char name[NAME_MAX + 1];
    struct node *d;
    int error = target(m, &d, name, m->w[2]);
    if (error)
        return error;
    struct name *e = name_find(d, name, m->w[2]);
    bool directory = m->w[3] & AT_REMOVEDIR;
    if (!e)
        return -ENOENT;
    if (directory != (bool)S_ISDIR(e->node->mode))
        return directory ? -ENOTDIR : -EISDIR;
    if (directory && e->node->first)
        return -ENOTEMPTY;
    remove_and_drop(e);
    return 0;
}

static bool is_below(const struct node *n, const struct node *above)
{
    for (;; n = n->parent) {
        if (n == above)
            return true;
        if (n->parent == n)
            return false;
    }
}

/* Exchanges what two names stand for; parents of directories change with them. */
static void exchange(struct name *a, struct name *b)
{
    struct node *x = a->node, *y = b->node, *dx = a->directory, *dy = b->directory;
    a->node = y;
    b->node = x;
    if (S_ISDIR(x->mode))
        dx->links--, dy->links++, x->parent = dy;
    if (S_ISDIR(y->mode))
        dy->links--, dx->links++, y->parent = dx;
    node_touch(dx, true);
    node_touch(dy, true);
}

static int may_replace(const struct node *old, const struct node *new)
{
    if (S_ISDIR(old->mode) && !S_ISDIR(new->mode))
        return -ENOTDIR;
    if (!S_ISDIR(old->mode) && S_ISDIR(new->mode))
        return -EISDIR;
    return S_ISDIR(new->mode) && new->first ? -ENOTEMPTY : 0;
}

int64_t do_rename(struct message *m)
{
    char old[NAME_MAX + 1], new[NAME_MAX + 1];
    size_t old_length = m->w[3], new_length = m->w[2] - m->w[3];
    struct node *from, *to = node_find(m->w[4]);
    int error = m->w[3] > m->w[2] ? -EINVAL : target(m, &from, old, old_length);
    if (!error)
        error = fs_name(m, old_length, new_length, new);
    if (error)
        return error;
    if (!to || !S_ISDIR(to->mode) || !to->links)
        return to && to->links ? -ENOTDIR : -ENOENT;
    struct name *a = name_find(from, old, old_length), *b = name_find(to, new, new_length);
    if (!a)
        return -ENOENT;
    if (S_ISDIR(a->node->mode) && is_below(to, a->node))
        return -EINVAL;
    if (m->w[5] & RENAME_EXCHANGE) {
        if (!b)
            return -ENOENT;
        if (S_ISDIR(b->node->mode) && is_below(from, b->node))
            return -EINVAL;
        exchange(a, b);
        return 0;
    }
    if (b && m->w[5] & RENAME_NOREPLACE)
        return -EEXIST;
    if (b && b->node == a->node)
        return 0;
    error = b ? may_replace(a->node, b->node) : 0;
    if (!error)
        error = name_add(to, new, new_length, a->node);   /* beside the one to be replaced, which is found no more */
    if (error)
        return error;
    struct node *moved = a->node;
    if (b)
        remove_and_drop(b);
    name_remove(a);
    if (S_ISDIR(moved->mode))
        moved->parent = to;
    return 0;
}

/* Where to go on from `position`: the first name whose cookie is not below it. */
static struct name *seek(struct node *d, uint64_t position)
{
    struct name *e = d->resume && d->resume->cookie <= position ? d->resume : d->first;
    while (e && e->cookie < position)
        e = e->next;
    return e;
}

int64_t do_dents(struct message *m)
{
    struct node *d = node_find(m->object);
    struct dents out;
    int more = 1;
    uint64_t at = m->position;
    if (!d)
        return -ESTALE;
    if (!S_ISDIR(d->mode))
        return -ENOTDIR;
    if (!d->links)
        return -ENOENT;
    dents_start(&out, m);
    if (at == 0 && (more = dents_add(&out, d->ino, 1, DT_DIR, ".", 1)) > 0)
        at = 1;
    if (at == 1 && more > 0 && (more = dents_add(&out, d->parent->ino, 2, DT_DIR, "..", 2)) > 0)
        at = 2;
    struct name *e = more > 0 ? seek(d, at) : NULL;
    for (; e; e = e->next) {
        more = dents_add(&out, e->node->ino, e->cookie + 1, fs_dtype(e->node->mode), e->text, e->length);
        if (more <= 0)
            break;
        at = e->cookie + 1;
    }
    if (more < 0)
        return more;
    d->resume = e;
    return dents_end(&out, at, !more);
}

int64_t do_name(struct message *m)
{
    struct node *d = node_find(m->object), *n = node_find(m->w[3]);
    if (!d || !n)
        return -ENOENT;
    struct name *e = d->first;
    while (e && e->node != n)
        e = e->next;
    if (!e)
        return -ENOENT;
    size_t length = MIN((uint64_t)e->length, m->w[2]);
    int error = copy_out(m, 0, e->text, length);
    return error ? error : (int64_t)length;
}
