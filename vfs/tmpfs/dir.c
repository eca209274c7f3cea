/* Directories: all names of all mounts stand in one hash table; a list keeps each directory's own
 * in order. */
#include "tmpfs.h"

enum { HASH_SIZE = 8192, COOKIE_DOT = 1, COOKIE_DOTDOT = 2 };

static struct entry *hash_table[HASH_SIZE];

static inline struct entry **bucket(const struct node *dir, uint32_t hash)
{
    return &hash_table[(hash ^ dir->index * 0x9e37u) % HASH_SIZE];
}

struct entry *dir_find(struct node *dir, const char *name, unsigned length)
{
    uint32_t hash = fs_hash(name, length);
    struct entry *e = *bucket(dir, hash);
    while (e && !(e->hash == hash && e->dir == dir && e->length == length &&
                  memcmp(e->name, name, length) == 0))
        e = e->hash_next;
    return e;
}

bool dir_add(struct node *dir, const char *name, unsigned length, struct node *n)
{
    if (thing_take(n->user))
        return false;
    struct entry *e = memory_alloc(sizeof(*e) + length);
    if (!e) {
        thing_give(n->user);
        return false;
    }
    if (!dir->cookie)
        dir->cookie = COOKIE_DOTDOT;
    *e = (struct entry){ .dir = dir,
                         .node = n,
                         .before = dir->last,
                         .cookie = ++dir->cookie,
                         .hash = fs_hash(name, length),
                         .user = n->user,
                         .length = length };
    memcpy(e->name, name, length);
    *(dir->last ? &dir->last->behind : &dir->first) = e;
    dir->last = e;
    struct entry **at = bucket(dir, e->hash);
    e->hash_next = *at;
    *at = e;
    return true;
}

void dir_remove(struct entry *e)
{
    struct node *dir = e->dir;
    struct entry **at = bucket(dir, e->hash);
    while (*at != e)
        at = &(*at)->hash_next;
    *at = e->hash_next;
    *(e->before ? &e->before->behind : &dir->first) = e->behind;
    *(e->behind ? &e->behind->before : &dir->last) = e->before;
    if (dir->resume == e)
        dir->resume = e->before; /* smaller than its position: the search goes on from there */
    thing_give(e->user);
    memory_free(e);
}

/* The first entry behind a position. */
static struct entry *seek_entry(struct node *dir, uint64_t position)
{
    struct entry *e = dir->resume && dir->resume->cookie <= position ? dir->resume : dir->first;
    while (e && e->cookie <= position)
        e = e->behind;
    return e;
}

int64_t do_dents(struct message *m)
{
    struct node *dir = node_of(m->object);
    if (!dir)
        return -ESTALE;
    if (!S_ISDIR(dir->mode))
        return -ENOTDIR;
    struct dents d;
    dents_start(&d, m);
    uint64_t position = m->position;
    int added = 1;
    if (dir->parent && position < COOKIE_DOT &&
        (added = dents_add(&d, dir->index, COOKIE_DOT, DT_DIR, ".", 1)) == 1)
        position = COOKIE_DOT;
    if (dir->parent && added == 1 && position == COOKIE_DOT &&
        (added = dents_add(&d, dir->parent->index, COOKIE_DOTDOT, DT_DIR, "..", 2)) == 1)
        position = COOKIE_DOTDOT;
    for (struct entry *e = added == 1 ? seek_entry(dir, position) : NULL; e; e = e->behind) {
        added = dents_add(&d, e->node->index, e->cookie, fs_dtype(e->node->mode), e->name,
                          e->length);
        if (added != 1)
            break;
        position = e->cookie;
        dir->resume = e;
    }
    return added < 0 ? added : dents_end(&d, position, added == 0);
}

int64_t do_name(struct message *m)
{
    struct node *dir = node_of(m->object), *n = node_of(m->w[3]);
    if (!dir)
        return -ESTALE;
    if (!S_ISDIR(dir->mode))
        return -ENOTDIR;
    for (struct entry *e = n ? dir->first : NULL; e; e = e->behind)
        if (e->node == n)
            return e->length > m->w[2]                  ? -ERANGE
                   : copy_out(m, 0, e->name, e->length) ? -EFAULT
                                                        : e->length;
    return -ENOENT;
}
