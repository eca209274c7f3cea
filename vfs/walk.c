/* From a path to a node: README.md has a drawing of the way, go() a table of what is pinned on it.
 * A walk is on its thread's stack; the buffer for its path, which is too long for that, is not. */
#include "walk.h"

#include "pass.h"
#include "syscalls.h"

static struct walk_buffer buffers[WALKS];
static struct walk_buffer *free_buffers;
static unsigned buffers_used;

/* ---- the walk as an object ---- */

/* A buffer that is new, since none is free. NULL: there are WALKS, or no memory. */
static __attribute__((noinline)) struct walk_buffer *buffer_make(void)
{
    struct walk_buffer *b = buffers_used < WALKS ? &buffers[buffers_used] : NULL;
    if (!b || !(b->text = memory_pages(WALK_BUFFER / PAGE_SIZE)))
        return NULL;
    buffers_used++;
    return b;
}

int walk_begin(struct walk *w, struct process *p, unsigned how)
{
    w->buffer = free_buffers;
    if (__builtin_expect(w->buffer != NULL, 1))
        free_buffers = w->buffer->next;
    else if (!(w->buffer = buffer_make()))
        return -ENOMEM;
    w->process = p;
    w->as.uid = how & WALK_REAL ? p->cred.uid : p->cred.fsuid;
    w->as.gid = how & WALK_REAL ? p->cred.gid : p->cred.fsgid;
    w->as.capabilities = !(how & WALK_REAL) ? p->cred.effective
                         : p->cred.uid      ? 0
                                            : p->cred.permitted;
    w->as.task = p->task;
    w->as.process = p;
    w->dir = w->node = w->scope = NULL;
    w->how = how;
    return 0;
}

static void drop(struct walk *w)
{
    if (w->dir)
        node_unpin(w->dir);
    if (w->node)
        node_unpin(w->node);
    if (w->scope)
        node_unpin(w->scope);
    w->dir = w->node = w->scope = NULL;
}

void walk_end(struct walk *w)
{
    drop(w);
    w->buffer->next = free_buffers;
    free_buffers = w->buffer;
}

/* ---- one step ---- */

int walk_lookup(struct node *dir, const char *name, size_t length, uint32_t hash,
                struct node **node)
{
    if (dir->mount == NO_MOUNT)
        return -ENOENT;
    bool cached = !mount_type(&mounts[dir->mount])->changing;
    int found = cached ? name_find(dir, name, length, hash, node) : 0;
    if (__builtin_expect(found, 1))
        return found < 0 ? found : 0;
    if (dir->flags & NODE_REMOVED)
        return -ENOENT;
    struct call_result r;
    uint64_t before = changes;
    int64_t error = call_window(dir->service,
                                &(struct call_args){ .op = FS_LOOKUP, .object = dir->object },
                                WINDOW_IN, (void *)(uintptr_t)name, length, &r);
    bool fresh = cached && before == changes;
    if (error == -ENOENT && fresh)
        name_set(dir, name, length, NULL);
    if (error < 0)
        return error;
    struct attributes a = { r.r2 & 0xffff, r.r3 >> 32, (uint32_t)r.r3, r.r2 >> 32 };
    struct node *n = cached && !fresh ? node_find(dir->service, r.r1) : NULL;
    if (!n)
        n = node_set(dir->service, r.r1, dir->mount, &a);
    if (!n)
        return -ENFILE;
    if (fresh)
        name_set(dir, name, length, n);
    *node = n;
    return 0;
}

/* Whether the walk is restricted so: RESOLVE_... */
static inline bool restricted(const struct walk *w, unsigned resolve)
{
    return w->how & walk_how_resolve(resolve);
}

/* The directory that "/" means and above which ".." does not lead. */
static inline struct node *root_of(const struct walk *w)
{
    return w->scope ? w->scope : w->process->root;
}

/* The parent of the directory `at`, which the caller has pinned, across mounts, not above the root
 * of the walk; *parent is not pinned. 0, -EXDEV (RESOLVE_BENEATH), or as walk_lookup(). May wait.
 */
static int walk_parent(const struct walk *w, struct node *at, struct node **parent)
{
    const struct node *root = root_of(w);
    while (at != root && at->flags & NODE_ROOT && mounts[at->mount].point)
        at = mounts[at->mount].point;
    if (at == root || at->flags & NODE_ROOT) {
        *parent = at;
        return restricted(w, RESOLVE_BENEATH) ? -EXDEV : 0;
    }
    int error = walk_lookup(at, "..", 2, path_hash("..", 2), parent);
    if (!error)
        *parent = mount_cross(*parent);
    return error;
}

/* Follows the symbolic link `link`, behind which `rest` is still to be walked. An ordinary link's
 * target goes before the rest, which makes a new w->path, and *jump is NULL. A link of procfs may
 * stand for an object instead, which has no path (/proc/N/fd, cwd, root): *jump is its node,
 * pinned. 0, -ENOENT, -EIO (a NUL in the target), -ENAMETOOLONG, or what the file server says. May
 * wait. */
static int follow(struct walk *w, struct node *link, char *rest, struct node **jump)
{
    size_t room = rest - w->buffer->text;
    bool magic = mount_type(&mounts[link->mount])->changing;
    int64_t length = magic ? -ENOENT : link_find(link, w->buffer->text, room);
    *jump = NULL;
    if (length < 0) {
        struct call_result r;
        length = call_window(
            link->service,
            &(struct call_args){
                .op = FS_READLINK, .w0 = w->as.task, .w3 = w->call, .object = link->object },
            WINDOW_OUT, w->buffer->text, room, &r);
        if (length < 0)
            return length;
        if (magic && r.r1) {
            int error = 0;
            /* a directory that only VFS knows: task r2's root or working directory, as r3 says */
            if (r.r1 == service_find("vfs")) {
                struct process *p = process_find(r.r2);
                *jump = !p ? NULL : r.r3 == VFS_PATH_ROOT ? p->root : p->cwd;
                error = p ? 0 : -ENOENT;
            } else {
                error = mount_node(r.r1, r.r2, jump);
            }
            if (!error)
                node_pin(*jump);
            return error;
        }
        if (length && !magic)
            link_set(link, w->buffer->text, length);
    }
    if (!length)
        return -ENOENT;
    if (memchr(w->buffer->text, 0, length))
        return -EIO;
    w->path = path_insert(w->buffer->text, rest, length);
    return w->path ? 0 : -ENAMETOOLONG;
}

/* ---- the whole way ---- */

/* What component c of the directory `at` leads to, across mounts; links are not followed. *next is
 * pinned, or NULL if there is no such name and WALK_ABSENT allows that. 0, -ENOENT, -EISDIR,
 * -ENFILE, or what the file server says. May wait. */
static int step(struct walk *w, struct node *at, const struct component *c, struct node **next)
{
    int error;
    *next = at;
    w->last = LAST_NAME;
    if (path_is_dot(c)) {
        w->last = LAST_DOT;
        error = 0;
    } else if (path_is_dotdot(c)) {
        w->last = LAST_DOTDOT;
        error = walk_parent(w, at, next);
    } else if (c->last && c->slash && w->how & WALK_FILE) {
        return -EISDIR;
    } else {
        error = walk_lookup(at, c->name, c->length, c->hash, next);
        if (error == -ENOENT && c->last && w->how & WALK_ABSENT) {
            *next = NULL;
            return 0;
        }
        if (!error && !(c->last && w->how & WALK_ENTRY))
            *next = mount_cross(*next);
    }
    if (!error && restricted(w, RESOLVE_NO_XDEV) && (*next)->mount != at->mount)
        error = -EXDEV;
    if (!error)
        node_pin(*next);
    return error;
}

/* Whether n is a link that the walk goes through: always on the way; at the end if WALK_FOLLOW or a
 * slash behind the name says so. */
static bool follows(const struct walk *w, const struct component *c, const struct node *n)
{
    return S_ISLNK(n->mode) && !(c->last && w->how & WALK_ENTRY) &&
           (!c->last || c->slash || w->how & WALK_FOLLOW);
}

/* 0 if the restrictions of openat2 let the walk go from the directory `at` through a link to `to`:
 * an object of procfs (`magic`), or a root; -ELOOP, -EXDEV. */
static int may_jump(const struct walk *w, const struct node *at, const struct node *to, bool magic)
{
    if (magic && restricted(w, RESOLVE_NO_MAGICLINKS))
        return -ELOOP;
    if (restricted(w, magic ? RESOLVE_BENEATH | RESOLVE_IN_ROOT : RESOLVE_BENEATH))
        return -EXDEV;
    return restricted(w, RESOLVE_NO_XDEV) && to->mount != at->mount ? -EXDEV : 0;
}

/* Follows the symbolic link *next, the `links`-th of this walk, and gives its pin up. Afterwards
 * *next is the object that a link of procfs stands for, pinned, or NULL: then w->path is a new
 * path, which begins at *at. 0, -ELOOP, -EXDEV, or what follow() says. */
static int through_link(struct walk *w, struct node **at, const struct component *c, unsigned links,
                        struct node **next)
{
    struct node *link = *next;
    bool allowed = links < SYMLINKS_MAX && !restricted(w, RESOLVE_NO_SYMLINKS);
    int error = allowed ? follow(w, link, (char *)(uintptr_t)c->rest, next) : -ELOOP;
    node_unpin(link);
    if (error)
        return error;
    if (*next) {
        w->last = LAST_DOT; /* the object was reached without a name */
        error = may_jump(w, *at, *next, true);
        if (error)
            node_unpin(*next);
    } else if (!subject_lives(&w->as)) {
        return -ESRCH;
    } else if (*w->path == '/') {
        struct node *root = root_of(w);
        error = may_jump(w, *at, root, false);
        node_pin(root);
        node_unpin(*at);
        *at = root;
        w->last = LAST_ROOT;
    }
    return error;
}

/* The end of a walk: the last component c of the path led from the directory `at` to `next`. Takes
 * both pins over. 0, or -ENOTDIR: slashes follow the name of what is no directory. */
static int arrive(struct walk *w, struct node *at, const struct component *c, struct node *next)
{
    w->name = c->name;
    w->length = c->length;
    w->hash = c->hash;
    w->slash = c->slash;
    if (next && c->slash && !(w->how & WALK_ENTRY) && !S_ISDIR(next->mode)) {
        node_unpin(next);
        node_unpin(at);
        return -ENOTDIR;
    }
    w->node = next;
    if (w->last == LAST_NAME)
        w->dir = at;
    else
        node_unpin(at);
    return 0;
}

/* The walk proper, from `at`, which is pinned, along w->path.
 *
 * A step may ask a file server, and meanwhile other threads run: they may use the place of any node
 * without a pin for another object. So go() holds a pin on each node that it will look at after a
 * wait. There are two, `at` and `next`, and step() pins `next` before `at` loses its pin:
 *
 *     what happens                         pin of `at`              pin of `next`
 *     go() begins                          taken over from start()  -
 *     step() succeeds                      kept                     taken by step()
 *     next is not the last component       given up                 becomes that of `at`
 *     next is a link with a path           kept; given up if the    given up: the walk goes on at
 *                                          path begins with '/',    `at`, or at the root, which is
 *                                          then the root's is taken pinned like any `at`
 *     next is a link of procfs to an       kept                     given up; follow() has taken
 *     object                                                        the object's, which is `next`
 *     the last component was a name        becomes w->dir's         becomes w->node's; none if the
 *                                                                   name need not exist
 *     it was "." or "..", or such a link   given up                 becomes w->node's
 *     there is no component ("/")          becomes w->node's        -
 *     any error                            given up                 given up, if it was taken
 *
 * drop() gives those of w->dir and w->node back. Giving up the last pin of a removed directory may
 * itself ask the file server (NODE_HELD): nothing unpinned is looked at behind a node_unpin(). */
static int go(struct walk *w, struct node *at)
{
    struct component c;
    struct node *next;
    int error;
    unsigned links = 0;
    w->last = LAST_ROOT;
    w->slash = false;
    while ((error = path_component(w->path, &c)) > 0) {
        error = !subject_lives(&w->as) ? -ESRCH
                : !S_ISDIR(at->mode)   ? -ENOTDIR
                                       : permission(&w->as, at, MAY_EXEC);
        if (error)
            break;
        error = step(w, at, &c, &next);
        if (error)
            break;
        if (next && follows(w, &c, next)) {
            error = through_link(w, &at, &c, links++, &next);
            if (error)
                break;
            if (!next)
                continue;
        }
        if (c.last)
            return arrive(w, at, &c, next);
        node_unpin(at);
        at = next;
        w->path = (char *)(uintptr_t)c.rest;
    }
    if (error) {
        node_unpin(at);
        return error;
    }
    w->node = at; /* the path was "/", or ended in a link to it */
    return 0;
}

int walk_descriptor(struct walk *w, uint64_t descriptor, bool path_allowed)
{
    struct conn_info c;
    int error = ask_conn_get(w->process->task, (uint32_t)descriptor, &c);
    if (error < 0)
        return error;
    if (c.flags & O_PATH && !path_allowed)
        return -EBADF;
    if (c.flags & CONN_APART) /* not a file server's object: no directory, and nobody's */
        return path_allowed ? -ENOTDIR : -EPERM;
    struct node *n;
    error = mount_node(c.service, c.object, &n);
    if (error)
        return error;
    node_pin(n);
    w->node = n;
    w->last = LAST_DOT;
    return 0;
}

/* The directory in which the path of w begins, pinned: the root, the working directory, or that of
 * a descriptor. With RESOLVE_BENEATH or RESOLVE_IN_ROOT it is also the walk's scope. 0, -EBADF,
 * -EXDEV, or what mount_node() says. */
static int start(struct walk *w, uint64_t directory, struct node **at)
{
    bool absolute = w->path[0] == '/' && !restricted(w, RESOLVE_IN_ROOT);
    if (!subject_lives(&w->as))
        return -ESRCH;
    if (absolute && restricted(w, RESOLVE_BENEATH))
        return -EXDEV;
    if (!absolute && !walk_is_cwd(directory)) {
        int error = walk_descriptor(w, directory, true);
        *at = w->node;
        w->node = NULL;
        if (error)
            return error;
    } else {
        *at = absolute ? w->process->root : w->process->cwd;
        node_pin(*at);
    }
    if (restricted(w, RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
        w->scope = *at;
        node_pin(*at);
    }
    return 0;
}

/* Copies the path in the window of m into the walk's buffer. A service's window holds exactly its
 * string, without a NUL; a program's window is as long as a path can be. 0, -EFAULT,
 * -ENAMETOOLONG. */
static int read_path(struct walk *w, struct message *m)
{
    w->path = w->buffer->text + PATH_MAX;
    if (__builtin_expect(m->from >= MAX_SERVICE, 1)) {
        int length = copy_string(m, 0, w->path, PATH_MAX);
        return length < 0 ? length : 0;
    }
    size_t length = MIN(m->w[2], (uint64_t)PATH_MAX - 1);
    w->path[length] = 0;
    return copy_in(m, 0, w->path, length);
}

/* walk_window() with what the caches know now: -ESTALE if a file server does not know an object of
 * theirs any more. */
static int walk_once(struct walk *w, struct message *m, uint64_t directory)
{
    struct node *at;
    int error = read_path(w, m);
    bool empty = !error && !w->path[0];
    if (__builtin_expect(empty, 0) && !(w->how & WALK_EMPTY))
        error = -ENOENT;
    if (!error)
        error = start(w, directory, &at);
    if (error)
        return error;
    if (__builtin_expect(!empty, 1))
        return go(w, at);
    w->node = at;
    w->last = LAST_DOT;
    w->slash = false;
    return 0;
}

int walk_window(struct walk *w, struct message *m, uint64_t directory)
{
    drop(w);
    w->call = m->call;
    int error = walk_once(w, m, directory);
    /* The cache led to an object that is gone: walk once more without the cache. */
    if (__builtin_expect(error == -ESTALE, 0)) {
        changes++;
        name_drop_all();
        error = walk_once(w, m, directory);
    }
    return error == -ESTALE ? -ENOENT : error;
}

int walk_at(struct walk *w, struct message *m, uint64_t directory, caller_t address)
{
    int error = aim(m, address, PATH_MAX, WINDOW_IN);
    return error ? error : walk_window(w, m, directory);
}

int walk_start_at(struct walk *w, struct message *m, unsigned how, uint64_t directory,
                  caller_t address)
{
    int error = walk_begin(w, process_of(m->from), how);
    if (error)
        return error;
    error = walk_at(w, m, directory, address);
    if (error)
        walk_end(w);
    return error;
}

int walk_start(struct walk *w, struct message *m, unsigned how)
{
    int error = walk_begin(w, process_of(m->from), how);
    if (error)
        return error;
    error = walk_window(w, m, m->w[0]);
    if (error)
        walk_end(w);
    return error;
}
