/* Random operations on a file server compared with a model; see fs_model.h. */
#include "fs_model.h"

#include "fs_client.h"

enum { NODES = 400, CHILDREN = 200 };
#define CHECK(x)                                                                             \
    ((x) ? (void)0                                                                           \
         : die("seed %u, operation %u (%s): %s:%d: %s", options.seed, step, doing, __FILE__, \
               __LINE__, #x))
#define EXPECT(result, wanted)                                                               \
    do {                                                                                     \
        int64_t r_ = (result), w_ = (wanted);                                                \
        if (r_ != w_)                                                                        \
            die("seed %u, operation %u (%s): %s:%d: %s is %ld, not %ld", options.seed, step, \
                doing, __FILE__, __LINE__, #result, (long)r_, (long)w_);                     \
    } while (0)

struct node {
    bool used;
    uint32_t mode; /* with its type */
    uint64_t object;
    unsigned links, opens;
    uint8_t *data; /* contents, or a link's target */
    uint64_t size;
    struct node *parent; /* of a directory */
    unsigned count;
    struct child {
        char name[NAME_MAX + 1];
        struct node *node;
    } * children;
};

static struct node nodes[NODES], *top;
static struct fs_model_options options;
static unsigned step;
static const char *doing;

static void copy_name(char *to, const char *from) { memcpy(to, from, strlen(from) + 1); }

static unsigned dice(unsigned n) { return (unsigned)rand() % n; }

static struct node *new_node(uint32_t mode)
{
    for (unsigned k = 0; k < (options.nodes ? options.nodes : NODES); k++) {
        if (nodes[k].used)
            continue;
        nodes[k] = (struct node){ .used = true, .mode = mode };
        if (S_ISDIR(mode))
            nodes[k].children = calloc(CHILDREN, sizeof(struct child));
        return &nodes[k];
    }
    return NULL;
}

static void drop_node(struct node *n)
{
    if (n->links || n->opens)
        return;
    free(n->data);
    free(n->children);
    n->used = false;
}

static struct node *pick(uint32_t type, bool linked)
{
    for (unsigned tries = 0; tries < 200; tries++) {
        struct node *n = &nodes[dice(NODES)];
        if (n->used && (!type || (n->mode & S_IFMT) == type) &&
            (linked ? n->links != 0 : n->links || n->opens))
            return n;
    }
    return top;
}

static struct child *child_of(struct node *dir, const char *name)
{
    for (unsigned k = 0; k < dir->count; k++)
        if (strcmp(dir->children[k].name, name) == 0)
            return &dir->children[k];
    return NULL;
}

static void add_child(struct node *dir, const char *name, struct node *n)
{
    copy_name(dir->children[dir->count].name, name);
    dir->children[dir->count++].node = n;
    if (S_ISDIR(n->mode))
        n->parent = dir;
}

static void remove_child(struct node *dir, struct child *c) { *c = dir->children[--dir->count]; }

static void pick_name(char *name)
{
    unsigned n = dice(options.names);
    unsigned length = n % 5 == 0 ? 30 + n * 37 % 220 : 0;
    int at = snprintf(name, NAME_MAX, n % 3 ? "file%u" : "f%u.txt", n);
    for (; (unsigned)at < length; at++)
        name[at] = 'a' + (n + at) % 26;
    name[at] = 0;
}

/* ---- The operations ---- */

static void do_one_create(void)
{
    doing = "create";
    static const uint32_t types[] = { S_IFREG, S_IFREG, S_IFDIR, S_IFDIR, S_IFREG, S_IFIFO };
    struct node *dir = pick(S_IFDIR, true);
    char name[NAME_MAX + 1];
    pick_name(name);
    uint32_t mode = types[dice(options.attributes ? 6 : 5)] | 0640;
    if (!options.attributes)
        mode = S_ISDIR(mode) ? S_IFDIR | 0755 : S_IFREG | 0644;
    struct child *c = child_of(dir, name);
    if (!c && dir->count == CHILDREN)
        return;
    struct node *n = c ? NULL : new_node(mode);
    if (!c && !n)
        return;
    uint64_t object;
    int64_t r = fs_create(dir->object, name, mode, &object);
    if (c) {
        EXPECT(r, -EEXIST);
        return;
    }
    if (r == -ENOSPC && options.full) {
        drop_node(n);
        return;
    }
    EXPECT(r, 0);
    n->object = object;
    n->links = S_ISDIR(mode) ? 2 : 1;
    if (S_ISDIR(mode))
        dir->links++;
    add_child(dir, name, n);
}

static void do_one_symlink(void)
{
    if (!options.symlinks)
        return;
    doing = "symlink";
    struct node *dir = pick(S_IFDIR, true);
    char name[NAME_MAX + 1], target[1000];
    pick_name(name);
    unsigned length = 1 + dice(dice(2) ? 70 : 999);
    for (unsigned k = 0; k < length; k++)
        target[k] = 'A' + dice(26);
    target[length] = 0;
    struct child *c = child_of(dir, name);
    struct node *n;
    if (dir->count == CHILDREN || !(n = new_node(S_IFLNK | 0777)))
        return;
    int64_t r = fs_symlink(dir->object, name, target);
    if (c || (r == -ENOSPC && options.full)) {
        EXPECT(r, c ? -EEXIST : -ENOSPC);
        drop_node(n);
        return;
    }
    EXPECT(r, 0);
    EXPECT(fs_lookup(dir->object, name, &n->object, NULL), 0);
    n->links = 1;
    n->data = malloc(length);
    memcpy(n->data, target, length);
    n->size = length;
    add_child(dir, name, n);
}

static void do_one_link(void)
{
    if (!options.links)
        return;
    doing = "link";
    struct node *dir = pick(S_IFDIR, true), *n = pick(0, true);
    char name[NAME_MAX + 1];
    pick_name(name);
    if (dir->count == CHILDREN)
        return;
    int64_t r = fs_link(dir->object, name, n->object);
    if (S_ISDIR(n->mode)) {
        EXPECT(r, -EPERM);
        return;
    }
    if (child_of(dir, name)) {
        EXPECT(r, -EEXIST);
        return;
    }
    if (r == -ENOSPC && options.full)
        return;
    EXPECT(r, 0);
    n->links++;
    add_child(dir, name, n);
}

static void unlinked(struct node *dir, struct node *n)
{
    if (S_ISDIR(n->mode)) {
        n->links = 0;
        dir->links--;
    } else {
        n->links--;
    }
    drop_node(n);
}

static void do_one_unlink(void)
{
    doing = "unlink";
    struct node *dir = pick(S_IFDIR, true);
    char name[NAME_MAX + 1];
    pick_name(name);
    if (dir->count && dice(2))
        copy_name(name, dir->children[dice(dir->count)].name);
    bool directory = dice(2);
    struct child *c = child_of(dir, name);
    if (c && dice(4))
        directory = S_ISDIR(c->node->mode);
    int64_t wanted = !c                       ? -ENOENT
                     : S_ISDIR(c->node->mode) ? !directory       ? -EISDIR
                                                : c->node->count ? -ENOTEMPTY
                                                                 : 0
                     : directory              ? -ENOTDIR
                                              : 0;
    EXPECT(fs_unlink(dir->object, name, directory), wanted);
    if (wanted == 0) {
        struct node *n = c->node;
        remove_child(dir, c);
        unlinked(dir, n);
    }
}

static bool below(struct node *n, struct node *dir)
{
    for (; dir != top; dir = dir->parent)
        if (dir == n)
            return true;
    return n == top;
}

static int64_t rename_result(struct node *from, struct child *a, struct node *to, struct child *b,
                             unsigned flags)
{
    (void)from;
    if (!a)
        return -ENOENT;
    if (flags & RENAME_EXCHANGE) {
        if (!b)
            return -ENOENT;
        if (a->node == b->node)
            return 0;
        if ((S_ISDIR(a->node->mode) && from != to && below(a->node, to)) ||
            (S_ISDIR(b->node->mode) && from != to && below(b->node, from)))
            return -EINVAL;
        return 0;
    }
    if (b && flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (b && a->node == b->node)
        return 0;
    if (S_ISDIR(a->node->mode) && from != to && below(a->node, to))
        return -EINVAL;
    if (b && S_ISDIR(a->node->mode) && !S_ISDIR(b->node->mode))
        return -ENOTDIR;
    if (b && !S_ISDIR(a->node->mode) && S_ISDIR(b->node->mode))
        return -EISDIR;
    return b && b->node->count ? -ENOTEMPTY : 0;
}

static void do_one_rename(void)
{
    doing = "rename";
    struct node *from = pick(S_IFDIR, true), *to = dice(3) ? pick(S_IFDIR, true) : from;
    char old[NAME_MAX + 1], new[NAME_MAX + 1];
    pick_name(old);
    pick_name(new);
    if (from->count && dice(4))
        copy_name(old, from->children[dice(from->count)].name);
    if (to->count && dice(3) == 0)
        copy_name(new, to->children[dice(to->count)].name);
    unsigned flags = dice(4) ? 0 : dice(3);
    struct child *a = child_of(from, old), *b = child_of(to, new);
    if (to->count == CHILDREN)
        return;
    int64_t wanted = rename_result(from, a, to, b, flags),
            r = fs_rename(from->object, old, to->object, new, flags);
    if (r == -ENOSPC && options.full && !b)
        return;
    EXPECT(r, wanted);
    if (wanted || (b && a->node == b->node))
        return;
    struct node *moved = a->node, *other = b ? b->node : NULL;
    if (S_ISDIR(moved->mode)) {
        from->links--;
        to->links++;
        moved->parent = to;
    }
    if (flags & RENAME_EXCHANGE) {
        if (S_ISDIR(other->mode)) {
            to->links--;
            from->links++;
            other->parent = from;
        }
        a->node = other;
        b->node = moved;
        return;
    }
    if (b) {
        b->node = moved;
        unlinked(to, other);
    } else {
        add_child(to, new, moved);
    }
    remove_child(from, child_of(from, old));
}

static void fill(uint8_t *data, size_t length)
{
    uint8_t start = rand(), stride = rand() | 1;
    for (size_t k = 0; k < length; k++)
        data[k] = start + k * stride;
}

static uint64_t pick_size(void)
{
    uint64_t n = dice(options.file_max);
    return dice(3) ? n % 20000 : dice(2) ? n / 4096 * 4096 : n;
}

static void do_one_write(void)
{
    doing = "write";
    struct node *n = pick(S_IFREG, false);
    if (!S_ISREG(n->mode))
        return;
    uint64_t position = dice(3) ? MIN(n->size, pick_size()) : pick_size();
    size_t length = dice(3) ? dice(5000) : dice(2) ? dice(60000) : 4096 * dice(5);
    uint64_t flags = 0;
    if (dice(6) == 0) {
        flags = O_APPEND;
        position = n->size;
    }
    if (position + length > options.file_max)
        return;
    uint8_t *data = malloc(length + 1);
    fill(data, length);
    bool holed = dice(12) == 0 && length;
    if (holed)
        fake_hole = dice(length);
    int64_t r = fs_write(n->object, flags ? dice(1000) : position, data, length, flags);
    fake_hole = UINT64_MAX;
    if (holed && !(options.full && r > 0)) {
        CHECK(r == -EFAULT || (r == -ENOSPC && options.full));
        struct stat s;
        EXPECT(fs_stat(n->object, &s), 0);
        EXPECT(s.size, n->size);
        /* Bytes before the hole may have been written, those behind not, and nothing is at random.
         */
        if (position < n->size) {
            uint64_t part = MIN(n->size - position, length);
            uint8_t *now = malloc(part);
            EXPECT(fs_read(n->object, position, now, part), part);
            for (uint64_t k = 0; k < part; k++)
                CHECK(now[k] == data[k] || now[k] == n->data[position + k]);
            memcpy(n->data + position, now, part);
            free(now);
        }
        free(data);
        return;
    }
    if (r == -ENOSPC && options.full)
        r = 0;
    else if (options.full)
        CHECK(r >= 0 && r <= (int64_t)length && (r > 0 || !length));
    else
        EXPECT(r, length);
    if (r && position + r > n->size) {
        n->data = realloc(n->data, position + r);
        if (position > n->size)
            memset(n->data + n->size, 0, position - n->size);
        n->size = position + r;
    }
    if (r)
        memcpy(n->data + position, data, r);
    free(data);
}

static void compare_range(struct node *n, uint64_t position, size_t length)
{
    uint8_t *data = malloc(length + 1);
    int64_t wanted = position < n->size ? MIN(length, n->size - position) : 0;
    EXPECT(fs_read(n->object, position, data, length), wanted);
    for (int64_t k = 0; k < wanted; k++)
        if (data[k] != n->data[position + k])
            die("seed %u, operation %u (%s): byte %lu of %lu is %02x, not %02x", options.seed, step,
                doing, (unsigned long)(position + k), (unsigned long)n->size, data[k],
                n->data[position + k]);
    free(data);
}

static void do_one_read(void)
{
    doing = "read";
    struct node *n = pick(S_IFREG, false);
    if (S_ISREG(n->mode))
        compare_range(n, pick_size(), dice(40000));
}

static void do_one_truncate(void)
{
    doing = "truncate";
    struct node *n = pick(S_IFREG, false);
    uint64_t size = pick_size();
    if (!S_ISREG(n->mode))
        return;
    if (options.full && size > n->size)
        size = n->size / 2;
    EXPECT(fs_truncate(n->object, size), 0);
    n->data = realloc(n->data, size + 1);
    if (size > n->size)
        memset(n->data + n->size, 0, size - n->size);
    n->size = size;
}

static void do_one_open(void)
{
    doing = "open";
    struct node *n = pick(S_IFREG, false);
    if (!S_ISREG(n->mode))
        return;
    if (n->opens && dice(2)) {
        fs_close(n->object, O_RDWR);
        n->opens--;
        drop_node(n);
        return;
    }
    if (!n->links && !n->opens)
        return;
    uint64_t flags = O_RDWR | (dice(5) ? 0 : O_TRUNC);
    CHECK(fs_open(n->object, flags) >= 0);
    n->opens++;
    if (flags & O_TRUNC)
        n->size = 0;
}

static bool is_zero(const uint8_t *data, size_t length)
{
    while (length && !data[length - 1])
        length--;
    return !length;
}

static void do_one_pages(void)
{
    doing = "pages";
    struct node *n = pick(S_IFREG, false);
    if (!S_ISREG(n->mode))
        return;
    uint64_t addresses[8], position = pick_size() / 4096 * 4096;
    int64_t count = fs_pages(n->object, position, addresses, 8);
    int64_t wanted = position < n->size ? MIN(8, (int64_t)((n->size - position + 4095) / 4096)) : 0;
    if (options.full && count < wanted)
        wanted = count; /* no memory for a hole */
    EXPECT(count, wanted);
    bool write = dice(2) && !options.full;
    for (int64_t k = 0; k < count; k++) {
        uint8_t *page = (uint8_t *)(uintptr_t)addresses[k];
        uint64_t at = position + k * 4096, part = MIN((uint64_t)4096, n->size - at);
        if (!page) { /* a hole that nobody asked for */
            CHECK(k > 0 && is_zero(n->data + at, part));
            continue;
        }
        CHECK((addresses[k] & 4095) == 0 && memcmp(page, n->data + at, part) == 0);
        for (uint64_t b = part; b < 4096; b++)
            CHECK(page[b] == 0);
        if (write) {
            fill(page, dice(4097));
            memcpy(n->data + at, page, part);
        }
    }
    if (count > 0)
        EXPECT(fs_unpin(n->object, addresses, count, write), 0);
}

static void do_one_setattr(void)
{
    doing = "setattr";
    struct node *n = pick(0, true);
    if (!options.attributes)
        return;
    struct fs_attr a = { .which = ATTR_MODE, .mode = dice(010000) };
    EXPECT(fs_setattr(n->object, &a), 0);
    n->mode = (n->mode & S_IFMT) | a.mode;
    if (S_ISDIR(n->mode))
        n->mode &= ~S_ISGID, a.mode &= ~S_ISGID, fs_setattr(n->object, &a);
}

static void compare_attributes(struct node *n)
{
    struct stat s;
    EXPECT(fs_stat(n->object, &s), 0);
    EXPECT(s.mode, n->mode);
    if (!options.attributes && S_ISDIR(n->mode))
        return;
    EXPECT(s.nlink, n->links);
    if (!S_ISDIR(n->mode))
        EXPECT(s.size, n->size);
}

static void do_one_stat(void)
{
    doing = "stat";
    compare_attributes(pick(0, false));
}

static void do_one_lookup(void)
{
    doing = "lookup";
    struct node *dir = pick(S_IFDIR, true);
    char name[NAME_MAX + 1], found[NAME_MAX + 1];
    pick_name(name);
    struct child *c = child_of(dir, name);
    uint64_t object;
    uint32_t mode;
    EXPECT(fs_lookup(dir->object, name, &object, &mode), c ? 0 : -ENOENT);
    if (!c)
        return;
    CHECK(object == c->node->object);
    EXPECT(mode, c->node->mode);
    int64_t length = fs_name_of(dir->object, object, found, sizeof(found) - 1);
    CHECK(length > 0);
    found[length] = 0;
    CHECK(child_of(dir, found) && child_of(dir, found)->node == c->node);
    EXPECT(fs_lookup(dir->object, "..", &object, NULL), 0);
    CHECK(object == (dir == top ? top : dir->parent)->object);
}

static void see_entry(void *argument, const struct dirent64 *e)
{
    struct child *c = child_of(argument, e->name);
    CHECK(c);
    CHECK(step == UINT32_MAX || e->ino == (uint32_t)c->node->object);
    CHECK(e->type == DT_UNKNOWN || e->type == (c->node->mode & S_IFMT) >> 12);
}

static void compare_tree(struct node *dir, unsigned depth)
{
    CHECK(depth < 500);
    EXPECT(fs_list(dir->object, depth % 2 ? 300 : 4096, see_entry, dir), dir->count);
    for (unsigned k = 0; k < dir->count; k++) {
        struct node *n = dir->children[k].node;
        uint64_t object;
        EXPECT(fs_lookup(dir->object, dir->children[k].name, &object, NULL), 0);
        if (step == UINT32_MAX)
            n->object = object; /* a new mount */
        CHECK(n->object == object);
        compare_attributes(n);
        if (S_ISDIR(n->mode)) {
            compare_tree(n, depth + 1);
        } else if (S_ISREG(n->mode)) {
            compare_range(n, 0, n->size + 10);
        } else if (S_ISLNK(n->mode)) {
            char target[1001];
            EXPECT(fs_readlink(object, target, sizeof(target)), n->size);
            CHECK(memcmp(target, n->data, n->size) == 0);
        }
    }
}

static void remove_tree(struct node *dir)
{
    doing = "clear";
    while (dir->count) {
        struct node *n = dir->children[0].node;
        if (S_ISDIR(n->mode))
            remove_tree(n);
        EXPECT(fs_unlink(dir->object, dir->children[0].name, S_ISDIR(n->mode)), 0);
        remove_child(dir, &dir->children[0]);
        unlinked(dir, n);
    }
}

void fs_model_run(uint64_t root, const struct fs_model_options *o)
{
    static void (*const operations[])(void) = {
        do_one_create, do_one_create, do_one_create, do_one_write,  do_one_write,
        do_one_write,  do_one_write,  do_one_read,   do_one_read,   do_one_truncate,
        do_one_unlink, do_one_unlink, do_one_rename, do_one_rename, do_one_symlink,
        do_one_link,   do_one_open,   do_one_open,   do_one_pages,  do_one_setattr,
        do_one_stat,   do_one_lookup, do_one_lookup,
    };
    options = *o;
    srand(o->seed);
    for (unsigned k = 0; k < NODES; k++) {
        nodes[k].links = nodes[k].opens = 0;
        if (nodes[k].used)
            drop_node(&nodes[k]);
    }
    struct stat s;
    fs_stat(root, &s);
    top = new_node(s.mode);
    top->object = root;
    top->links = s.nlink;
    top->parent = top;
    for (step = 0; step < o->operations; step++) {
        operations[dice(ARRAY_SIZE(operations))]();
        if (o->sync_rate && dice(o->sync_rate) == 0)
            fs_sync(root, dice(2));
    }
    for (unsigned k = 0; k < NODES; k++) {
        while (nodes[k].used && nodes[k].opens) {
            fs_close(nodes[k].object, O_RDWR);
            nodes[k].opens--;
            drop_node(&nodes[k]);
        }
    }
    doing = "compare";
    compare_tree(top, 0);
    if (o->clear)
        remove_tree(top);
}

void fs_model_compare(uint64_t root)
{
    doing = "compare after mounting again";
    step = UINT32_MAX;
    top->object = root;
    compare_tree(top, 0);
}
