/* VFS_OPEN: finds or makes the file, then forwards the call to the service that owns the object,
 * which connects the caller. */
#include "open.h"

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
    const struct vfs_cred *c = &process_of(m->from)->cred;
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
        m->w[1] = object;
        return pass(m, service_find("posix"));
    }
    m->op = FS_OPEN;
    m->w[1] = flags;
    m->w[4] = (uint64_t)c->fsuid << 32 | c->fsgid;
    m->object = object;
    m->position = m->flags = 0;
    return pass(m, service_find(d->service));
}

/* dir: the directory in which n was found, or NULL. */
static int64_t open_node(struct message *m, const struct node *dir, const struct node *n,
                         uint32_t flags)
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
    m->w[0] = node_object(dir);
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

int64_t open_found(struct message *m, const struct walk *w, const struct node *n, uint32_t flags)
{
    int error = may_open(w, n, flags);
    return error ? error : open_node(m, w->dir, n, flags);
}

/* open(2) with O_TMPFILE: the file server of the directory that the walk found makes a file without
 * a name and opens it. */
static int64_t open_nameless(struct message *m, const struct walk *w, uint32_t flags, uint32_t mode)
{
    uint32_t gid;
    int error = S_ISDIR(w->node->mode) ? may_create(&w->as, w->node) : -ENOTDIR;
    if (error)
        return error;
    m->w[1] = flags;
    m->w[2] = create_mode(&w->as, w->node, S_IFREG | (mode & 07777), &gid);
    m->w[4] = (uint64_t)w->as.uid << 32 | gid;
    m->w[5] = F_SEAL_SEAL;
    return pass_node(m, FS_OPEN, w->node, WINDOW_NONE);
}

/* Opens what the walk found, or makes a file if it found nothing. -EEXIST also when another caller
 * has made the file since the walk. */
static int64_t open_walked(struct message *m, struct walk *w, uint32_t flags, uint32_t mode)
{
    struct node *n = w->node;
    if (flags & TMPFILE)
        return open_nameless(m, w, flags, mode);
    if (n) {
        bool exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
        return exclusive ? -EEXIST : open_found(m, w, n, flags);
    }
    int error = create_node(w, S_IFREG | (mode & 07777), 0, &n);
    return error ? error : open_node(m, w->dir, n, flags & ~(uint32_t)O_TRUNC);
}

/* Opens the path in the window of m, from `directory` on. resolve: RESOLVE_... of openat2. */
static int64_t open_path(struct message *m, uint32_t flags, uint32_t mode, uint64_t resolve)
{
    uint64_t directory = m->w[0];
    unsigned how = WALK_FOLLOW;
    if (flags & O_PATH)
        flags &= PATH_FLAGS;
    if (flags & TMPFILE && (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY))
        return -EINVAL;
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL;
    if (flags & O_CREAT)
        how = WALK_FILE | WALK_ABSENT | (flags & O_EXCL ? 0 : WALK_FOLLOW);
    if (flags & O_NOFOLLOW)
        how &= ~(unsigned)WALK_FOLLOW;
    struct walk w;
    int64_t result = walk_start(&w, m, how | walk_how_resolve(resolve));
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

int64_t do_open(struct message *m) { return open_path(m, m->w[2] & O_ALL, m->w[3], 0); }

/* Reads openat2's struct open_how, of which the caller knows `size` bytes: what it knows beyond
 * ours must be 0. 0, -EINVAL, -E2BIG, -EFAULT. */
static int read_how(struct message *m, caller_t from, uint64_t size, struct open_how *how)
{
    if (size < sizeof *how)
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    int error = aim(m, from, size, WINDOW_IN);
    if (!error)
        error = copy_in(m, 0, how, sizeof *how);
    for (size_t at = sizeof *how; !error && at < size;) {
        char more[256];
        size_t n = MIN(size - at, sizeof more);
        error = copy_in(m, at, more, n);
        for (size_t k = 0; !error && k < n; k++)
            error = more[k] ? -E2BIG : 0;
        at += n;
    }
    return error;
}

/* 0 if openat2 takes this: unlike open() it refuses what it does not know. */
static int check_how(const struct open_how *h)
{
    enum { SCOPES = RESOLVE_BENEATH | RESOLVE_IN_ROOT };
    bool creates = h->flags & (O_CREAT | TMPFILE);
    if (h->flags & ~(uint64_t)O_ALL || h->resolve & ~(uint64_t)RESOLVE_ALL)
        return -EINVAL;
    if (h->mode & ~(creates ? 07777ul : 0ul) || (h->resolve & SCOPES) == SCOPES)
        return -EINVAL;
    if (h->flags & O_PATH && h->flags & ~(uint64_t)PATH_FLAGS)
        return -EINVAL;
    /* what the caches know is not asked for alone: the caller is to try without the flag */
    return h->resolve & RESOLVE_CACHED ? -EAGAIN : 0;
}

int64_t do_openat2(struct message *m)
{
    struct open_how how;
    caller_t path = m->w[1];
    int error = read_how(m, m->w[2], m->w[3], &how);
    if (!error)
        error = check_how(&how);
    if (!error)
        error = aim(m, path, PATH_MAX, WINDOW_IN);
    return error ? error : open_path(m, how.flags, how.mode, how.resolve);
}

int64_t do_memfd(struct message *m)
{
    enum { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_HUGETLB = 4, LONGEST = 249 };
    const uint32_t huge = MFD_HUGETLB | 63u << 26; /* and of what size */
    char name[LONGEST + 1];                        /* only its length matters */
    uint32_t flags = m->w[2];
    const struct vfs_cred *c = &process_of(m->from)->cred;
    const struct mount *mount = &mounts[MOUNT_MEMORY];
    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | (flags & MFD_HUGETLB ? huge : 0)))
        return -EINVAL;
    int length = copy_string(m, 0, name, sizeof name);
    if (length < 0)
        return length == -ENAMETOOLONG ? -EINVAL : length;
    if (flags & MFD_HUGETLB) /* as Linux without CONFIG_HUGETLBFS */
        return -ENOSYS;
    m->op = FS_OPEN;
    m->object = mount->object;
    m->position = m->flags = 0;
    m->w[1] = O_TMPFILE | O_EXCL | O_RDWR | O_LARGEFILE | (flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
    m->w[2] = 0777;
    m->w[4] = (uint64_t)c->fsuid << 32 | c->fsgid;
    m->w[5] = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
    return pass(m, mount->service);
}
