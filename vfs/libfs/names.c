/* The protocol FS on names: finding, listing, making, linking, removing, renaming. This file makes
 * the checks, which are the same for all file systems, counts links and keeps the times of
 * directories; the server only looks names up and writes them down.
 *
 * An operation that changes names holds the mount's tree lock from its first look-up to its last
 * write, so that an entry stays where it was found (fs_name.where). Look-ups and listings take no
 * lock here. */
#include "handlers.h"
#include "watch.h"

enum { LEVELS_AT_ONCE = 128, LEVELS_MAX = 1 << 20 };

/* Reads a name out of the call's window. */
static int read_name(struct message *m, size_t offset, size_t length, char *text,
                     struct fs_name *name)
{
    name->text = text;
    name->length = length;
    return fs_copy_name(m, offset, length, text);
}

/* The directory of a call, held; -ENOTDIR, or what get says. */
static struct fs_node *get_directory(uint64_t object)
{
    struct fs_node *dir = fs_ops.get(object);
    if (fs_error(dir) || S_ISDIR(dir->mode))
        return dir;
    fs_put(dir);
    return fs_failed(-ENOTDIR);
}

int64_t fs_do_lookup(struct message *m)
{
    char text[NAME_MAX + 1];
    struct fs_name name;
    int error = read_name(m, 0, m->w[2], text, &name);
    if (error)
        return error;
    struct fs_node *dir = get_directory(m->object), *n;
    if (fs_error(dir))
        return fs_error(dir);
    n = fs_ops.lookup(dir, &name);
    fs_put(dir);
    if (fs_error(n))
        return fs_error(n);
    reply_words(m, n->object, n->mode | n->rdev << 32, (uint64_t)n->uid << 32 | n->gid);
    fs_put(n);
    return 0;
}

int64_t fs_do_dents(struct message *m)
{
    struct dents d;
    struct fs_node *dir = get_directory(m->object);
    int error = fs_error(dir);
    if (error)
        return error;
    dents_start(&d, m);
    if (dir->links)
        error = fs_ops.list(dir, &d);
    int64_t result = dents_end(&d, error);
    if (result >= 0)
        fs_event(dir, IN_ACCESS);
    fs_put(dir);
    return result;
}

int64_t fs_do_name(struct message *m)
{
    char text[NAME_MAX + 1];
    struct fs_node *dir = get_directory(m->object);
    if (fs_error(dir))
        return fs_error(dir);
    int length = fs_ops.name_of(dir, m->w[3], text);
    fs_put(dir);
    if (length > 0 && (uint64_t)length > m->w[2])
        return -ERANGE;
    return length > 0 && copy_out(m, 0, text, length) ? -EFAULT : length;
}

int64_t fs_do_readlink(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int64_t result = fs_error(n);
    if (result)
        return result;
    result = S_ISLNK(n->mode) && fs_ops.readlink ? fs_ops.readlink(n, m) : -EINVAL;
    fs_put(n);
    return result;
}

/* ---- Changing ---- */

/* 0 if names in dir may change; -ENOTDIR, -EROFS, -EPERM (never), -ENOENT (dir is removed). */
static int may_change(const struct fs_node *dir)
{
    return !S_ISDIR(dir->mode)     ? -ENOTDIR
           : dir->mount->read_only ? -EROFS
           : !fs_ops.create        ? -EPERM
           : !dir->links           ? -ENOENT
                                   : 0;
}

static void leave(struct fs_node *dir)
{
    lock_give(&dir->mount->tree);
    fs_put(dir);
}

/* The directory of a call that changes it, held, under the tree lock. */
static struct fs_node *enter(struct message *m)
{
    struct fs_node *dir = fs_ops.get(m->object);
    if (fs_error(dir))
        return dir;
    lock_take(&dir->mount->tree);
    int error = may_change(dir);
    if (!error)
        return dir;
    leave(dir);
    return fs_failed(error);
}

static void dir_changed(struct fs_node *dir, const struct timespec64 *now)
{
    dir->mtime = dir->ctime = *now;
    fs_changed(dir);
}

static void node_changed(struct fs_node *n, const struct timespec64 *now)
{
    n->ctime = *now;
    fs_changed(n);
}

/* A directory in dir came or went: dir's links, which are its name, its '.', and the '..' of each
 * directory in it. A directory with one link is one whose links are not counted. */
static void parent_links(struct fs_node *dir, int by)
{
    if (dir->links > (by < 0 ? 2 : 1))
        dir->links += by;
}

/* 0 if there is no such name yet; -EEXIST, or what lookup says. */
static int absent(struct fs_node *dir, struct fs_name *name)
{
    if (fs_is_dots(name->text, name->length))
        return -EEXIST;
    struct fs_node *n = fs_ops.lookup(dir, name);
    if (fs_error(n))
        return fs_error(n) == -ENOENT ? 0 : fs_error(n);
    fs_put(n);
    return -EEXIST;
}

/* Makes an inode and its name; the inode is held. -EEXIST, -EMLINK, or what create says. */
static struct fs_node *make_inode(struct fs_node *dir, struct fs_name *name, struct fs_new *new)
{
    bool directory = S_ISDIR(new->mode);
    int error = absent(dir, name);
    if (!error && directory && fs_ops.links_max && dir->links >= fs_ops.links_max)
        error = -EMLINK;
    if (error)
        return fs_failed(error);
    if (dir->mode & S_ISGID) {
        if (new->gid != dir->gid) /* since VFS has looked: whether the user is in that group */
            new->mode &= ~(uint32_t)S_ISGID;
        new->gid = dir->gid;
        new->mode |= directory ? S_ISGID : 0;
    }
    struct fs_node *n = fs_ops.create(dir, name, new);
    if (fs_error(n))
        return n;
    if (directory)
        parent_links(dir, 1);
    dir_changed(dir, &n->ctime);
    watch_name(dir, name, IN_CREATE, 0, directory);
    return n;
}

static bool type_known(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK: return true;
    default: return false;
    }
}

int64_t fs_do_create(struct message *m)
{
    char text[NAME_MAX + 1];
    struct fs_name name;
    uint32_t type = m->w[3] & S_IFMT;
    struct fs_new new = { .mode = m->w[3] & (S_IFMT | 07777),
                          .uid = m->w[4] >> 32,
                          .gid = m->w[4],
                          .rdev = type == S_IFCHR || type == S_IFBLK ? m->w[5] : 0 };
    int error = read_name(m, 0, m->w[2], text, &name);
    if (!error && !type_known(type))
        error = -EINVAL;
    if (error)
        return error;
    struct fs_node *dir = enter(m), *n;
    if (fs_error(dir)) /* a file where none can be made is refused otherwise, on Linux */
        return fs_error(dir) == -EPERM && type == S_IFREG ? -EACCES : fs_error(dir);
    n = make_inode(dir, &name, &new);
    leave(dir);
    if (fs_error(n))
        return fs_error(n);
    reply_words(m, n->object, 0, 0);
    fs_put(n);
    return 0;
}

int64_t fs_do_symlink(struct message *m)
{
    char text[NAME_MAX + 1], target[PATH_MAX];
    struct fs_name name;
    struct fs_new new = {
        .mode = S_IFLNK | 0777, .uid = m->w[4] >> 32, .gid = m->w[4], .target = target
    };
    uint64_t length = m->w[3], rest = m->w[2] - length;
    if (length > m->w[2])
        return -EINVAL;
    int error = read_name(m, 0, length, text, &name);
    if (error)
        return error;
    if (fs_ops.no_links)
        return -EPERM;
    if (rest == 0 || rest >= sizeof target)
        return rest ? -ENAMETOOLONG : -ENOENT;
    if (copy_in(m, length, target, rest))
        return -EFAULT;
    target[rest] = 0;
    if (strlen(target) != rest)
        return -EINVAL;
    struct fs_node *dir = enter(m), *n;
    if (fs_error(dir))
        return fs_error(dir);
    n = make_inode(dir, &name, &new);
    leave(dir);
    if (!fs_error(n))
        fs_put(n);
    return fs_error(n);
}

/* One more name of n. Its link is counted before, so that the disk never has more names than
 * links. */
static int link_locked(struct fs_node *dir, struct fs_name *name, struct fs_node *n)
{
    int error = n->mount != dir->mount                             ? -EXDEV
                : S_ISDIR(n->mode) || fs_ops.no_links              ? -EPERM
                : !n->links && !n->linkable                        ? -ENOENT
                : fs_ops.links_max && n->links >= fs_ops.links_max ? -EMLINK
                                                                   : absent(dir, name);
    if (error)
        return error;
    struct timespec64 now = fs_now();
    n->links++;
    error = fs_ops.add(dir, name, n);
    if (error)
        n->links--;
    else
        dir_changed(dir, &now);
    n->linkable &= !n->links;
    node_changed(n, &now);
    if (!error) {
        watch_self(n, IN_ATTRIB);
        watch_name(dir, name, IN_CREATE, 0, false);
    }
    return error;
}

int64_t fs_do_link(struct message *m)
{
    char text[NAME_MAX + 1];
    struct fs_name name;
    int error = read_name(m, 0, m->w[2], text, &name);
    if (error)
        return error;
    struct fs_node *dir = enter(m), *n;
    if (fs_error(dir))
        return fs_error(dir);
    n = fs_ops.get(m->w[3]);
    error = fs_error(n);
    if (!error) {
        error = link_locked(dir, &name, n);
        fs_put(n);
    }
    leave(dir);
    return error;
}

/* 0 if n may lose its name, by rmdir if `directory`, else by unlink; -ENOTDIR, -EISDIR, -ENOTEMPTY.
 */
static int may_drop(struct fs_node *n, bool directory)
{
    if (!S_ISDIR(n->mode))
        return directory ? -ENOTDIR : 0;
    if (!directory)
        return -EISDIR;
    int empty = fs_ops.empty(n);
    return empty < 0 ? empty : empty ? 0 : -ENOTEMPTY;
}

/* The name of n in `dir` is gone: counts its links. */
static void drop(struct fs_node *dir, struct fs_node *n, const struct timespec64 *now)
{
    if (S_ISDIR(n->mode)) {
        n->links = 0;
        parent_links(dir, -1);
    } else if (n->links) {
        n->links--;
    }
    node_changed(n, now);
}

/* Tells of a link that n has lost, if it is no directory. */
static void watch_dropped(const struct fs_node *dir, const struct fs_name *name, struct fs_node *n)
{
    if (__builtin_expect(!fs_watching, 1))
        return;
    watch_name_lost(dir, name, n);
    if (!S_ISDIR(n->mode))
        watch_self(n, IN_ATTRIB);
}

static int unlink_locked(struct fs_node *dir, struct fs_name *name, bool directory)
{
    struct fs_node *n = fs_ops.lookup(dir, name);
    if (fs_error(n))
        return fs_error(n);
    int error = may_drop(n, directory);
    if (!error)
        error = fs_ops.remove(dir, name, n);
    if (!error) {
        struct timespec64 now = fs_now();
        drop(dir, n, &now);
        dir_changed(dir, &now);
        watch_dropped(dir, name, n);
    }
    fs_put(n); /* may be n's end, of which is told before (Linux) */
    if (!error)
        watch_name(dir, name, IN_DELETE, 0, directory);
    return error;
}

int64_t fs_do_unlink(struct message *m)
{
    char text[NAME_MAX + 1];
    struct fs_name name;
    bool directory = m->w[3] & AT_REMOVEDIR;
    int error = read_name(m, 0, m->w[2], text, &name);
    if (error)
        return error;
    if (fs_is_dots(name.text, name.length))
        return !directory ? -EISDIR : name.length == 1 ? -EINVAL : -ENOTEMPTY;
    struct fs_node *dir = enter(m);
    if (fs_error(dir))
        return fs_error(dir);
    error = unlink_locked(dir, &name, directory);
    leave(dir);
    return error;
}

/* ---- Renaming ---- */

/* One of the two names of a rename. */
struct side {
    struct fs_node *dir;
    struct fs_name name;
    char text[NAME_MAX + 1];
    struct fs_node *node; /* the inode that the name stands for now, held, or NULL */
};

/* Whether both are the same object, of which a server that forgets its nodes makes several. */
static bool same(const struct fs_node *a, const struct fs_node *b)
{
    return a->object == b->object;
}

/* Follows '..' upwards from `dir`: 1 if `dir` is `top` or lies below it, else 0, or an error. */
static int is_below(struct fs_node *dir, const struct fs_node *top)
{
    struct fs_node *at = dir, *above;
    for (unsigned level = 0; level < LEVELS_MAX; level++) {
        struct fs_name dotdot = { .text = "..", .length = 2 };
        GIVE_WAY_EVERY(LEVELS_AT_ONCE, 1, LEVELS_MAX - level);
        if (same(at, top))
            break;
        above = fs_ops.lookup(at, &dotdot);
        int error = fs_error(above);
        if (error == -ENOENT)
            error = fs_corrupt(dir->mount, "directory without '..'", at->ino);
        bool root = !error && same(above, at);
        if (at != dir)
            fs_put(at);
        if (error)
            return error;
        if (root) {
            fs_put(above);
            return 0;
        }
        at = above;
        if (!S_ISDIR(at->mode)) {
            fs_put(at);
            return fs_corrupt(dir->mount, "'..' leads nowhere", dir->ino);
        }
    }
    bool found = same(at, top);
    if (at != dir)
        fs_put(at);
    return found ? 1 : fs_corrupt(dir->mount, "'..' goes round in circles", dir->ino);
}

/* Whether a rename moves a directory to another parent, so that its '..' changes. */
static bool moves_up(const struct side *from, const struct side *to)
{
    return S_ISDIR(from->node->mode) && !same(from->dir, to->dir);
}

/* 0 if a directory that moves does not move below itself, -EINVAL, and its new parent can count it,
 * -EMLINK. */
static int may_move(const struct side *from, const struct side *to)
{
    if (!moves_up(from, to))
        return 0;
    int below = is_below(to->dir, from->node);
    if (below)
        return below < 0 ? below : -EINVAL;
    bool grows = !to->node || !S_ISDIR(to->node->mode);
    return grows && fs_ops.links_max && to->dir->links >= fs_ops.links_max ? -EMLINK : 0;
}

/* A directory has moved from from->dir to to->dir: counts links, and writes its '..'. */
static int set_parent(const struct side *from, const struct side *to)
{
    if (!moves_up(from, to))
        return 0;
    parent_links(from->dir, -1);
    parent_links(to->dir, 1);
    return fs_ops.set_parent(from->node, to->dir);
}

static int exchange_names(struct side *a, struct side *b)
{
    int error = may_move(a, b);
    if (!error)
        error = may_move(b, a);
    if (!error)
        error = fs_ops.replace(a->dir, &a->name, a->node, b->node);
    if (!error)
        error = fs_ops.replace(b->dir, &b->name, b->node, a->node);
    if (!error)
        error = set_parent(a, b);
    return error ? error : set_parent(b, a);
}

/* Moves one name. The new name is written before the old one goes: a crash in between leaves two
 * names and not none. */
static int move_name(struct side *from, struct side *to, const struct timespec64 *now)
{
    int error = may_move(from, to);
    if (!error && to->node)
        error = may_drop(to->node, S_ISDIR(from->node->mode));
    if (error)
        return error;
    if (to->node)
        error = fs_ops.replace(to->dir, &to->name, to->node, from->node);
    else
        error = fs_ops.add(to->dir, &to->name, from->node);
    if (error)
        return error;
    if (to->node)
        drop(to->dir, to->node, now);
    error = fs_ops.remove(from->dir, &from->name, from->node);
    return error ? error : set_parent(from, to);
}

/* Whether two names of the same object are spelled alike; where case counts, two that differ are
 * different entries, links, and renaming one to the other does nothing. */
static bool same_name(const struct side *from, const struct side *to)
{
    return !fs_ops.folds_case || (from->name.length == to->name.length &&
                                  memcmp(from->text, to->text, to->name.length) == 0);
}

/* Looks the side's name up. 0, with node NULL if there is no such name; or an error. */
static int find_side(struct side *s)
{
    struct fs_node *n = fs_ops.lookup(s->dir, &s->name);
    int error = fs_error(n);
    s->node = error ? NULL : n;
    return error == -ENOENT ? 0 : error;
}

/* Tells of n's name, which has moved, and of the file that had the new one before, or NULL. */
static void watch_move(const struct side *from, const struct side *to, struct fs_node *n,
                       struct fs_node *replaced)
{
    bool directory = S_ISDIR(n->mode);
    uint32_t cookie = watch_cookie();
    watch_name(from->dir, &from->name, IN_MOVED_FROM, cookie, directory);
    watch_name(to->dir, &to->name, IN_MOVED_TO, cookie, directory);
    if (replaced)
        watch_dropped(to->dir, &to->name, replaced);
    watch_self(n, IN_MOVE_SELF);
}

/* n has moved: so has the directory in which it was opened, if that was this name. */
static void moved(struct fs_node *n, const struct fs_node *from, const struct fs_node *to)
{
    if (n->found_in == from->object)
        n->found_in = to->object;
}

/* What a rename leaves to be known, and to be told. */
static void renamed(const struct side *from, const struct side *to, bool exchange)
{
    moved(from->node, from->dir, to->dir);
    if (exchange)
        moved(to->node, to->dir, from->dir);
    if (__builtin_expect(!fs_watching, 1))
        return;
    watch_move(from, to, from->node, exchange ? NULL : to->node);
    if (exchange)
        watch_move(to, from, to->node, NULL);
}

static int rename_locked(struct side *from, struct side *to, uint64_t flags)
{
    struct timespec64 now = fs_now();
    int error = find_side(from);
    if (!error && !from->node)
        error = -ENOENT;
    if (!error)
        error = find_side(to);
    if (error)
        return error;
    if (flags & RENAME_EXCHANGE) {
        if (!to->node || same(from->node, to->node))
            return to->node ? 0 : -ENOENT;
        error = exchange_names(from, to);
        node_changed(to->node, &now);
    } else {
        bool one = to->node && same(to->node, from->node);
        if (to->node && flags & RENAME_NOREPLACE && (!one || same_name(from, to)))
            return -EEXIST;
        if (one && same_name(from, to))
            return 0;
        if (one) { /* a name is to be spelled anew: there is no other object to replace */
            fs_put(to->node);
            to->node = NULL;
        }
        error = move_name(from, to, &now);
    }
    if (error)
        return error;
    node_changed(from->node, &now);
    dir_changed(from->dir, &now);
    dir_changed(to->dir, &now);
    renamed(from, to, flags & RENAME_EXCHANGE);
    return 0;
}

static int rename_sides(struct side *from, struct side *to, uint64_t flags)
{
    int error = from->dir->mount != to->dir->mount ? -EXDEV : may_change(to->dir);
    if (!error)
        error = rename_locked(from, to, flags);
    if (from->node)
        fs_put(from->node);
    if (to->node)
        fs_put(to->node);
    return error;
}

int64_t fs_do_rename(struct message *m)
{
    struct side from = { .node = NULL }, to = { .node = NULL };
    uint64_t length = m->w[3], flags = m->w[5];
    if (length > m->w[2] || m->w[2] > 2 * NAME_MAX)
        return -ENAMETOOLONG;
    if (flags & ~(uint64_t)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    int error = read_name(m, 0, length, from.text, &from.name);
    if (!error)
        error = read_name(m, length, m->w[2] - length, to.text, &to.name);
    if (error)
        return error;
    if (fs_is_dots(from.text, from.name.length) || fs_is_dots(to.text, to.name.length))
        return -EBUSY;
    to.dir = fs_ops.get(m->w[4]);
    if (fs_error(to.dir))
        return fs_error(to.dir);
    from.dir = enter(m);
    error = fs_error(from.dir);
    if (!error) {
        error = rename_sides(&from, &to, flags);
        leave(from.dir);
    }
    fs_put(to.dir);
    return error;
}
