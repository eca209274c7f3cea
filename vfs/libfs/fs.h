/* What every file server needs and none should write twice: names out of windows, directory records
 * into them, the answers that are the same whatever the disk looks like. The protocol itself is
 * described in minnow/protocol.def. */
#ifndef FS_H
#define FS_H

#include <minnow/file.h>

#include "service.h"

/* An object's number: which mount of this server, which generation of which inode. */
static inline uint64_t fs_object(unsigned mount, uint32_t generation, uint32_t ino)
{
    return (uint64_t)mount << 56 | (uint64_t)(generation & 0xffffff) << 32 | ino;
}
static inline unsigned fs_object_mount(uint64_t object) { return object >> 56; }
static inline uint32_t fs_object_generation(uint64_t object) { return (object >> 32) & 0xffffff; }
static inline uint32_t fs_object_ino(uint64_t object) { return (uint32_t)object; }

/* Reads a name of `length` bytes at `offset` of the call's window into name[NAME_MAX + 1], and
 * terminates it. 0, -ENOENT (empty), -ENAMETOOLONG, -EINVAL (a slash or NUL in it), -EFAULT. */
int fs_name(struct message *m, size_t offset, size_t length, char *name);
/* pages that one FS_RESERVE answers for */
enum { FS_RESERVE_MAX = 32 };
/* in one FS_PAGES or FS_UNPIN */
enum { FS_PAGES_MAX = 64 };
/* The addresses of an FS_UNPIN: how many; -EINVAL, -EFAULT. */
int fs_addresses(struct message *m, uint64_t addresses[FS_PAGES_MAX]);
bool fs_is_dots(const char *name, size_t length); /* "." or ".." */

/* The directory record type of a mode. */
static inline uint8_t fs_dtype(uint32_t mode) { return (mode & S_IFMT) >> 12; }

/* Wall time, now. */
struct timespec64 fs_now(void);
/* Whether a read should renew atime, by the rule called relatime: it is not newer than the last
 * change. */
static inline bool fs_atime_due(const struct timespec64 *atime, const struct timespec64 *mtime,
                                const struct timespec64 *ctime)
{
    const struct timespec64 *last = mtime->sec != ctime->sec
                                        ? mtime->sec > ctime->sec ? mtime : ctime
                                    : mtime->nsec > ctime->nsec ? mtime
                                                                : ctime;
    return atime->sec != last->sec ? atime->sec < last->sec : atime->nsec <= last->nsec;
}

/* A hash of a name, of 32 good bits. */
uint32_t fs_hash(const char *name, unsigned length);

/* Packs struct dirent64 records into the window of a DENTS call. */
struct dents {
    struct message *m;
    size_t sent;   /* bytes of the window already filled */
    size_t filled; /* bytes waiting in the buffer */
    _Alignas(8) uint8_t buffer[1024];
};
static inline void dents_start(struct dents *d, struct message *m)
{
    d->m = m;
    d->sent = d->filled = 0;
}
/* Adds one record; `next` is the position to go on from behind it. 1, 0 when the window is full,
 * -EFAULT. */
int dents_add(struct dents *d, uint64_t ino, int64_t next, uint8_t type, const char *name,
              size_t length);
/* The handler's result, and its new position: that behind the last record which fitted. `full`: one
 * did not. */
int64_t dents_end(struct dents *d, uint64_t position, bool full);

/* FS_SEEK on something of `size` bytes, all of it data. */
int64_t fs_seek(struct message *m, uint64_t size);
/* FS_IOCTL on a file: only FIONREAD is known. */
int64_t fs_ioctl(struct message *m, uint64_t size);
/* FS_POLL on what is always ready. */
int64_t fs_poll(struct message *m);
/* Files that nobody refers to any more and that are being freed, which may wait. close() has
 * returned by then, so their room counts as free: who finds none waits for them, and may hold all
 * that freeing does not want. */
struct deletions {
    unsigned under_way;
    struct condition ended;
};
static inline void deletion_begins(struct deletions *d) { d->under_way++; }
void deletion_ends(struct deletions *d);
/* until one has ended; false: there is none. May wait */
bool deletion_awaited(struct deletions *d);
/* until those that are under way now have ended, more or less. May wait */
void deletions_awaited(struct deletions *d);
/* For a TRUNCATE (`result` is its answer) or an OPEN with O_TRUNC that has made a file shorter of
 * which PM holds pages: PM takes those behind `size` back from all who map them, and then ends the
 * call, or hands the OPEN back without O_TRUNC. true: so be it, return LATER; false: a service has
 * called, which PM must not wait for. Nothing may be locked that FS_UNPIN wants. */
bool fs_shrunk(struct message *m, uint64_t size, int64_t result);
/* The flags that an open file keeps of those it was opened with. */
static inline uint32_t fs_connection_flags(uint64_t flags)
{
    return (flags & ~(uint64_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC) & 0x0fffffff) |
           CONN_SEEKABLE | CONN_READY;
}
/* What is left of the mode of a file that this call changes the contents of: set-id bits go, unless
 * the caller is privileged (Linux, file_remove_privs). */
uint32_t fs_mode_changed(const struct message *m, uint32_t mode);
/* Likewise for FS_RESERVE, a store through a mapping. */
uint32_t fs_mode_mapped(const struct message *m, uint32_t mode);
/* How long the file of a write may become: as the file server has it, or the caller's limit
 * (RLIMIT_FSIZE). */
static inline uint64_t fs_size_limit(const struct message *m, uint64_t own)
{
    return m->flags & CALL_LIMITED && m->w[4] < own ? m->w[4] : own;
}
/* Whether the caller's limit forbids that a truncation makes a file of `old` bytes longer. */
static inline bool fs_over_limit(const struct message *m, uint64_t old)
{
    return m->flags & CALL_LIMITED && m->w[1] > old && m->w[1] > m->w[4];
}
static inline bool fs_writes(uint64_t flags) { return (flags & O_ACCMODE) != O_RDONLY; }

#endif
