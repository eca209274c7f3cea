/* The protocol FS on open files: opening and closing them, and holding those that are mapped. */
#include "file.h"
#include "handlers.h"
#include "lease.h"
#include "watch.h"

#include "share.h"

/* The nodes that are open or held, as a share of open_max. The user whose call opened or held a
 * node first is charged for it. */
static struct share open_share;

/* These stand around each change of n->opens and n->holds: account_held() before they go up (0 or
 * -ENFILE), account_let_go() after they went down, or did not go up. */
static int account_held(struct fs_node *n, call_t call)
{
    uint32_t most = fs_ops.open_max;
    if (!most || n->opens || n->holds)
        return 0;
    if (!open_share.capacity)
        open_share = (struct share)SHARE(most, most / 4, most / 2);
    n->user = share_user(&open_share, call);
    return share_take(&open_share, n->user, 1, -ENFILE);
}
static void account_let_go(const struct fs_node *n)
{
    if (fs_ops.open_max && !n->opens && !n->holds)
        share_give(&open_share, n->user, 1);
}

static int may_open(const struct fs_node *n, uint64_t flags)
{
    bool writes = fs_writes(flags), changes = writes || flags & O_TRUNC;
    if (flags & O_PATH) /* a descriptor that only stands for a name: of any type */
        return 0;
    if (S_ISDIR(n->mode) && writes)
        return -EISDIR;
    if (!S_ISDIR(n->mode) && !S_ISREG(n->mode))
        return S_ISLNK(n->mode) ? -ELOOP : -ENXIO;
    if (n->links == 0 && !n->opens && !n->holds)
        return -ENOENT;
    if (changes && n->mount->read_only)
        return -EROFS;
    return changes && n->denies ? -ETXTBSY : 0;
}

/* Connects the caller to the node and counts the open file: the descriptor, or an error. */
static int64_t connect_node(struct fs_node *n, struct message *m)
{
    uint64_t flags = fs_connection_flags(m->w[1]);
    int64_t result = account_held(n, m->call);
    if (result)
        return result;
    if (fs_ops.open)
        result = fs_ops.open(n, m, &flags);
    if (!result) {
        result = connect(m, m->object, flags);
        if (result >= 0 && !fs_ops.forgets) {
            n->opens++;
            n->paths += (m->w[1] & O_PATH) != 0;
            n->writers += fs_writes(m->w[1]) && !(m->w[1] & O_PATH);
        }
    }
    account_let_go(n);
    if (result >= 0 && !(m->w[1] & O_PATH))
        fs_event(n, IN_OPEN);
    return result;
}

/* FS_OPEN with O_TMPFILE: makes a file in the file system of `dir`, and connects the caller to it.
 * The file is there as long as it is open, or until it gets a name (FS_LINK), which O_EXCL forbids.
 */
static int64_t open_nameless(struct fs_node *dir, struct message *m)
{
    struct fs_new new = { .mode = S_IFREG | (m->w[2] & 07777),
                          .uid = m->w[4] >> 32,
                          .gid = m->w[4] };
    int error = !S_ISDIR(dir->mode)     ? -ENOTDIR
                : !fs_ops.nameless      ? -EOPNOTSUPP
                : dir->mount->read_only ? -EROFS
                                        : 0;
    if (error)
        return error;
    lock_take(&dir->mount->tree);
    struct fs_node *n = fs_ops.create(dir, NULL, &new);
    lock_give(&dir->mount->tree);
    if (fs_error(n))
        return fs_error(n);
    n->linkable = !(m->w[1] & O_EXCL);
    n->seals = fs_ops.seals ? m->w[5] : 0;
    m->w[1] &= ~(uint64_t)O_TMPFILE;
    m->object = n->object;
    int64_t descriptor = connect_node(n, m);
    /* memfd_create() is no open: a program that is written there can be run while it has it */
    if (fs_ops.seals && !n->linkable)
        n->writers = 0;
    fs_put(n);
    return descriptor;
}

int64_t fs_do_open(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int64_t result = fs_error(n);
    if (result)
        return result;
    if (__builtin_expect((m->w[1] & O_TMPFILE) == O_TMPFILE, 0)) {
        result = open_nameless(n, m);
        fs_put(n);
        return result;
    }
    if (!(m->w[1] & O_PATH) && lease_breaks(n, m, fs_writes(m->w[1]))) {
        fs_put(n);
        return lease_hand_up(m, m->w[1]);
    }
    bool empties = m->w[1] & O_TRUNC && !(m->w[1] & O_PATH) && S_ISREG(n->mode);
    fs_found_in(n, m->w[0]);
    result = may_open(n, m->w[1]);
    if (!result && empties)
        result = file_empty(n, m);
    if (!result)
        result = connect_node(n, m);
    if (empties && (result >= 0 || result == LATER))
        fs_event(n, IN_MODIFY);
    fs_put(n);
    return result;
}

void fs_release(const struct message *m)
{
    if (fs_ops.forgets)
        return;
    struct fs_node *n = fs_ops.get(m->object);
    if (fs_error(n))
        return;
    if (n->opens) {
        n->opens--;
        if (m->flags & O_PATH && n->paths)
            n->paths--;
        if (fs_writes(m->flags) && n->writers)
            n->writers--;
        account_let_go(n);
    }
    if (!(m->flags & O_PATH))
        fs_event(n, fs_writes(m->flags) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    fs_put(n);
}

/* FS_HOLD +1: PM maps the file, or a process of VFS stands in the directory. With w[2] no one may
 * write to the file meanwhile. 0, -ETXTBSY (it is open for writing), -ENFILE. */
static int64_t hold(struct fs_node *n, struct message *m)
{
    if (m->w[2] && n->writers)
        return -ETXTBSY;
    int error = account_held(n, m->call);
    if (error)
        return error;
    n->holds++;
    n->denies += m->w[2] != 0;
    file_was_read(n);
    return 0;
}

/* FS_HOLD -1. 0, or FS_HOLD_BACK: PM is to keep no pages of the file, which has no name any more,
 * or whose lent pages are the file itself. */
static int64_t let_go(struct fs_node *n, struct message *m)
{
    if (!n->holds)
        return -EINVAL;
    n->holds--;
    n->denies -= m->w[2] && n->denies;
    account_let_go(n);
    return n->links && !fs_ops.lends_own ? 0 : FS_HOLD_BACK;
}

int64_t fs_do_hold(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int64_t result = fs_error(n);
    if (result)
        return result;
    if (S_ISREG(n->mode) && !fs_ops.lend)
        result = -ENODEV; /* it cannot be mapped */
    else if (!fs_ops.forgets)
        result = (int64_t)m->w[1] > 0 ? hold(n, m) : let_go(n, m);
    fs_put(n);
    return result;
}
