/* Files as the protocols speak of them. Layouts and values are those of Linux on x86-64, so that a
 * file server can write its answer straight into the window of the program that asked (Linux:
 * asm/stat.h, asm-generic/fcntl.h, linux/dirent.h, asm-generic/statfs.h). */
#ifndef MINNOW_FILE_H
#define MINNOW_FILE_H

#include <minnow/types.h>

struct timespec64 {
    int64_t sec, nsec;
};

struct stat {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad0;
    uint64_t rdev;
    int64_t size, blksize, blocks; /* blocks of 512 bytes */
    struct timespec64 atime, mtime, ctime;
    /* The time of birth, for services alone: to programs these bytes are 0. 0: not known */
    struct timespec64 btime;
    int64_t unused;
};
_Static_assert(sizeof(struct stat) == 144, "struct stat is Linux's");

/* Linux's struct statx, whose times have another layout. */
struct statx_time {
    int64_t sec;
    uint32_t nsec, pad;
};
struct statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad0;
    uint64_t ino, size, blocks, attributes_mask;
    struct statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mount;
    uint64_t spare[13];
};
_Static_assert(sizeof(struct statx) == 256, "struct statx is Linux's");
enum {
    STATX_BASIC_STATS = 0x7ff,
    STATX_BTIME = 0x800,
    STATX_MNT_ID = 0x1000,
    STATX_RESERVED = (int)0x80000000u,
    STATX_ATTR_MOUNT_ROOT = 0x2000
};

/* Linux's struct open_how, of openat2, and the bits of its `resolve`. */
struct open_how {
    uint64_t flags, mode, resolve;
};
enum {
    RESOLVE_NO_XDEV = 1,
    RESOLVE_NO_MAGICLINKS = 2,
    RESOLVE_NO_SYMLINKS = 4,
    RESOLVE_BENEATH = 8,
    RESOLVE_IN_ROOT = 16,
    RESOLVE_CACHED = 32,
    RESOLVE_ALL = 63
};

struct dirent64 {
    uint64_t ino;
    int64_t next;    /* the position to go on from */
    uint16_t reclen; /* of this record, a multiple of 8 */
    uint8_t type;    /* DT_... */
    char name[];
};

struct statfs {
    int64_t type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    int64_t namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct statfs) == 120, "struct statfs is Linux's");

/* Leases of a file (FS_LEASE); what is in conflict with a kind is so with those above it. */
enum { LEASE_NONE, LEASE_READ, LEASE_WRITE };

struct iovec {
    caller_t base;
    uint64_t length;
};

/* What FS_SETATTR changes; the call's words, from w[1] on, carry it. */
struct fs_attr {
    uint32_t which; /* ATTR_... */
    uint32_t mode;  /* permission bits, 07777 */
    uint32_t uid, gid;
    struct timespec64 atime, mtime; /* the server sets ctime itself */
};
enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_ATIME = 8, ATTR_MTIME = 16 };

static inline void fs_attr_words(const struct fs_attr *a, uint64_t w[6])
{
    w[1] = (uint64_t)a->mode << 32 | a->which;
    w[2] = (uint64_t)a->uid << 32 | a->gid;
    w[3] = a->atime.sec;
    w[4] = a->mtime.sec;
    w[5] = (uint64_t)a->atime.nsec << 32 | (uint32_t)a->mtime.nsec;
}
static inline struct fs_attr fs_attr_of(const uint64_t w[6])
{
    return (struct fs_attr){ .which = (uint32_t)w[1],
                             .mode = w[1] >> 32,
                             .uid = w[2] >> 32,
                             .gid = (uint32_t)w[2],
                             .atime = { (int64_t)w[3], w[5] >> 32 },
                             .mtime = { (int64_t)w[4], (uint32_t)w[5] } };
}

enum {
    S_IFMT = 0170000,
    S_IFSOCK = 0140000,
    S_IFLNK = 0120000,
    S_IFREG = 0100000,
    S_IFBLK = 0060000,
    S_IFDIR = 0040000,
    S_IFCHR = 0020000,
    S_IFIFO = 0010000,
    S_ISUID = 04000,
    S_ISGID = 02000,
    S_ISVTX = 01000,
};
#define S_ISDIR(m) (((m)&S_IFMT) == S_IFDIR)
#define S_ISREG(m) (((m)&S_IFMT) == S_IFREG)
#define S_ISLNK(m) (((m)&S_IFMT) == S_IFLNK)

enum {
    DT_UNKNOWN = 0,
    DT_FIFO = 1,
    DT_CHR = 2,
    DT_DIR = 4,
    DT_BLK = 6,
    DT_REG = 8,
    DT_LNK = 10,
    DT_SOCK = 12
};

enum {
    O_RDONLY = 0,
    O_WRONLY = 1,
    O_RDWR = 2,
    O_ACCMODE = 3,
    O_CREAT = 0100,
    O_EXCL = 0200,
    O_NOCTTY = 0400,
    O_TRUNC = 01000,
    O_APPEND = 02000,
    O_NONBLOCK = 04000,
    O_DSYNC = 010000,
    O_ASYNC = 020000,
    O_DIRECT = 040000,
    O_LARGEFILE = 0100000,
    O_DIRECTORY = 0200000,
    O_NOFOLLOW = 0400000,
    O_NOATIME = 01000000,
    O_CLOEXEC = 02000000,
    O_SYNC = 04010000,
    O_PATH = 010000000,
    O_TMPFILE = 020200000,
    /* those of an open file that programs can see */
    O_SHOWN = O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_ASYNC | O_DIRECT | O_LARGEFILE |
              O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_PATH | O_SYNC,
    O_ALL = 037777777 /* all of them: open() takes no notice of other bits */
};

enum { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };
enum {
    POLLIN = 1,
    POLLPRI = 2,
    POLLOUT = 4,
    POLLERR = 8,
    POLLHUP = 16,
    POLLNVAL = 32,
    POLLRDNORM = 64,
    POLLWRNORM = 256,
    POLLRDHUP = 0x2000
};
/* Extended attributes: flags of setxattr, and how many bytes one value, or all names, may have. */
enum { XATTR_CREATE = 1, XATTR_REPLACE = 2, ATTRIBUTES_MAX = 4096 };
enum { FALLOC_KEEP_SIZE = 1, FALLOC_PUNCH_HOLE = 2, FALLOC_ZERO_RANGE = 16 };
/* What a file's contents are sealed against (FS_SEALS). */
enum {
    F_SEAL_SEAL = 1,
    F_SEAL_SHRINK = 2,
    F_SEAL_GROW = 4,
    F_SEAL_WRITE = 8,
    F_SEAL_FUTURE_WRITE = 16, /* maps that are there already may write */
    F_SEAL_ALL = 31
};
enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2 };
enum {
    AT_FDCWD = -100,
    AT_SYMLINK_NOFOLLOW = 0x100,
    AT_REMOVEDIR = 0x200,
    AT_SYMLINK_FOLLOW = 0x400,
    AT_EACCESS = 0x200,
    AT_NO_AUTOMOUNT = 0x800,
    AT_EMPTY_PATH = 0x1000,
    AT_STATX_SYNC_TYPE = 0x6000
};
enum { NAME_MAX = 255, PATH_MAX = 4096, SYMLINKS_MAX = 40 };
enum { MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_REMOUNT = 32 };
/* of FS_SYNC: all of the file system, not only the file; PM has given back what was written */
enum { FS_SYNC_ALL = 1, FS_SYNC_COLLECTED = 2 };
/* the answer of FS_HOLD -1: lent pages of the file are wanted back now */
enum { FS_HOLD_BACK = 1 };

/* Device numbers as they stand in st_rdev (Linux: gnu_dev_makedev). */
static inline uint64_t makedev(unsigned major, unsigned minor)
{
    return (uint64_t)(minor & 0xff) | (uint64_t)(major & 0xfff) << 8 |
           (uint64_t)(minor & ~0xffu) << 12;
}
static inline unsigned dev_major(uint64_t dev) { return (dev >> 8) & 0xfff; }
static inline unsigned dev_minor(uint64_t dev) { return (dev & 0xff) | ((dev >> 12) & 0xfff00); }

/* The st_dev of devfs. A device's node there has the inode number equal to its rdev, so that a
 * driver can answer FS_STAT on an open device by itself and ttyname() finds the same file. */
enum { DEVFS_DEV = 5 };

#endif
