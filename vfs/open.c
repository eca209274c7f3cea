/* VFS_OPEN: finds or makes the file, then forwards the call to the service that owns the object,
 * which connects the caller. */
#include "create.h"
#include "device_table.h"
#include "handlers.h"
#include "pass.h"
#include "walk.h"

enum {
    TMPFILE = O_TMPFILE & ~O_DIRECTORY,
    PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC,
    ATTEMPTS = 4
};

/* Opens a device node: forwards the call to the driver of its number; for a terminal to POSIX,
 * which may make it the controlling terminal and goes on to the driver. FORWARDED, -EACCES (the
 * mount has no devices), -ENXIO. */
static int64_t open_device(struct message *m, const struct node *n, uint32_t flags)
{
    uint64_t object;
    bool character = (n->mode & S_IFMT) == S_IFCHR;
    const struct device *d = device_find(n->rdev, &object);
    if (n->mount != NO_MOUNT && mounts[n->mount].flags & MS_NODEV)
        return -EACCES;
    if (!d)
        return -ENXIO;
    if (character && d->kind == DEVICE_OWN_TERMINAL) {
        m->op = POSIX_TTY_NAME;
        m->w[0] = flags;
        return pass(m, service_find("posix"));
    }
    if (character && d->kind == DEVICE_TERMINAL && !(flags & O_NOCTTY)) {
        m->op = POSIX_TTY_OPEN;
        m->w[0] = flags;
        m->w[1] = makedev(dev_major(DEV_TTY1), object);
        return pass(m, service_find("posix"));
    }
    m->op = FS_OPEN;
    m->w[1] = flags;
    m->object = object;
    m->position = m->flags = 0;
    return pass(m, service_find(d->service));
}

static int64_t open_node(struct message *m, const struct node *n, uint32_t flags)
{
    if (n->mount != NO_MOUNT && !(flags & O_PATH)) {
        switch (n->mode & S_IFMT) {
        case S_IFCHR:
        case S_IFBLK: return open_device(m, n, flags);
        case S_IFIFO:
            m->op = PIPE_OPEN;
            m->w[0] = flags;
            m->w[1] = (uint64_t)n->service << 56;
            m->w[2] = n->object;
            return pass(m, service_find("pipe"));
        case S_IFSOCK: return -ENXIO;
        }
    }
    m->w[1] = flags;
    return pass_node(m, FS_OPEN, n, WINDOW_NONE);
}

static unsigned wanted(uint32_t flags)
{
    static const uint8_t by_mode[] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
                                       MAY_READ | MAY_WRITE };
    return by_mode[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static int may_open(const struct walk *w, const struct node *n, uint32_t flags)
{
    if (flags & O_CREAT && S_ISDIR(n->mode))
        return -EISDIR;
    if (flags & O_DIRECTORY && !S_ISDIR(n->mode))
        return -ENOTDIR;
    if (flags & O_PATH)
        return 0;
    unsigned may = wanted(flags);
    if (S_ISLNK(n->mode))
        return -ELOOP;
    if (S_ISDIR(n->mode) && may & MAY_WRITE)
        return -EISDIR;
    int error = permission(&w->as, n, may);
    if (!error && flags & O_NOATIME && !is_owner(&w->as, n))
        error = -EPERM;
    return error;
}

/* Opens what the walk found, or makes a file if it found nothing. -EEXIST also when another caller
 * has made the file since the walk. */
static int64_t open_walked(struct message *m, struct walk *w, uint32_t flags, uint32_t mode)
{
    struct node *n = w->node;
    if (n) {
        int error = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ? -EEXIST
                                                                       : may_open(w, n, flags);
        if (error)
            return error;
        if ((flags & TMPFILE) == TMPFILE)
            return -EOPNOTSUPP;
        return open_node(m, n, flags);
    }
    int error = create_node(w, S_IFREG | (mode & 07777), 0, &n);
    return error ? error : open_node(m, n, flags & ~(uint32_t)O_TRUNC);
}

int64_t do_open(struct message *m)
{
    uint32_t flags = m->w[2] & O_ALL, mode = m->w[3];
    uint64_t directory = m->w[0];
    unsigned how = WALK_FOLLOW;
    if (flags & O_PATH)
        flags &= PATH_FLAGS;
    if ((flags & O_TMPFILE) == O_TMPFILE && (flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL;
    if (flags & O_CREAT)
        how = WALK_FILE | WALK_ABSENT | (flags & O_EXCL ? 0 : WALK_FOLLOW);
    if (flags & O_NOFOLLOW)
        how &= ~(unsigned)WALK_FOLLOW;
    struct walk w;
    int64_t result = walk_start(&w, m, how);
    if (result)
        return result;
    for (unsigned n = 0;; n++) {
        result = open_walked(m, &w, flags, mode);
        if (result != -EEXIST || flags & O_EXCL || n == ATTEMPTS)
            break;
        result = walk_window(&w, m, directory); /* another caller made the file: open that */
        if (result)
            break;
    }
    walk_end(&w);
    return result;
}
