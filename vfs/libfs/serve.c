/* The protocol FS on one node: attributes and mounts; and the table of all handlers. Each handler
 * gets the node, makes the checks that are the same for all file systems, calls the server's
 * operation, and puts the node. */
#include "attributes.h"
#include "file.h"
#include "handlers.h"
#include "lease.h"
#include "watch.h"

/* ---- Attributes ---- */

/* What FS_STAT brings, in the room that the reply has for it. */
struct ON_STACK stat_reply {
    struct stat s;
};
_Static_assert(sizeof(struct stat_reply) <= REPLY_ROOM, "a reply has room for a struct stat");

static int64_t do_stat(struct message *m)
{
    struct stat_reply *r = reply_room(m);
    struct fs_node *n = fs_ops.get(m->object);
    int error = fs_error(n);
    if (error)
        return error;
    r->s = (struct stat){
        .dev = n->mount->dev,
        .ino = n->ino,
        .nlink = n->links,
        .mode = n->mode,
        .uid = n->uid,
        .gid = n->gid,
        .rdev = n->rdev,
        .size = n->size,
        .blksize = PAGE_SIZE,
        .blocks = n->blocks,
        .atime = n->atime,
        .mtime = n->mtime,
        .ctime = n->ctime,
    };
    if (m->from < MAX_SERVICE)
        r->s.btime = n->btime;
    if (fs_ops.stat)
        error = fs_ops.stat(n, &r->s);
    fs_put(n);
    reply_bytes(m, &r->s, sizeof r->s);
    return error;
}

static void set_attributes(struct fs_node *n, const struct fs_attr *a)
{
    if (a->which & ATTR_MODE)
        n->mode = (n->mode & S_IFMT) | (a->mode & 07777);
    if (a->which & ATTR_UID)
        n->uid = a->uid;
    if (a->which & ATTR_GID)
        n->gid = a->gid;
    if (a->which & ATTR_ATIME)
        n->atime = a->atime;
    if (a->which & ATTR_MTIME)
        n->mtime = a->mtime;
    n->ctime = fs_now();
    fs_changed(n);
}

/* The event of a change of attributes (Linux: fsnotify_change). */
static uint32_t event_of(const struct fs_attr *a)
{
    uint32_t times = a->which & (ATTR_ATIME | ATTR_MTIME);
    return a->which & ~times || times == (ATTR_ATIME | ATTR_MTIME) ? IN_ATTRIB
           : times == ATTR_ATIME                                   ? IN_ACCESS
                                                                   : IN_MODIFY;
}

static int64_t do_setattr(struct message *m)
{
    struct fs_attr a = fs_attr_of(m->w);
    struct fs_node *n = fs_ops.get(m->object);
    int error = fs_error(n);
    if (error)
        return error;
    if (n->mount->read_only)
        error = -EROFS;
    else if (fs_ops.setattr)
        error = fs_ops.setattr(n, &a);
    if (!error) {
        set_attributes(n, &a);
        fs_found_in(n, m->w[0]);
        fs_event(n, event_of(&a));
    }
    fs_put(n);
    return error;
}

/* What FS_XATTR reads or changes, of a held node. `value` has room for ATTRIBUTES_MAX bytes. */
static int64_t xattr_locked(struct fs_node *n, unsigned action, const struct attribute *a,
                            char *value)
{
    if (action == FS_XATTR_GET)
        return fs_ops.attribute_get(n, a, value);
    if (action == FS_XATTR_LIST)
        return fs_ops.attribute_list(n, value);
    if (n->mount->read_only)
        return -EROFS;
    int error = fs_ops.attribute_set(n, a);
    if (!error) {
        n->ctime = fs_now();
        fs_changed(n);
    }
    return error;
}

static int64_t do_xattr(struct message *m)
{
    char name[NAME_MAX], value[ATTRIBUTES_MAX];
    uint64_t length = m->w[3], action = m->w[4];
    struct attribute a = { .remove = action == FS_XATTR_REMOVE,
                           .flags = m->w[5],
                           .value = value,
                           .size = action == FS_XATTR_SET ? m->w[2] - length : 0 };
    if (!fs_ops.attribute_set)
        return -EOPNOTSUPP;
    if (length > sizeof name || length > m->w[2] || a.size > sizeof value)
        return -EINVAL;
    int error = length ? copy_in(m, 0, name, length) : 0;
    if (!error && a.size)
        error = copy_in(m, length, value, a.size);
    if (!error && action != FS_XATTR_LIST)
        error = attribute_name(name, length, &a);
    struct fs_node *n = error ? fs_failed(error) : fs_ops.get(m->object);
    if (fs_error(n))
        return fs_error(n);
    lock_node(n);
    int64_t result = xattr_locked(n, action, &a, value);
    unlock_node(n);
    fs_found_in(n, m->w[0]);
    if (!result && (action == FS_XATTR_SET || action == FS_XATTR_REMOVE))
        fs_event(n, IN_ATTRIB);
    fs_put(n);
    if (result > 0 && (uint64_t)result > m->w[2] - length)
        return -ERANGE;
    /* behind the name, which is read again if this service dies before it has answered */
    error = result > 0 ? copy_out(m, length, value, result) : 0;
    return error ? error : result;
}

/* ---- Mounts ---- */

int fs_corrupt(struct fs_mount *m, const char *what, uint64_t number)
{
    if (!m->reported)
        print("corrupt file system: %s (%lu); %s should be run", what, number, fs_ops.checker);
    m->reported = true;
    return -EUCLEAN;
}

static int remount(uint64_t root, bool read_only)
{
    struct fs_node *n = fs_ops.get(root);
    int error = fs_error(n);
    if (error)
        return error;
    if (fs_ops.remount)
        error = fs_ops.remount(n->mount, read_only);
    else
        n->mount->read_only = read_only;
    fs_put(n);
    return error;
}

static int64_t do_mount(struct message *m)
{
    char options[128] = "";
    if (m->w[5] & MS_REMOUNT)
        return remount(m->object, m->w[5] & MS_RDONLY);
    size_t length = MIN(m->w[2], sizeof options - 1);
    if (length && copy_in(m, 0, options, length))
        return -EFAULT;
    struct fs_source s = { .service = m->w[3],
                           .object = m->w[4],
                           .dev = m->position,
                           .read_only = m->w[5] & MS_RDONLY,
                           .options = options };
    struct fs_node *root = fs_ops.mount(&s);
    if (fs_error(root))
        return fs_error(root);
    reply_words(m, root->object, root->mount->dev, 0);
    fs_put(root);
    return 0;
}

static int64_t do_unmount(struct message *m)
{
    return fs_ops.unmount ? fs_ops.unmount(m->object) : 0;
}

static int64_t do_statfs(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int error = fs_error(n);
    if (error)
        return error;
    struct statfs s = { .bsize = PAGE_SIZE,
                        .namelen = NAME_MAX,
                        .flags = n->mount->read_only ? MS_RDONLY : 0 };
    struct fs_mount *mount = n->mount;
    fs_put(n);
    error = fs_ops.statfs(mount, &s);
    s.frsize = s.bsize;
    return error ? error : copy_out(m, 0, &s, sizeof s);
}

/* ---- Serving ---- */

const handler_t fs_handlers[FS_HANDLERS] = {
    [op_number(FS_READ)] = fs_do_read,     [op_number(FS_WRITE)] = fs_do_write,
    [op_number(FS_SEEK)] = fs_do_seek,     [op_number(FS_DENTS)] = fs_do_dents,
    [op_number(FS_STAT)] = do_stat,        [op_number(FS_TRUNCATE)] = fs_do_truncate,
    [op_number(FS_SYNC)] = fs_do_sync,     [op_number(FS_IOCTL)] = fs_do_ioctl,
    [op_number(FS_POLL)] = fs_poll,        [op_number(FS_STATFS)] = do_statfs,
    [op_number(FS_OPEN)] = fs_do_open,     [op_number(FS_LOOKUP)] = fs_do_lookup,
    [op_number(FS_CREATE)] = fs_do_create, [op_number(FS_SYMLINK)] = fs_do_symlink,
    [op_number(FS_LINK)] = fs_do_link,     [op_number(FS_UNLINK)] = fs_do_unlink,
    [op_number(FS_RENAME)] = fs_do_rename, [op_number(FS_READLINK)] = fs_do_readlink,
    [op_number(FS_SETATTR)] = do_setattr,  [op_number(FS_NAME)] = fs_do_name,
    [op_number(FS_MOUNT)] = do_mount,      [op_number(FS_UNMOUNT)] = do_unmount,
    [op_number(FS_PAGES)] = fs_do_pages,   [op_number(FS_UNPIN)] = fs_do_unpin,
    [op_number(FS_HOLD)] = fs_do_hold,     [op_number(FS_RESERVE)] = fs_do_reserve,
    [op_number(FS_SEALS)] = fs_do_seals,   [op_number(FS_ALLOCATE)] = fs_do_allocate,
    [op_number(FS_XATTR)] = do_xattr,      [op_number(FS_WATCH)] = fs_do_watch,
    [op_number(FS_EVENTS)] = fs_do_events, [op_number(FS_DENTS_OLD)] = fs_do_dents,
    [op_number(FS_LEASE)] = fs_do_lease,
};

void fs_serve(void (*notify)(uint64_t bits))
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers) };
    service_run(&(struct service){ .protocols = protocols,
                                   .count = 1,
                                   .threads = fs_ops.threads,
                                   .notify = notify,
                                   .release = fs_release });
}
