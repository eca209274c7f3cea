/* VFS_OPEN: finds or makes the file, then hands the caller to whoever owns it, who connects him. */
#include "vfs.h"

enum {
    TMPFILE = O_TMPFILE & ~O_DIRECTORY,
    PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC,
    ATTEMPTS = 4
};

int device_find(uint64_t rdev, endpoint_t *service, uint64_t *object)
{
    unsigned minor = dev_minor(rdev);
    *object = minor;
    switch (dev_major(rdev)) {
    case MAJOR_MEM: *service = known(SERVICE_MEM); break;
    case MAJOR_IDE: *service = known(SERVICE_ATA); break;
    case MAJOR_VIRTIO: *service = known(SERVICE_VIRTIO); break;
    case MAJOR_TTY:
        *service = known(minor < 64 ? SERVICE_CONSOLE : SERVICE_SERIAL);
        if (minor == 0)
            *object = 1;
        break;
    case MAJOR_TTYAUX: /* /dev/console is the serial line */
        *service = minor == 1 ? known(SERVICE_SERIAL) : 0;
        *object = 64;
        break;
    case MAJOR_MISC:
        *service = minor == 135   ? known(SERVICE_RTC)
                   : minor == 250 ? known(SERVICE_HOST)
                   : minor == 252 ? known(SERVICE_RS)
                   : minor == 251 ? service_find("gate")
                                  : 0;
        break;
    default: *service = 0;
    }
    return *service ? 0 : -ENXIO;
}

static int64_t open_device(struct message *m, const struct node *n, uint32_t flags)
{
    endpoint_t service;
    uint64_t object, rdev = n->rdev;
    bool character = (n->mode & S_IFMT) == S_IFCHR;
    if (n->mount != NO_MOUNT && mounts[n->mount].flags & MS_NODEV)
        return -EACCES;
    if (character && rdev == makedev(MAJOR_TTYAUX, 0)) {
        m->op = POSIX_TTY_NAME;
        m->w[0] = flags;
        return pass(m, known(SERVICE_POSIX));
    }
    if (device_find(rdev, &service, &object))
        return -ENXIO;
    unsigned major = dev_major(rdev);
    if (character && (major == MAJOR_TTY || major == MAJOR_TTYAUX) && !(flags & O_NOCTTY)) {
        m->op = POSIX_TTY_OPEN;
        m->w[0] = flags;
        m->w[1] = makedev(MAJOR_TTY, object);
        return pass(m, known(SERVICE_POSIX));
    }
    m->op = FS_OPEN;
    m->w[1] = flags;
    m->object = object;
    m->position = m->flags = 0;
    return pass(m, service);
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
            return pass(m, known(SERVICE_PIPE));
        case S_IFSOCK: return -ENXIO;
        }
    }
    m->w[1] = flags;
    return pass_node(m, FS_OPEN, n);
}

/* Which permissions the access mode asks for. */
static unsigned wanted(uint32_t flags)
{
    static const uint8_t by_mode[] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
                                       MAY_READ | MAY_WRITE };
    return by_mode[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

/* What is there already may be opened so. */
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
    int error = permission(w, n, may);
    if (!error && flags & O_NOATIME && !is_owner(w, n))
        error = -EPERM;
    return error;
}

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
    uint32_t flags = m->w[2], mode = m->w[3];
    uint64_t directory = m->w[0];
    unsigned how = WALK_FOLLOW;
    if (flags & O_PATH)
        flags &= PATH_FLAGS;
    if ((flags & O_TMPFILE) == O_TMPFILE && (flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL;
    if (flags & O_CREAT)
        how = flags & O_EXCL ? WALK_ABSENT : WALK_ABSENT | WALK_FOLLOW;
    if (flags & O_NOFOLLOW)
        how &= ~(unsigned)WALK_FOLLOW;
    struct walk *w;
    int64_t result = walk_start(&w, m, how);
    if (result)
        return result;
    for (unsigned n = 0;; n++) {
        if (flags & O_CREAT && w->slash)
            result = -EISDIR;
        else
            result = open_walked(m, w, flags, mode);
        if (result != -EEXIST || flags & O_EXCL || n == ATTEMPTS)
            break;
        result = walk_window(w, m, directory); /* somebody was quicker: open his */
        if (result)
            break;
    }
    walk_end(w);
    return result;
}
