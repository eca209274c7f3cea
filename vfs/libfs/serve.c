/* The protocol FS on one node: opening, contents, pages for PM, attributes, mounts. Each handler
 * gets the node, makes the checks that are the same for all file systems, calls the server's
 * operation, and puts the node. */
#include "attributes.h"
#include "handlers.h"
#include "lease.h"
#include "watch.h"

#include "share.h"

enum { ADDRESSES_MAX = 64 /* in one FS_PAGES or FS_UNPIN */, RESERVE_MAX = 32 };

/* The node's lock, which a server with one thread does not need. */
static inline void lock_node(struct fs_node *n)
{
    if (fs_ops.threads > 1)
        lock_take(&n->lock);
}
static inline void unlock_node(struct fs_node *n)
{
    if (fs_ops.threads > 1)
        lock_give(&n->lock);
}

static int wrong_type(const struct fs_node *n) { return S_ISDIR(n->mode) ? -EISDIR : -EINVAL; }

/* The file of a call that changes its contents, held; -EISDIR, -EINVAL, -EROFS. */
static struct fs_node *get_writable(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    if (fs_error(n))
        return n;
    int error = !S_ISREG(n->mode) ? wrong_type(n) : n->mount->read_only ? -EROFS : 0;
    if (!error)
        return n;
    fs_put(n);
    return fs_failed(error);
}

/* ---- Times and modes ---- */

/* Whether a read sets atime, by the rule called relatime: if it is not newer than the last change.
 */
static bool atime_due(const struct fs_node *n)
{
    const struct timespec64 *a = &n->atime, *last = &n->mtime;
    if (n->ctime.sec != last->sec ? n->ctime.sec > last->sec : n->ctime.nsec > last->nsec)
        last = &n->ctime;
    return a->sec != last->sec ? a->sec < last->sec : a->nsec <= last->nsec;
}

static void was_read(struct fs_node *n)
{
    if (fs_ops.no_atime || !atime_due(n) || n->mount->read_only)
        return;
    n->atime = fs_now();
    fs_changed(n);
}

/* Linux keeps S_ISGID on a file without group execution when a member of the group changes it. A
 * file server does not know the caller's groups, so here the bit goes. */
static uint32_t mode_without_set_id(uint32_t mode)
{
    return S_ISREG(mode) ? mode & ~(uint32_t)(S_ISUID | S_ISGID) : mode;
}

/* The mode of a file after this call has changed its contents: set-id bits go, unless the caller is
 * privileged (Linux, file_remove_privs). */
static uint32_t mode_changed(const struct message *m, uint32_t mode)
{
    uint32_t after = mode_without_set_id(mode);
    if (after == mode) /* nearly always */
        return mode;
    bool privileged = m->from < MAX_SERVICE ? m->flags & CALL_FOR_ROOT : call_privileged(m->call);
    return privileged ? mode : after;
}

static void contents_changed(struct fs_node *n, uint32_t mode)
{
    n->mtime = n->ctime = fs_now();
    if (mode != n->mode)
        n->mode = mode;
    fs_changed(n);
}

/* ---- Contents ---- */

static int64_t do_read(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int64_t result = fs_error(n);
    if (result)
        return result;
    if (!S_ISREG(n->mode))
        result = wrong_type(n);
    else if (m->flags & O_PATH)
        result = -EBADF;
    else
        result = fs_ops.read(n, m, m->position, m->w[2]);
    if (result >= 0) {
        if (!(m->flags & O_NOATIME))
            was_read(n);
        if (result)
            fs_event(n, IN_ACCESS);
        reply_position(m, m->position + result);
    }
    fs_put(n);
    return result;
}

enum { SEALED_WRITE = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE };

/* How far a write of [position, end) gets in a file that may not grow: as on Linux, which asks page
 * by page, to the last page boundary before the file's end. */
static uint64_t end_sealed(const struct fs_node *n, uint64_t end)
{
    return n->seals & F_SEAL_GROW && end > n->size ? n->size & -(uint64_t)PAGE_SIZE : end;
}

/* FS_WRITE under the node's lock: position, limits of the size, times. The bytes, or an error. */
static int64_t write_locked(struct fs_node *n, struct message *m)
{
    uint64_t position = m->flags & O_APPEND ? n->size : m->position, limit = n->mount->size_max;
    if (!m->w[2])
        return 0;
    if (m->flags & CALL_LIMITED) /* RLIMIT_FSIZE */
        limit = MIN(limit, m->w[4]);
    if (position >= limit)
        return -EFBIG;
    uint64_t end = position + MIN(m->w[2], limit - position);
    if (__builtin_expect(n->seals & ~(unsigned)F_SEAL_SEAL, 0)) {
        end = end_sealed(n, end);
        if (n->seals & SEALED_WRITE || end <= position)
            return -EPERM;
    }
    int64_t done = fs_ops.write(n, m, position, end - position);
    if (done > 0) {
        contents_changed(n, mode_changed(m, n->mode));
        reply_position(m, position + done);
    }
    return done;
}

static int64_t do_write(struct message *m)
{
    struct fs_node *n = get_writable(m);
    int64_t result = fs_error(n);
    if (result)
        return result;
    lock_node(n);
    result = fs_ops.write ? write_locked(n, m) : -EINVAL;
    unlock_node(n);
    if (result > 0)
        fs_event(n, IN_MODIFY);
    if (result > 0 && m->flags & O_DSYNC && fs_ops.sync_node) {
        int error = fs_ops.sync_node(n, m);
        result = error ? error : result;
    }
    fs_put(n);
    return result;
}

/* To be called when a TRUNCATE (`result` is its answer), or an OPEN with O_TRUNC, has made a file
 * shorter of which PM holds pages. PM takes the pages behind `size` back from all mappings, and
 * then ends the call, or hands the OPEN back without O_TRUNC. true: PM has the call, so the handler
 * returns LATER; false: the caller is a service, for which PM must not wait. The handler holds no
 * lock that FS_UNPIN takes. */
static bool hand_to_pm(struct message *m, uint64_t size, int64_t result)
{
    if (m->from < MAX_SERVICE)
        return false;
    m->w[0] = service_self();
    m->w[4] = result;
    m->w[5] = m->op;
    m->op = PM_SHRUNK;
    m->position = size;
    forward(m, service_find("pm"));
    return true;
}

/* Sets the file's size under its lock; it may not grow over `limit`. 0, -EFBIG, or what resize
 * says. */
static int resize_locked(struct fs_node *n, struct message *m, uint64_t size, uint64_t limit)
{
    if (size > n->mount->size_max || (size > n->size && size > limit))
        return -EFBIG;
    if (n->seals & (size < n->size ? F_SEAL_SHRINK : size > n->size ? F_SEAL_GROW : 0))
        return -EPERM;
    int error = fs_ops.resize ? fs_ops.resize(n, size) : -EINVAL;
    if (!error)
        contents_changed(n, mode_changed(m, n->mode));
    return error;
}

static int64_t do_truncate(struct message *m)
{
    struct fs_node *n = get_writable(m);
    int64_t result = fs_error(n);
    if (result)
        return result;
    uint64_t size = m->w[1], limit = m->flags & CALL_LIMITED ? m->w[4] : UINT64_MAX;
    if ((int64_t)size < 0) {
        result = -EINVAL;
    } else if (!fs_writes(m->flags) && lease_breaks(n, m, true)) { /* by a path */
        result = lease_hand_up(m, O_WRONLY);
    } else if (n->denies) {
        result = -ETXTBSY;
    } else {
        lock_node(n);
        bool shorter = size < n->size;
        result = resize_locked(n, m, size, limit);
        unlock_node(n);
        if (!result && fs_watching) {
            watch_found_in(n, m->w[0]);
            watch_event(n, IN_MODIFY);
        }
        if (shorter && n->holds && hand_to_pm(m, size, result))
            result = LATER;
    }
    fs_put(n);
    return result;
}

/* 0 if FS_ALLOCATE knows the mode. */
static int check_mode(uint64_t mode)
{
    enum { HOLE = FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE };
    bool known = !(mode & ~(uint64_t)(HOLE | FALLOC_ZERO_RANGE)) &&
                 (!(mode & FALLOC_PUNCH_HOLE) || mode == HOLE);
    return known ? 0 : -EOPNOTSUPP;
}

/* FS_ALLOCATE of [from, to), under the node's lock. */
static int allocate_locked(struct fs_node *n, struct message *m, uint64_t from, uint64_t to)
{
    uint32_t mode = m->w[1];
    uint64_t before = n->size, limit = m->flags & CALL_LIMITED ? m->w[4] : UINT64_MAX;
    bool clears = mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE),
         fills = !(mode & FALLOC_PUNCH_HOLE);
    int error = 0;
    if ((clears && !fs_ops.punch) || (fills && !fs_ops.allocate))
        return -EOPNOTSUPP;
    if (to > n->mount->size_max)
        return -EFBIG;
    if ((clears && n->seals & SEALED_WRITE) || (fills && n->seals & F_SEAL_GROW && to > before))
        return -EPERM;
    if (fills && !(mode & FALLOC_KEEP_SIZE) && to > before)
        error = resize_locked(n, m, to, limit);
    if (!error && clears && from < before)
        error = fs_ops.punch(n, from, MIN(to, before));
    if (!error && fills)
        error = fs_ops.allocate(n, from, to);
    if (error && n->size > before)
        fs_ops.resize(n, before);
    if (!error)
        contents_changed(n, mode_changed(m, n->mode));
    return error;
}

static int64_t do_allocate(struct message *m)
{
    uint64_t from = m->w[2], length = m->w[3];
    if ((int64_t)from < 0 || (int64_t)length <= 0)
        return -EINVAL;
    int error = check_mode((uint32_t)m->w[1]);
    if (error)
        return error;
    struct fs_node *n = get_writable(m);
    error = fs_error(n);
    if (error)
        return error == -EINVAL ? -ENODEV : error;
    lock_node(n);
    error = from + length > INT64_MAX ? -EFBIG : allocate_locked(n, m, from, from + length);
    unlock_node(n);
    if (!error)
        fs_event(n, IN_MODIFY);
    fs_put(n);
    return error;
}

/* FS_SEALS. A file that is mapped at all is not sealed against writes: a map might write. */
static int64_t do_seals(struct message *m)
{
    uint32_t more = m->w[1];
    struct fs_node *n = fs_ops.get(m->object);
    int64_t result = fs_error(n);
    if (result)
        return result;
    if (!fs_ops.seals || !S_ISREG(n->mode) || more & ~(uint32_t)F_SEAL_ALL)
        result = -EINVAL;
    else if (more && n->seals & F_SEAL_SEAL)
        result = -EPERM;
    else if (more & ~n->seals & F_SEAL_WRITE && n->holds)
        result = -EBUSY;
    else
        result = n->seals |= more;
    fs_put(n);
    return result;
}

/* FS_SEEK for data or holes, of a file that may have holes. */
static int64_t seek_hole(struct fs_node *n, struct message *m)
{
    uint64_t offset = m->w[1];
    if (offset >= n->size)
        return -ENXIO;
    lock_node(n);
    int64_t position = fs_ops.seek(n, offset, m->w[2] == SEEK_HOLE);
    unlock_node(n);
    if (position >= 0)
        reply_position(m, position);
    return position;
}

static int64_t do_seek(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int error = fs_error(n);
    if (error)
        return error;
    if (fs_ops.seek && S_ISREG(n->mode) && (m->w[2] == SEEK_DATA || m->w[2] == SEEK_HOLE)) {
        int64_t position = seek_hole(n, m);
        fs_put(n);
        return position;
    }
    uint64_t size = n->size, most = S_ISREG(n->mode) ? n->mount->size_max : INT64_MAX;
    bool endless = m->w[2] > SEEK_CUR && fs_ops.endless && fs_ops.endless(n);
    fs_put(n);
    return endless ? -EINVAL : fs_seek(m, size, most);
}

static int64_t do_ioctl(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int error = fs_error(n);
    if (error)
        return error;
    bool regular = S_ISREG(n->mode);
    uint64_t size = n->size;
    fs_put(n);
    return regular ? fs_ioctl(m, size) : -ENOTTY;
}

/* ---- Open files and holds ---- */

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

/* Empties a file that is opened with O_TRUNC. 0, LATER (PM hands the open back), or an error. */
static int64_t empty(struct fs_node *n, struct message *m)
{
    if (!n->size) {
        uint32_t mode = mode_changed(m, n->mode);
        if (mode != n->mode) {
            n->mode = mode;
            fs_changed(n);
        }
        return 0;
    }
    lock_node(n);
    int error = resize_locked(n, m, 0, 0);
    unlock_node(n);
    return error ? error : n->holds && hand_to_pm(m, 0, 0) ? LATER : 0;
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
    fs_put(n);
    return descriptor;
}

static int64_t do_open(struct message *m)
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
        result = empty(n, m);
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
    was_read(n);
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

static int64_t do_hold(struct message *m)
{
    if (fs_ops.forgets)
        return 0;
    struct fs_node *n = fs_ops.get(m->object);
    int64_t result = fs_error(n);
    if (result)
        return result;
    result = (int64_t)m->w[1] > 0 ? hold(n, m) : let_go(n, m);
    fs_put(n);
    return result;
}

/* ---- Pages for PM ---- */

static int64_t do_pages(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int error = fs_error(n);
    if (error)
        return error;
    uint64_t addresses[ADDRESSES_MAX], index = m->position / PAGE_SIZE;
    unsigned most = MIN(m->w[2] / sizeof addresses[0], (uint64_t)ADDRESSES_MAX), count = 0;
    if (!S_ISREG(n->mode) || !fs_ops.lend)
        error = -ENODEV;
    while (!error && count < most && (index + count) * PAGE_SIZE < n->size) {
        error = fs_ops.lend(n, index + count, most - count, count == m->w[3], &addresses[count]);
        if (error)
            break;
        count++;
    }
    if (count && copy_out(m, 0, addresses, count * sizeof addresses[0])) {
        while (count)
            if (addresses[--count])
                fs_ops.take_back(NULL, addresses[count]);
        error = -EFAULT;
    }
    fs_put(n);
    return count ? (int64_t)count : error;
}

static int64_t do_unpin(struct message *m)
{
    uint64_t addresses[ADDRESSES_MAX], count = m->w[2] / sizeof addresses[0];
    struct fs_node *n = NULL;
    int error = 0;
    if (count > ADDRESSES_MAX || !fs_ops.take_back)
        return -EINVAL;
    if (copy_in(m, 0, addresses, count * sizeof addresses[0]))
        return -EFAULT;
    if (m->w[3])
        n = fs_ops.get(m->object);
    bool held = n && !fs_error(n), written = held && !n->mount->read_only;
    if (written)
        lock_node(n);
    for (unsigned k = 0; k < count; k++) {
        int e = fs_ops.take_back(written ? n : NULL, addresses[k]);
        error = error ? error : e;
    }
    if (written)
        unlock_node(n);
    if (held)
        fs_put(n);
    return error;
}

static int64_t do_reserve(struct message *m)
{
    struct fs_node *n = get_writable(m);
    uint64_t first = m->w[3], wanted = first + m->w[2];
    int64_t result = fs_error(n);
    if (result)
        return result;
    lock_node(n);
    if (!fs_ops.reserve)
        result = -ENODEV;
    else if (n->seals & F_SEAL_WRITE)
        result = -EPERM;
    else if (wanted * PAGE_SIZE >= n->size)
        result = -ERANGE;
    else
        result = fs_ops.reserve(n, first, MIN(m->w[1], (uint64_t)RESERVE_MAX), wanted);
    if (result >= 0)
        contents_changed(n, m->w[4] ? mode_without_set_id(n->mode) : n->mode);
    unlock_node(n);
    fs_put(n);
    return result;
}

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
    if (result > 0 && (uint64_t)result > m->w[2])
        return -ERANGE;
    error = result > 0 ? copy_out(m, 0, value, result) : 0;
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

static int64_t do_sync(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int error = fs_error(n);
    if (error)
        return error;
    struct fs_mount *mount = n->mount;
    bool writes = !mount->read_only && fs_ops.sync, all = m->w[1] == 1;
    if (writes && !all)
        error = fs_ops.sync_node(n, m);
    fs_put(n); /* not held during the sync, or the mount could not be unmounted meanwhile */
    return writes && all ? fs_ops.sync(mount) : error;
}

/* ---- Serving ---- */

const handler_t fs_handlers[FS_HANDLERS] = {
    [op_number(FS_READ)] = do_read,        [op_number(FS_WRITE)] = do_write,
    [op_number(FS_SEEK)] = do_seek,        [op_number(FS_DENTS)] = fs_do_dents,
    [op_number(FS_STAT)] = do_stat,        [op_number(FS_TRUNCATE)] = do_truncate,
    [op_number(FS_SYNC)] = do_sync,        [op_number(FS_IOCTL)] = do_ioctl,
    [op_number(FS_POLL)] = fs_poll,        [op_number(FS_STATFS)] = do_statfs,
    [op_number(FS_OPEN)] = do_open,        [op_number(FS_LOOKUP)] = fs_do_lookup,
    [op_number(FS_CREATE)] = fs_do_create, [op_number(FS_SYMLINK)] = fs_do_symlink,
    [op_number(FS_LINK)] = fs_do_link,     [op_number(FS_UNLINK)] = fs_do_unlink,
    [op_number(FS_RENAME)] = fs_do_rename, [op_number(FS_READLINK)] = fs_do_readlink,
    [op_number(FS_SETATTR)] = do_setattr,  [op_number(FS_NAME)] = fs_do_name,
    [op_number(FS_MOUNT)] = do_mount,      [op_number(FS_UNMOUNT)] = do_unmount,
    [op_number(FS_PAGES)] = do_pages,      [op_number(FS_UNPIN)] = do_unpin,
    [op_number(FS_HOLD)] = do_hold,        [op_number(FS_RESERVE)] = do_reserve,
    [op_number(FS_SEALS)] = do_seals,      [op_number(FS_ALLOCATE)] = do_allocate,
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
