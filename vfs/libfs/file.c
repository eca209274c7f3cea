/* The protocol FS on the contents of a file: reading, writing, its size, holes and seals, and pages
 * for PM. */
#include "file.h"

#include "handlers.h"
#include "lease.h"
#include "watch.h"

enum { ADDRESSES_MAX = 64 /* in one FS_PAGES or FS_UNPIN */, RESERVE_MAX = 32 };

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

void file_was_read(struct fs_node *n)
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

int64_t fs_do_read(struct message *m)
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
            file_was_read(n);
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

int64_t fs_do_write(struct message *m)
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

int64_t fs_do_truncate(struct message *m)
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
        uint64_t before = n->size;
        result = resize_locked(n, m, size, limit);
        bool shorter = n->size < before;
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

int64_t fs_do_allocate(struct message *m)
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
int64_t fs_do_seals(struct message *m)
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

int64_t fs_do_seek(struct message *m)
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

int64_t fs_do_ioctl(struct message *m)
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

int64_t file_empty(struct fs_node *n, struct message *m)
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

/* Has PM give back what was written through mappings before this FS_SYNC is done: PM then sends it
 * once more. false: there are none, or the caller is a service, for which PM must not wait. */
static bool collected_first(const struct fs_node *n, struct message *m)
{
    uint64_t scope = m->w[1];
    if (m->from < MAX_SERVICE || scope & FS_SYNC_COLLECTED || !(scope & FS_SYNC_ALL || n->holds) ||
        !fs_ops.lend)
        return false;
    m->w[0] = service_self();
    m->op = PM_COLLECT;
    forward(m, service_find("pm"));
    return true;
}

int64_t fs_do_sync(struct message *m)
{
    struct fs_node *n = fs_ops.get(m->object);
    int64_t error = fs_error(n);
    if (error)
        return error;
    struct fs_mount *mount = n->mount;
    bool writes = !mount->read_only && fs_ops.sync, all = m->w[1] & FS_SYNC_ALL;
    if (writes && collected_first(n, m))
        error = LATER;
    else if (writes && !all)
        error = fs_ops.sync_node(n, m);
    fs_put(n); /* not held during the sync, or the mount could not be unmounted meanwhile */
    return writes && all && !error ? fs_ops.sync(mount) : error;
}

/* ---- Pages for PM ---- */

int64_t fs_do_pages(struct message *m)
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

int64_t fs_do_unpin(struct message *m)
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

int64_t fs_do_reserve(struct message *m)
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
