/* Back from objects to paths: getcwd, and the links in /proc. Directories know their parents
 * (".."), and a file server tells under which name a directory holds another; of other objects only
 * the name cache can know a name. */
#include "getcwd.h"

#include "handlers.h"
#include "pass.h"
#include "syscalls.h"
#include "walk.h"

/* Begins a path, which is built from its end at `at`, with a mark that the file has been removed:
 * the new `at`. */
static char *path_deleted(char *at)
{
    static const char mark[] = " (deleted)";
    return memcpy(at - (sizeof mark - 1), mark, sizeof mark - 1);
}

/* Puts the name of n, which is not a root and which the caller has pinned, before *at; *dir is the
 * directory that n is in, pinned for the caller. 0, -ENOENT, -ENAMETOOLONG, or what the file server
 * says. May wait. */
static int prepend_name(struct node *n, struct node **dir, char *start, char **at)
{
    char name[NAME_MAX + 1];
    int error, length;
    if (S_ISDIR(n->mode)) {
        error = walk_lookup(n, "..", 2, path_hash("..", 2), dir);
        if (error)
            return error;
        node_pin(*dir);
        length = call_window(
            (*dir)->service,
            &(struct call_args){ .op = FS_NAME, .object = (*dir)->object, .w3 = n->object },
            WINDOW_OUT, name, NAME_MAX, NULL);
    } else {
        bool gone;
        length = name_of(n, dir, name, &gone);
        if (length > 0 && gone)
            *at = path_deleted(*at);
        if (length > 0)
            node_pin(*dir);
        else
            *dir = NULL;
    }
    *at = length < 0 ? NULL : path_prepend(start, *at, name, length);
    if (*at)
        return 0;
    if (*dir)
        node_unpin(*dir);
    return length < 0 ? length : -ENAMETOOLONG;
}

int path_of(struct node *n, struct node *root, char *buffer, size_t size, char **text)
{
    enum { DEEPEST = PATH_MAX / 2 };
    char *at = buffer + size - 1;
    int error = 0;
    *at = 0;
    node_pin(n);
    for (unsigned depth = 0; n != root && depth < DEEPEST; depth++) {
        struct node *dir;
        if (n->flags & NODE_ROOT) {
            dir = mounts[n->mount].point;
            if (!dir)
                break;
            node_pin(dir);
        } else {
            error = n->mount == NO_MOUNT ? -ENOENT : prepend_name(n, &dir, buffer, &at);
        }
        if (error)
            break;
        node_unpin(n);
        n = dir;
    }
    node_unpin(n);
    if (error)
        return error == -ESTALE ? -ENOENT : error;
    if (!*at)
        at = path_prepend(buffer, at, "", 0);
    *text = at;
    return buffer + size - 1 - at;
}

/* Copies the path of a node, as process p sees it, to the window of m, which holds `size` bytes:
 * cut there, or with its NUL if it is to be `terminated`. The bytes copied, -ERANGE, or an error.
 * May wait. */
static int64_t tell(struct message *m, struct process *p, struct node *n, size_t size,
                    bool terminated)
{
    struct walk w; /* for its buffer */
    char *text;
    int error = walk_begin(&w, p, 0);
    if (error)
        return error;
    int64_t length = path_of(n, p->root, w.buffer->text, PATH_MAX, &text);
    if (length >= 0) {
        length += terminated;
        if (terminated && (size_t)length > size)
            length = -ERANGE;
    }
    if (length >= 0) {
        length = MIN((uint64_t)length, size);
        error = copy_out(m, 0, text, length);
    }
    walk_end(&w);
    return error ? error : length;
}

/* Copies the path of `dir`, followed by what stands from `at` to the end of the walk's buffer, to
 * the window of m. The bytes copied, or an error. May wait. */
static int64_t tell_below(struct message *m, struct process *p, struct walk *w, struct node *dir,
                          const char *at)
{
    char *text;
    size_t length = strlen(at);
    int64_t before = path_of(dir, p->root, w->buffer->text, PATH_MAX, &text);
    if (before < 0)
        return before;
    if (before == 1)
        before = 0; /* "/" stands before the name already */
    size_t all = MIN(before + length, m->w[2]);
    memmove(w->buffer->text, text, before);
    memmove(w->buffer->text + before, at, length);
    int error = copy_out(m, 0, w->buffer->text, all);
    return error ? error : (int64_t)all;
}

/* Copies what Linux calls a file without a name, of a program that has it open: its number in its
 * directory, which nobody knows any more, so it is in the root of its file system here. What
 * memfd_create() was told is not kept. The bytes copied, -ENOENT if the file has some name, or an
 * error. May wait. */
static int64_t tell_nameless(struct message *m, struct process *p, unsigned service,
                             uint64_t object)
{
    struct walk w; /* for its buffer */
    struct stat s;
    char name[32];
    int64_t length = -ENOENT;
    if (mount_of(service, object) == NO_MOUNT || node_stat(service, object, &s) || s.nlink)
        return -ENOENT;
    int error = walk_begin(&w, p, 0);
    if (error)
        return error;
    unsigned mount = mount_of(service, object); /* it may have gone meanwhile */
    struct node *root = mount == NO_MOUNT ? NULL : mounts[mount].root;
    char *at = w.buffer->text + WALK_BUFFER - 1;
    *at = 0;
    at = path_deleted(at);
    if (mount == MOUNT_MEMORY)
        format(name, sizeof name, "memfd:");
    else
        format(name, sizeof name, "#%lu", s.ino);
    at = path_prepend(w.buffer->text + PATH_MAX, at, name, strlen(name));
    if (root) {
        node_pin(root);
        length = tell_below(m, p, &w, root, at);
        node_unpin(root);
    }
    walk_end(&w);
    return length;
}

/* Copies the path of a program, object w[5] of the directory `dir`, to the window of m. If `dir`
 * has no name for the program any more, its name is the one that stands in the window, marked as
 * deleted. The bytes copied, or an error. May wait. */
static int64_t tell_program(struct message *m, struct process *p, struct node *dir)
{
    struct walk w; /* for its buffer */
    char name[NAME_MAX + 1];
    int error = walk_begin(&w, p, 0);
    if (error)
        return error;
    char *at = w.buffer->text + WALK_BUFFER - 1;
    *at = 0;
    int64_t length = call_window(
        dir->service, &(struct call_args){ .op = FS_NAME, .object = dir->object, .w3 = m->w[5] },
        WINDOW_OUT, name, NAME_MAX, NULL);
    if (length < 0) {
        length = MIN(m->w[2], (uint64_t)NAME_MAX);
        /* commits, as the answer will stand in the same place */
        error = sys_peek(m->call, m->w[1], name, length) < 0 ? -ENOENT : 0;
        length = strnlen(name, length);
        at = path_deleted(at);
    }
    at = error ? NULL : path_prepend(w.buffer->text + PATH_MAX, at, name, length);
    length = error ? error : at ? tell_below(m, p, &w, dir, at) : -ENAMETOOLONG;
    walk_end(&w);
    return length;
}

/* Copies the path of an object that the name cache has a name for. May wait. */
static int64_t tell_object(struct message *m, struct process *p, unsigned service, uint64_t object)
{
    struct node *n = node_find(service, object);
    return n ? tell(m, p, n, m->w[2], false) : -ENOENT;
}

int64_t do_getcwd(struct message *m)
{
    size_t size = m->w[1];
    struct process *p = process_of(m->from);
    int error = aim(m, m->w[0], size, WINDOW_OUT);
    return error ? error : tell(m, p, p->cwd, size, true);
}

int64_t do_path(struct message *m)
{
    struct process *p = process_find(m->w[0]);
    struct node *n;
    if (!p)
        return -ENOENT;
    switch (m->w[3]) {
    case VFS_PATH_CWD: n = p->cwd; break;
    case VFS_PATH_ROOT: return tell(m, process_of(m->from), p->root, m->w[2], false);
    case VFS_PATH_OBJECT: return tell_object(m, p, m->w[4], m->w[5]);
    case VFS_PATH_FILE: {
        int64_t length = tell_object(m, p, m->w[4], m->w[5]);
        return length == -ENOENT ? tell_nameless(m, p, m->w[4], m->w[5]) : length;
    }
    case VFS_PATH_PROGRAM: {
        int error = mount_node(m->w[4], m->object, &n);
        if (error)
            return error;
        node_pin(n);
        int64_t length = tell_program(m, p, n);
        node_unpin(n);
        return length;
    }
    default: return -EINVAL;
    }
    return tell(m, p, n, m->w[2], false);
}
