/* Calls that put names into directories: mkdir, mknod, symlink, link; and open, by create_node().
 */
#include "create.h"

#include "handlers.h"
#include "pass.h"
#include "walk.h"

/* 0 if a new name can be put where the walk ended; -EEXIST, -ENOENT, -EROFS, -EACCES. The name of a
 * `directory` may have slashes behind it. */
static int new_name(const struct walk *w, bool directory)
{
    if (w->last != LAST_NAME || w->node)
        return -EEXIST;
    if (w->slash && !directory)
        return -ENOENT;
    return may_create(&w->as, w->dir);
}

int create_node(struct walk *w, uint32_t mode, uint32_t rdev, struct node **node)
{
    int error = may_create(&w->as, w->dir);
    if (error)
        return error;
    uint32_t gid;
    struct call_result r;
    mode = create_mode(&w->as, w->dir, mode, &gid);
    error = call_window(w->dir->service,
                        &(struct call_args){ .op = FS_CREATE,
                                             .object = w->dir->object,
                                             .w3 = mode,
                                             .w4 = (uint64_t)w->as.uid << 32 | gid,
                                             .w5 = rdev },
                        WINDOW_IN, (void *)(uintptr_t)w->name, w->length, &r);
    changes++;
    if (error) {
        name_drop(w->dir, w->name, w->length);
        return error;
    }
    /* who has found it meanwhile may have changed it already */
    struct node *n = mount_type(&mounts[w->dir->mount])->changing
                         ? NULL
                         : node_find(w->dir->service, r.r1);
    if (!n)
        n = node_set(w->dir->service, r.r1, w->dir->mount,
                     &(struct attributes){ mode, w->as.uid, gid, rdev });
    if (!n)
        return -ENFILE;
    name_set(w->dir, w->name, w->length, n);
    if (node)
        *node = n;
    return 0;
}

static int64_t create(struct message *m, uint32_t mode, uint32_t rdev)
{
    struct walk w;
    int error = walk_start(&w, m, WALK_ENTRY | WALK_ABSENT);
    if (error)
        return error;
    error = new_name(&w, S_ISDIR(mode));
    if (!error)
        error = create_node(&w, mode, rdev, NULL);
    walk_end(&w);
    return error;
}

int64_t do_mkdir(struct message *m) { return create(m, S_IFDIR | (m->w[2] & (0777 | S_ISVTX)), 0); }

int64_t do_mknod(struct message *m)
{
    uint32_t mode = m->w[2] & (S_IFMT | 07777), rdev = m->w[3];
    switch (mode & S_IFMT) {
    case 0:
        mode |= S_IFREG;
        rdev = 0;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK: rdev = 0; break;
    case S_IFCHR:
    case S_IFBLK:
        if (!process_can(process_of(m->from), CAP_MKNOD))
            return -EPERM;
        break;
    case S_IFDIR: return -EPERM;
    default: return -EINVAL;
    }
    return create(m, mode, rdev);
}

int64_t do_bind(struct message *m)
{
    struct walk w;
    struct node *n;
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    int error = walk_begin(&w, process_of(m->w[0]), WALK_ENTRY | WALK_ABSENT);
    if (error)
        return error;
    error = walk_window(&w, m, (uint64_t)AT_FDCWD);
    if (!error)
        error = new_name(&w, false);
    if (!error)
        error = create_node(&w, S_IFSOCK | (m->w[3] & 0777), 0, &n);
    if (!error)
        reply_words(m, n->service, n->object, 0);
    walk_end(&w);
    return error;
}

/* ---- names for what there is ---- */

/* FS_SYMLINK takes name and target in one piece. */
static int symlink_at(struct walk *w, const char *target, size_t length)
{
    int error = new_name(w, false);
    if (error)
        return error;
    char both[NAME_MAX + PATH_MAX];
    uint32_t gid;
    create_mode(&w->as, w->dir, S_IFLNK | 0777, &gid);
    memcpy(both, w->name, w->length);
    memcpy(both + w->length, target, length);
    error = call_window(w->dir->service,
                        &(struct call_args){ .op = FS_SYMLINK,
                                             .object = w->dir->object,
                                             .w3 = w->length,
                                             .w4 = (uint64_t)w->as.uid << 32 | gid },
                        WINDOW_IN, both, w->length + length, NULL);
    changes++;
    name_drop(w->dir, w->name, w->length);
    return error;
}

int64_t do_symlink(struct message *m)
{
    struct walk w, target;
    struct process *p = process_of(m->from);
    uint64_t directory = m->w[1];
    caller_t path = m->w[2];
    int length, error = walk_begin(&target, p, 0); /* for its buffer */
    if (error)
        return error;
    error = aim(m, m->w[0], PATH_MAX, WINDOW_IN);
    if (!error) {
        length = copy_string(m, 0, target.buffer->text, PATH_MAX);
        error = length < 0 ? length : length == 0 ? -ENOENT : 0;
    }
    if (!error)
        error = walk_begin(&w, p, WALK_ENTRY | WALK_ABSENT);
    if (!error) {
        error = walk_at(&w, m, directory, path);
        if (!error)
            error = symlink_at(&w, target.buffer->text, length);
        walk_end(&w);
    }
    walk_end(&target);
    return error;
}

/* Whether a user may give a file another name. A user who does not own the file must be able to
 * read and write it, and it must have no set-id bits: a link would keep a program with set-id bits
 * alive after its replacement (Linux: fs.protected_hardlinks). */
static bool may_link(const struct walk *w, const struct node *n)
{
    bool harmless = S_ISREG(n->mode) && !(n->mode & S_ISUID) &&
                    (n->mode & (S_ISGID | 010)) != (S_ISGID | 010);
    return is_owner(&w->as, n) || (harmless && permission(&w->as, n, MAY_READ | MAY_WRITE) == 0);
}

static int link_at(struct walk *w, struct node *old)
{
    if (w->last != LAST_NAME || w->node)
        return -EEXIST;
    if (w->slash)
        return -ENOENT;
    if (w->dir->mount != old->mount)
        return -EXDEV;
    int error = may_link(w, old) ? may_create(&w->as, w->dir) : -EPERM;
    if (!error && S_ISDIR(old->mode))
        error = -EPERM;
    if (error)
        return error;
    error = call_window(
        w->dir->service,
        &(struct call_args){ .op = FS_LINK, .object = w->dir->object, .w3 = old->object },
        WINDOW_IN, (void *)(uintptr_t)w->name, w->length, NULL);
    changes++;
    if (error)
        name_drop(w->dir, w->name, w->length);
    else
        name_set(w->dir, w->name, w->length, old);
    return error;
}

int64_t do_link(struct message *m)
{
    struct walk old, w;
    uint64_t directory = m->w[2];
    caller_t path = m->w[3];
    uint32_t flags = m->w[4];
    if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH && !process_can(process_of(m->from), CAP_DAC_READ_SEARCH))
        return -ENOENT;
    int error = walk_start(&old, m,
                           (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
                               (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0));
    if (error)
        return error;
    error = walk_begin(&w, process_of(m->from), WALK_ENTRY | WALK_ABSENT);
    if (!error) {
        error = walk_at(&w, m, directory, path);
        if (!error)
            error = link_at(&w, old.node);
        walk_end(&w);
    }
    walk_end(&old);
    return error;
}
