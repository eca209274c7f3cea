/* Calls that change what stands in the inode: mode, owner, times, size. VFS decides what the user
 * may do; the file server makes the change, and the node follows it. */
#include "handlers.h"
#include "pass.h"
#include "walk.h"

/* Whether the node's attributes can be changed at all: 0; -EROFS; -EPERM: an open device, whose
 * driver has none to keep. */
static int changeable(const struct node *n)
{
    if (n->mount == NO_MOUNT)
        return (n->mode & S_IFMT) == S_IFIFO ? 0 : -EPERM;
    return read_only(n) ? -EROFS : 0;
}

/* Makes a change of mode or owner at the file server, and in the node, which the walk has found and
 * which is locked. 0, what changeable() says, or what the file server says. May wait.
 *
 * VFS waits for the answer, and does not hand the call over as it does with times, which no node
 * has. Handed over, the node would be changed before the answer, and a change that the file server
 * then refuses would have granted what it must not; or the node's attributes would be dropped and
 * asked for again, and the answer to that could be older than the change. */
static int set_attributes(const struct walk *walk, const struct fs_attr *a)
{
    struct node *n = walk->node;
    uint64_t w[6];
    int error = changeable(n);
    if (error)
        return error;
    fs_attr_words(a, w);
    error = call_window(
        n->service,
        &(struct call_args){ .op = FS_SETATTR, .w0 = node_object(walk->dir), .object = n->object },
        WINDOW_NONE, (void *)w[1], w[2], NULL);
    changes++;
    if (error)
        return error;
    if (a->which & ATTR_MODE)
        n->mode = (n->mode & S_IFMT) | (a->mode & 07777);
    if (a->which & ATTR_UID)
        n->uid = a->uid;
    if (a->which & ATTR_GID)
        n->gid = a->gid;
    return 0;
}

/* ---- mode ---- */

/* chmod of what the walk found, which is locked. The set-group-id bit goes if the user is not in
 * the file's group. */
static int mode_locked(const struct walk *w, uint32_t mode)
{
    struct node *n = w->node;
    if (read_only(n))
        return -EROFS;
    if (!is_owner(&w->as, n))
        return -EPERM;
    if (S_ISLNK(n->mode))
        return -EOPNOTSUPP;
    mode &= 07777;
    if (!subject_can(&w->as, CAP_FSETID) && !in_group(&w->as, n->gid))
        mode &= ~(uint32_t)S_ISGID;
    return set_attributes(w, &(struct fs_attr){ .which = ATTR_MODE, .mode = mode });
}

/* A file that is on its way to another owner must not get set-id bits from the former one. */
static int change_mode(const struct walk *w, uint32_t mode)
{
    node_lock(w->node);
    int error = mode_locked(w, mode);
    node_unlock(w->node);
    return error;
}

/* The common beginning of the calls by descriptor, w[0] of m: a walk whose node is its object. */
static int by_descriptor(struct message *m, struct walk *w)
{
    int error = walk_begin(w, process_of(m->from), 0);
    if (error)
        return error;
    error = walk_descriptor(w, m->w[0], false);
    if (error)
        walk_end(w);
    return error;
}

/* Whether a call's AT_ flags, an int, are only those that change mode, owner and times know. */
static bool at_flags_known(uint64_t flags)
{
    return !(flags & 0xffffffff & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
}

int64_t do_chmod(struct message *m)
{
    struct walk w;
    if (!at_flags_known(m->w[3]))
        return -EINVAL;
    uint32_t mode = m->w[2];
    int error = walk_start(&w, m, walk_how_at(m->w[3]));
    if (error)
        return error;
    error = change_mode(&w, mode);
    walk_end(&w);
    return error;
}

int64_t do_fchmod(struct message *m)
{
    struct walk w;
    int error = by_descriptor(m, &w);
    if (error)
        return error;
    error = change_mode(&w, m->w[1]);
    walk_end(&w);
    return error;
}

/* ---- owner ---- */

/* chown of what the walk found, which is locked; a uid or gid of -1 stays as it is. A change of
 * either clears the set-id bits, even when root makes it. */
static int owner_locked(const struct walk *w, uint32_t uid, uint32_t gid)
{
    enum { SAME = -1 };
    struct node *n = w->node;
    struct fs_attr a = { .which = 0, .uid = uid, .gid = gid };
    if (read_only(n))
        return -EROFS;
    if (uid != (uint32_t)SAME) {
        a.which |= ATTR_UID;
        if (!subject_can(&w->as, CAP_CHOWN) && (w->as.uid != n->uid || uid != n->uid))
            return -EPERM;
    }
    if (gid != (uint32_t)SAME) {
        a.which |= ATTR_GID;
        if (!subject_can(&w->as, CAP_CHOWN) &&
            (w->as.uid != n->uid || (gid != n->gid && !in_group(&w->as, gid))))
            return -EPERM;
    }
    /* a write may have cleared set-id bits at the file server */
    int error = n->mode & (S_ISUID | S_ISGID) ? node_refresh(n) : 0;
    if (error)
        return error;
    if (!S_ISDIR(n->mode)) {
        uint32_t mode = n->mode & ~(uint32_t)S_ISUID;
        if (mode & 010)
            mode &= ~(uint32_t)S_ISGID;
        if (mode != n->mode) {
            if (!is_owner(&w->as, n))
                return -EPERM;
            a.which |= ATTR_MODE;
            a.mode = mode & 07777;
        }
    }
    return set_attributes(w, &a);
}

static int change_owner(const struct walk *w, uint32_t uid, uint32_t gid)
{
    node_lock(w->node);
    int error = owner_locked(w, uid, gid);
    node_unlock(w->node);
    return error;
}

int64_t do_chown(struct message *m)
{
    struct walk w;
    if (!at_flags_known(m->w[4]))
        return -EINVAL;
    uint32_t uid = m->w[2], gid = m->w[3];
    int error = walk_start(&w, m, walk_how_at(m->w[4]));
    if (error)
        return error;
    error = change_owner(&w, uid, gid);
    walk_end(&w);
    return error;
}

int64_t do_fchown(struct message *m)
{
    struct walk w;
    int error = by_descriptor(m, &w);
    if (error)
        return error;
    error = change_owner(&w, m->w[1], m->w[2]);
    walk_end(&w);
    return error;
}

/* ---- times ---- */

enum { UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe };

/* Translates Linux's struct timespec[2] into *a. *touch: both times become the present, for which
 * permission to write is enough. 0, -EINVAL. */
static int times_wanted(struct timespec64 *times, struct fs_attr *a, bool *touch)
{
    struct timespec64 now;
    time_wall(&now.sec, &now.nsec);
    *touch = times[0].nsec == UTIME_NOW && times[1].nsec == UTIME_NOW;
    for (unsigned i = 0; i < 2; i++) {
        if (times[i].nsec == UTIME_OMIT)
            continue;
        if (times[i].nsec == UTIME_NOW)
            times[i] = now;
        else if (times[i].nsec < 0 || times[i].nsec >= SECOND)
            return -EINVAL;
        a->which |= i ? ATTR_MTIME : ATTR_ATIME;
    }
    a->atime = times[0];
    a->mtime = times[1];
    return 0;
}

/* Reads the program's times, in one of three forms. 0, -EINVAL, -EFAULT. */
static int read_times(struct message *m, caller_t from, unsigned form, struct timespec64 *times)
{
    enum { MICROSECONDS = 1000000 };
    int64_t words[4];
    size_t size = form == VFS_TIMES_UTIMBUF ? sizeof words / 2 : sizeof words;
    int error = aim(m, from, size, WINDOW_IN);
    if (!error)
        error = copy_in(m, 0, words, size);
    for (unsigned i = 0; i < 2 && !error; i++) {
        if (form == VFS_TIMES_UTIMBUF) {
            times[i] = (struct timespec64){ words[i], 0 };
            continue;
        }
        times[i] = (struct timespec64){ words[2 * i], words[2 * i + 1] };
        if (form != VFS_TIMES_TIMEVAL)
            continue;
        if (times[i].nsec < 0 || times[i].nsec >= MICROSECONDS)
            return -EINVAL;
        times[i].nsec *= SECOND / MICROSECONDS;
    }
    return error;
}

/* The end of utimens for what the walk found: its result. */
static int64_t change_times(const struct walk *w, struct message *m, const struct fs_attr *a,
                            bool touch)
{
    const struct node *n = w->node;
    int error = changeable(n);
    if (!error && !is_owner(&w->as, n))
        error = touch ? permission(&w->as, n, MAY_WRITE) : -EPERM;
    if (error)
        return error;
    fs_attr_words(a, m->w);
    m->w[0] = node_object(w->dir);
    return pass_node(m, FS_SETATTR, n, WINDOW_NONE);
}

int64_t do_utimens(struct message *m)
{
    struct walk w;
    struct fs_attr a = { .which = 0 };
    struct timespec64 times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
    caller_t path = m->w[1], buffer = m->w[2];
    uint64_t flags = m->w[3];
    bool open_file = !path && !walk_is_cwd(m->w[0]), touch;
    int error = 0;
    if (buffer)
        error = read_times(m, buffer, m->w[4], times);
    if (error || (times[0].nsec == UTIME_OMIT && times[1].nsec == UTIME_OMIT))
        return error;
    if (!at_flags_known(flags) || (open_file && flags & 0xffffffff))
        return -EINVAL;
    error = walk_begin(&w, process_of(m->from), walk_how_at(flags));
    if (error)
        return error;
    int64_t result = open_file ? walk_descriptor(&w, m->w[0], false)
                               : walk_at(&w, m, m->w[0], path);
    if (!result)
        result = times_wanted(times, &a, &touch);
    if (!result)
        result = change_times(&w, m, &a, touch);
    walk_end(&w);
    return result;
}

/* ---- size ---- */

int64_t do_truncate(struct message *m)
{
    struct walk w;
    uint64_t size = m->w[2];
    if ((int64_t)size < 0)
        return -EINVAL;
    int64_t result = walk_start(&w, m, WALK_FOLLOW);
    if (result)
        return result;
    const struct node *n = w.node;
    result = S_ISDIR(n->mode)    ? -EISDIR
             : !S_ISREG(n->mode) ? -EINVAL
                                 : permission(&w.as, n, MAY_WRITE);
    if (!result) {
        m->w[0] = node_object(w.dir);
        m->w[1] = size;
        m->w[4] = m->w[3];
        result = pass_node(m, FS_TRUNCATE, n, WINDOW_NONE);
    }
    walk_end(&w);
    return result;
}
