/* mount(2) and umount(2): putting file systems on directories and taking them off; the root, at the
 * start. */
#include "device_table.h"
#include "getcwd.h"
#include "handlers.h"
#include "pass.h"
#include "syscalls.h"
#include "walk.h"

enum { TYPE_MAX = 32, OPTIONS_MAX = 256, MS_KNOWN = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC };
enum { MS_BIND = 4096, MS_MOVE = 8192, MS_PROPAGATION = 0x1e0000, UMOUNT_NOFOLLOW = 8 };
/* minor number of the first file system without a device */
enum { ANONYMOUS = 16 };

/* ---- putting a file system there ---- */

static struct mount *free_place(void)
{
    for (unsigned i = 0; i < MOUNTS; i++)
        if (!mounts[i].kind && i != MOUNT_MEMORY)
            return &mounts[i];
    return NULL;
}

/* The mount's point leads to the directory itself again, or to another mount on it. */
static void uncover(struct mount *m)
{
    m->point->flags &= ~NODE_COVERED;
    for (unsigned i = 0; i < MOUNTS; i++)
        if (&mounts[i] != m && mounts[i].root && mounts[i].point == m->point) {
            m->point->flags |= NODE_COVERED;
            m->point->covered = i;
        }
}

static void cut(char *to, size_t size, const char *from)
{
    size_t length = MIN(strlen(from), size - 1);
    memcpy(to, from, length);
    to[length] = 0;
}

/* The disk that a file system is on; service 0: none. */
struct source {
    endpoint_t service;
    uint64_t object, rdev;
};

/* Lends the file server the partition that it mounts, or takes it back: a file server reaches no
 * other partitions than those it has mounted. 0, -EACCES, -ENOMEM. */
static int lend(endpoint_t service, const struct source *d, bool on)
{
    return d->service ? sys_lend(service, d->service, d->object, on) : 0;
}

/* FS_MOUNT: asks the file server for its root. On success the mount has service, object, dev and
 * root. 0, -ENODEV, -EBUSY, -ENOTDIR, -ENFILE, or what the file server says. May wait. */
static int ask_root(struct mount *m, endpoint_t service, const struct source *d, char *options)
{
    struct call_result r;
    struct node *root;
    uint64_t dev = d->rdev                            ? d->rdev
                   : mount_type(m)->service[0] == 'd' ? (uint64_t)DEVFS_DEV
                                                      : makedev(0, ANONYMOUS + (m - mounts));
    int error = call_window(
        service,
        &(struct call_args){
            .op = FS_MOUNT, .w3 = d->service, .w4 = d->object, .w5 = m->flags, .position = dev },
        WINDOW_IN, options, strlen(options), &r);
    if (error)
        return error == -ENXIO ? -ENODEV : error;
    if (mount_of(service, r.r1) != NO_MOUNT)
        return -EBUSY; /* the server has only one file system, which is mounted already */
    mount_set(m, service, r.r1);
    m->dev = mount_type(m)->device ? d->rdev : r.r2;
    error = mount_node(service, r.r1, &root);
    if (!error && !S_ISDIR(root->mode))
        error = -ENOTDIR;
    if (error) {
        call_object(service, FS_UNMOUNT, r.r1, 0, 0, 0);
        return error;
    }
    node_pin(root);
    root->flags |= NODE_ROOT;
    m->root = root;
    return 0;
}

/* Mounts a file system on `point`, which is pinned; NULL for the root of everything. `path` is that
 * of the point, for /proc/mounts. A second mount without a point is MOUNT_MEMORY. 0, -EBUSY,
 * -ENODEV, -ENFILE, or what lend() and ask_root() say. May wait. */
static int attach(const struct fs_type *type, const char *source, const struct source *d,
                  struct node *point, const char *path, uint32_t flags, char *options)
{
    for (unsigned i = 0; i < MOUNTS; i++)
        if (type->device && mounts[i].kind && mounts[i].dev == d->rdev)
            return -EBUSY;
    bool memory = !point && mounts[0].root;
    struct mount *m = memory ? &mounts[MOUNT_MEMORY] : free_place();
    if (!m)
        return -ENFILE;
    endpoint_t service = service_find(type->service);
    if (!service)
        return -ENODEV;
    *m = (struct mount){ .kind = type - fs_types, .flags = flags & MS_KNOWN, .dev = d->rdev };
    cut(m->source, sizeof m->source, source);
    cut(m->path, sizeof m->path, path);
    int error = lend(service, d, true);
    if (!error) {
        error = ask_root(m, service, d, options);
        if (error)
            lend(service, d, false);
    }
    if (error) {
        mount_clear(m);
        return error;
    }
    if (point) {
        node_pin(point);
        point->flags |= NODE_COVERED;
        point->covered = m - mounts;
        m->point = point;
    }
    changes++;
    return 0;
}

/* Finds the driver and its object for a device number. 0, -ENXIO. */
static int find_disk(uint64_t rdev, struct source *d)
{
    const struct device *device = device_find(rdev, &d->object);
    d->rdev = rdev;
    d->service = device ? service_find(device->service) : 0;
    return d->service ? 0 : -ENXIO;
}

/* Mounts the root from this disk, read-only if it cannot be written. 0, or an error, which is
 * printed unless the disk is missing (-ENXIO). */
static int attach_root(const char *name, uint64_t rdev)
{
    char none[1] = "";
    struct source d;
    find_disk(rdev, &d);
    int64_t size = d.service ? call_object(d.service, FS_SEEK, d.object, 0, SEEK_END, 0) : -ENXIO;
    if (size <= 0)
        return -ENXIO;
    int error = attach(fs_type_find("ext2"), name, &d, NULL, "/", 0, none);
    if (error == -EROFS)
        error = attach(fs_type_find("ext2"), name, &d, NULL, "/", MS_RDONLY, none);
    if (error)
        print("%s: cannot be mounted: error %d", name, -error);
    return error;
}

void mount_root(void)
{
    enum { SECOND_PARTITION = 2 };
    char none[1] = "";
    struct node *dev;
    if (attach_root("/dev/vda2", DEV_VDA + SECOND_PARTITION) &&
        attach_root("/dev/hda2", DEV_HDA + SECOND_PARTITION))
        die("no root: neither vda2 nor hda2 holds an ext2 file system");
    print("root on %s%s", mounts[0].source, mounts[0].flags & MS_RDONLY ? ", read-only" : "");
    int error = walk_lookup(mounts[0].root, "dev", 3, path_hash("dev", 3), &dev);
    if (!error) {
        node_pin(dev);
        error = attach(fs_type_find("devtmpfs"), "devtmpfs", &(struct source){ 0 }, dev, "/dev", 0,
                       none);
        node_unpin(dev);
    }
    if (error)
        print("no /dev: error %d", -error);
    error = attach(fs_type_find("tmpfs"), "memfd", &(struct source){ 0 }, NULL, "", 0, none);
    if (error)
        print("no memfd_create: error %d", -error);
}

/* ---- mount(2) ---- */

/* Copies a string of the caller's at any address; NULL is the empty string. Its length, -EFAULT,
 * -ENAMETOOLONG. */
static int string_at(struct message *m, caller_t address, char *to, size_t size)
{
    to[0] = 0;
    int error = address ? aim(m, address, size, WINDOW_IN) : 0;
    return error || !address ? error : copy_string(m, 0, to, size);
}

/* Finds the block device that the path at `address` names. 0, -ENOTBLK, -ENXIO, or what walk_at()
 * says. May wait. */
static int source_device(struct message *m, caller_t address, struct source *d)
{
    struct walk w;
    uint32_t mode, rdev;
    int error = walk_begin(&w, process_of(m->from), WALK_FOLLOW);
    if (error)
        return error;
    error = walk_at(&w, m, (uint64_t)(int64_t)AT_FDCWD, address);
    if (!error) {
        mode = w.node->mode;
        rdev = w.node->rdev;
    }
    walk_end(&w);
    if (error)
        return error;
    if ((mode & S_IFMT) != S_IFBLK)
        return -ENOTBLK;
    return find_disk(rdev, d);
}

/* mount(2) with MS_REMOUNT on the root that the walk found: new flags. -EINVAL if it is no root. */
static int remount(struct walk *w, uint32_t flags)
{
    if (!(w->node->flags & NODE_ROOT))
        return -EINVAL;
    struct mount *m = &mounts[w->node->mount];
    uint32_t before = m->flags;
    if (flags & MS_RDONLY)
        m->flags |= MS_RDONLY; /* before the wait: no change may begin during it */
    struct call_args a = { .op = FS_MOUNT,
                           .object = m->object,
                           .w5 = (flags & MS_KNOWN) | MS_REMOUNT,
                           .position = m->dev };
    int error = call_window(m->service, &a, WINDOW_NONE, NULL, 0, NULL);
    m->flags = error ? before : flags & MS_KNOWN;
    return error;
}

static int mount_at(struct walk *w, const struct fs_type *type, const char *source,
                    const struct source *d, uint32_t flags, char *options)
{
    struct walk text; /* for its buffer */
    char *path;
    int error = walk_begin(&text, w->process, 0);
    if (error)
        return error;
    error = S_ISDIR(w->node->mode)
                ? path_of(w->node, mounts[0].root, text.buffer->text, PATH_MAX, &path)
                : -ENOTDIR;
    if (error >= 0)
        error = attach(type, source, d, w->node, path, flags, options);
    walk_end(&text);
    return error;
}

int64_t do_mount(struct message *m)
{
    struct walk w;
    char type_name[TYPE_MAX], options[OPTIONS_MAX], source[sizeof mounts[0].source];
    struct source device = { 0 };
    caller_t words[5];
    memcpy(words, m->w, sizeof words);
    uint32_t flags = words[3];
    if (!process_can(process_of(m->from), CAP_SYS_ADMIN))
        return -EPERM;
    if (flags & (MS_BIND | MS_MOVE | MS_PROPAGATION))
        return -EINVAL;
    int error = string_at(m, words[2], type_name, sizeof type_name);
    if (error >= 0)
        error = string_at(m, words[4], options, sizeof options);
    if (error >= 0)
        error = string_at(m, words[0], source, sizeof source);
    if (error < 0)
        return error == -ENAMETOOLONG ? -EINVAL : error;
    error = walk_begin(&w, process_of(m->from), WALK_FOLLOW);
    if (error)
        return error;
    error = walk_at(&w, m, (uint64_t)(int64_t)AT_FDCWD, words[1]);
    if (!error && flags & MS_REMOUNT) {
        error = remount(&w, flags);
    } else if (!error) {
        const struct fs_type *type = fs_type_find(type_name);
        error = !type ? -ENODEV : type->device ? source_device(m, words[0], &device) : 0;
        if (!error)
            error = mount_at(&w, type, source, &device, flags, options);
    }
    walk_end(&w);
    return error;
}

/* ---- umount(2) ---- */

/* Unmounts. The root of everything stays, and so does a mount of which more is pinned than its
 * root: a directory of a process, a walk under way, or the point of another mount. 0, -EBUSY, or
 * what FS_UNMOUNT says. May wait. */
static int detach(unsigned index)
{
    struct mount *m = &mounts[index];
    if (!m->point || node_mount_pins(index) != 1)
        return -EBUSY;
    uncover(m); /* before the wait: no walk may come in during it */
    changes++;
    int error = call_object(m->service, FS_UNMOUNT, m->object, 0, 0, 0);
    if (error) {
        m->point->flags |= NODE_COVERED;
        m->point->covered = index;
        return error;
    }
    struct source d;
    if (mount_type(m)->device && find_disk(m->dev, &d) == 0)
        lend(m->service, &d, false);
    node_unpin(m->root);
    node_unpin(m->point);
    node_forget_mount(index);
    changes++;
    mount_clear(m);
    return 0;
}

int64_t do_umount(struct message *m)
{
    struct walk w;
    caller_t path = m->w[0];
    unsigned how = m->w[1] & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW, index = NO_MOUNT;
    if (!process_can(process_of(m->from), CAP_SYS_ADMIN))
        return -EPERM;
    int error = walk_begin(&w, process_of(m->from), how);
    if (error)
        return error;
    error = walk_at(&w, m, (uint64_t)(int64_t)AT_FDCWD, path);
    if (!error && !(w.node->flags & NODE_ROOT))
        error = -EINVAL;
    if (!error)
        index = w.node->mount;
    walk_end(&w);
    return error ? error : detach(index);
}

/* ---- all mounts ---- */

int64_t do_sync(struct message *m)
{
    (void)m;
    for (unsigned i = 0; i < MOUNTS; i++)
        if (mounts[i].root)
            call_object(mounts[i].service, FS_SYNC, mounts[i].object, FS_SYNC_ALL, 0, 0);
    return 0;
}

/* The flags of a mount, as mount(8) writes them. */
static size_t options_text(const struct mount *t, char *to, size_t size)
{
    return format(to, size, "%s%s%s%s,relatime", t->flags & MS_RDONLY ? "ro" : "rw",
                  t->flags & MS_NOSUID ? ",nosuid" : "", t->flags & MS_NODEV ? ",nodev" : "",
                  t->flags & MS_NOEXEC ? ",noexec" : "");
}

/* The line of a mount in one of the forms. A mount's id is its place; the root's parent is one that
 * does not appear, as on Linux. */
static size_t mount_line(const struct mount *t, unsigned form, char *to, size_t size)
{
    enum { FIRST_ID = 2, NO_PARENT = 1 };
    char options[64];
    const char *source = t->source[0] ? t->source : "none", *type = mount_type(t)->name;
    options_text(t, options, sizeof options);
    switch (form) {
    case VFS_MOUNTS_INFO:
        return format(
            to, size, "%u %u %u:%u / %s %s - %s %s %s\n", (unsigned)(t - mounts) + FIRST_ID,
            t->point ? t->point->mount + FIRST_ID : NO_PARENT, dev_major(t->dev), dev_minor(t->dev),
            t->path, options, type, source, t->flags & MS_RDONLY ? "ro" : "rw");
    case VFS_MOUNTS_STATISTICS:
        return format(to, size, "device %s mounted on %s with fstype %s\n", source, t->path, type);
    default: return format(to, size, "%s %s %s %s 0 0\n", source, t->path, type, options);
    }
}

/* ---- sysfs(2) ---- */

/* The kind of file system with this index among those whose service is there. NULL: none has it. */
static const struct fs_type *type_at(uint32_t index)
{
    for (unsigned i = 1; i < FS_TYPES; i++)
        if (service_find(fs_types[i].service) && !index--)
            return &fs_types[i];
    return NULL;
}

/* The index of the kind that the window names. -EINVAL: there is none; -ENOENT: no name. */
static int64_t type_index(struct message *m)
{
    char name[16];
    const struct fs_type *type;
    int length = copy_string(m, 0, name, sizeof name);
    if (length <= 0 && length != -ENAMETOOLONG)
        return length ? length : -ENOENT;
    for (uint32_t i = 0; length >= 0 && (type = type_at(i)); i++)
        if (strcmp(type->name, name) == 0)
            return i;
    return -EINVAL;
}

int64_t do_types(struct message *m)
{
    const struct fs_type *type;
    int64_t n = 0, error;
    switch ((uint32_t)m->w[0]) {
    case 1: return type_index(m);
    case 2:
        if (!(type = type_at(m->w[1])))
            return -EINVAL;
        error = aim(m, m->w[2], strlen(type->name) + 1, WINDOW_OUT);
        return error ? error : copy_out(m, 0, type->name, strlen(type->name) + 1);
    case 3:
        while (type_at(n))
            n++;
        return n;
    default: return -EINVAL;
    }
}

/* VFS_MOUNTS: a read of /proc/mounts, from the reader's position on. Lines are formatted one at a
 * time; the parts of them that lie in [position, position + length) go to the window. */
int64_t do_mounts(struct message *m)
{
    char line[512];
    /* start: of this line in the whole text */
    uint64_t start = 0, done = 0, position = m->position;
    for (unsigned i = 0; i < MOUNTS && done < m->w[2]; i++) {
        const struct mount *t = &mounts[i];
        if (!t->root || i == MOUNT_MEMORY)
            continue;
        size_t length = MIN(mount_line(t, m->w[0], line, sizeof line), sizeof line - 1);
        uint64_t from = position + done;
        if (from >= start && from < start + length) {
            size_t part = MIN(start + length - from, m->w[2] - done);
            int error = copy_out(m, done, line + (from - start), part);
            if (error)
                return error;
            done += part;
        }
        start += length;
    }
    reply_position(m, position + done);
    return done;
}
