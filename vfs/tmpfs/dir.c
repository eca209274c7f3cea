/* Names: all names of all mounts stand in one hash table; a list keeps each directory's own in the
 * order in which they were made. Each has a number in that order, its cookie, which is the position
 * of a listing behind it: so a listing neither repeats nor misses names that stay while others come
 * and go. fs_name.where[0] is the entry. */
#include "tmpfs.h"

enum { COOKIE_DOT = 1, COOKIE_DOTDOT = 2 };

/* ---- The hash table ----
 *
 * It grows by a bucket at a time (linear hashing), so that no request pays for all names: `level`
 * is a power of two, level <= buckets < 2 * level, and a key's bucket has as its number the key
 * modulo 2 * level, or modulo `level` while there is no such bucket. When there are more names than
 * buckets, bucket number `buckets` is added, and takes over its names from the one bucket that has
 * them, number buckets - level. A segment, once made, stays; without memory for one the chains
 * become longer. */
enum { SEGMENT = PAGE_SIZE / sizeof(struct entry *), SEGMENTS = 256 };

static struct entry *first_segment[SEGMENT], **segments[SEGMENTS]; /* segments[0] is not used */
static uint32_t buckets = SEGMENT, level = SEGMENT, names;

static inline uint32_t key(const struct node *dir, uint32_t hash)
{
    return hash ^ (uint32_t)dir->ino * 0x9e37u;
}

static inline struct entry **bucket_number(uint32_t k)
{
    return k < SEGMENT ? &first_segment[k] : &segments[k / SEGMENT][k % SEGMENT];
}

static inline struct entry **bucket(const struct node *dir, uint32_t hash)
{
    uint32_t k = key(dir, hash) & (2 * level - 1);
    return bucket_number(k < buckets ? k : k - level);
}

static void add_bucket(void)
{
    struct entry ***segment = &segments[buckets / SEGMENT];
    if (buckets == SEGMENT * SEGMENTS || (!*segment && !(*segment = memory_pages(1))))
        return;
    struct entry **from = bucket_number(buckets - level), **to = bucket_number(buckets);
    for (struct entry *e = *from; e; e = *from)
        if (key(e->dir, e->hash) & level) {
            *from = e->hash_next;
            e->hash_next = *to;
            *to = e;
        } else {
            from = &e->hash_next;
        }
    if (++buckets == 2 * level)
        level = buckets;
}

static void hash_add(struct entry *e)
{
    struct entry **at = bucket(e->dir, e->hash);
    e->hash_next = *at;
    *at = e;
    if (++names > buckets)
        add_bucket();
}

static void hash_remove(const struct entry *e)
{
    struct entry **at = bucket(e->dir, e->hash);
    while (*at != e)
        at = &(*at)->hash_next;
    *at = e->hash_next;
    names--;
}

/* ---- Names ---- */

static struct entry *find(struct node *dir, const struct fs_name *name)
{
    uint32_t hash = fs_hash(name->text, name->length);
    struct entry *e = *bucket(dir, hash);
    while (e && !(e->hash == hash && e->dir == dir && e->length == name->length &&
                  memcmp(e->name, name->text, name->length) == 0))
        e = e->hash_next;
    return e;
}

/* The entry that the lookup of the name has found. */
static struct entry *found(const struct fs_name *name)
{
    return (struct entry *)(uintptr_t)name->where[0];
}

struct fs_node *dir_lookup(struct fs_node *f, struct fs_name *name)
{
    struct node *dir = node_of(f);
    if (fs_is_dots(name->text, name->length)) {
        struct node *n = name->length == 1 ? dir : dir->links ? dir->parent : NULL;
        return n ? (struct fs_node *)n : fs_failed(-ENOENT);
    }
    struct entry *e = find(dir, name);
    if (!e)
        return fs_failed(-ENOENT);
    name->where[0] = (uintptr_t)e;
    return (struct fs_node *)e->node;
}

int dir_add(struct fs_node *f, struct fs_name *name, struct fs_node *to)
{
    struct node *dir = node_of(f), *n = node_of(to);
    if (thing_take(n->user))
        return -ENOSPC;
    struct entry *e = memory_alloc(sizeof *e + name->length);
    if (!e) {
        thing_give(n->user);
        return -ENOSPC;
    }
    if (!dir->cookie)
        dir->cookie = COOKIE_DOTDOT;
    *e = (struct entry){ .dir = dir,
                         .node = n,
                         .before = dir->last,
                         .cookie = ++dir->cookie,
                         .hash = fs_hash(name->text, name->length),
                         .user = n->user,
                         .length = name->length };
    memcpy(e->name, name->text, name->length);
    *(dir->last ? &dir->last->behind : &dir->first) = e;
    dir->last = e;
    hash_add(e);
    return 0;
}

static void unhook(struct entry *e)
{
    struct node *dir = e->dir;
    hash_remove(e);
    *(e->before ? &e->before->behind : &dir->first) = e->behind;
    *(e->behind ? &e->behind->before : &dir->last) = e->before;
    if (dir->resume == e)
        dir->resume = e->before; /* its number is smaller, so a search from it finds the rest */
    thing_give(e->user);
    memory_free(e);
}

static int keep_target(struct node *n, const char *target)
{
    size_t length = strlen(target);
    n->target = memory_alloc(length);
    if (!n->target)
        return -ENOSPC;
    memcpy(n->target, target, length);
    n->size = length;
    return 0;
}

struct fs_node *dir_create(struct fs_node *f, struct fs_name *name, const struct fs_new *new)
{
    struct node *n = node_new(mount_of(node_of(f)), new);
    if (!n)
        return fs_failed(-ENOSPC);
    int error = new->target ? keep_target(n, new->target) : 0;
    if (!error && name)
        error = dir_add(f, name, (struct fs_node *)n);
    if (error) {
        node_put((struct fs_node *)n);
        return fs_failed(error);
    }
    n->links = S_ISDIR(new->mode) ? 2 : name ? 1 : 0;
    if (S_ISDIR(new->mode))
        n->parent = node_of(f);
    return (struct fs_node *)n;
}

int dir_replace(struct fs_node *f, struct fs_name *name, struct fs_node *old, struct fs_node *n)
{
    (void)f, (void)old;
    found(name)->node = node_of(n);
    return 0;
}

int dir_remove(struct fs_node *f, struct fs_name *name, struct fs_node *n)
{
    (void)f, (void)n;
    unhook(found(name));
    return 0;
}

void dir_remove_all(struct node *dir)
{
    while (dir->first) {
        struct node *n = dir->first->node;
        unhook(dir->first);
        if (S_ISDIR(n->mode))
            dir_remove_all(n);
        n->links = S_ISDIR(n->mode) ? 0 : n->links - 1;
        node_put((struct fs_node *)n);
    }
}

int dir_set_parent(struct fs_node *f, struct fs_node *dir)
{
    node_of(f)->parent = node_of(dir);
    return 0;
}

int dir_empty(struct fs_node *f) { return !node_of(f)->first; }

int64_t link_read(struct fs_node *f, struct message *m)
{
    return fs_text(m, node_of(f)->target, f->size);
}

/* ---- Listing ---- */

/* The first entry behind a position, from where the last listing ended if that is before it. */
static struct entry *seek_entry(struct node *dir, uint64_t position)
{
    struct entry *e = dir->resume && dir->resume->cookie <= position ? dir->resume : dir->first;
    while (e && e->cookie <= position)
        e = e->behind;
    return e;
}

int dir_list(struct fs_node *f, struct dents *d)
{
    struct node *dir = node_of(f);
    int added = 1;
    if (d->position < COOKIE_DOT)
        added = dents_add(d, dir->ino, COOKIE_DOT, DT_DIR, ".", 1);
    if (added == 1 && d->position == COOKIE_DOT)
        added = dents_add(d, dir->parent->ino, COOKIE_DOTDOT, DT_DIR, "..", 2);
    for (struct entry *e = added == 1 ? seek_entry(dir, d->position) : NULL; e; e = e->behind) {
        added = dents_add(d, e->node->ino, e->cookie, fs_dtype(e->node->mode), e->name, e->length);
        if (added != 1)
            break;
        dir->resume = e;
    }
    return MIN(added, 0);
}

int dir_name_of(struct fs_node *f, uint64_t object, char *name)
{
    for (struct entry *e = node_of(f)->first; e; e = e->behind)
        if (e->node->object == object) {
            memcpy(name, e->name, e->length);
            return e->length;
        }
    return -ENOENT;
}
