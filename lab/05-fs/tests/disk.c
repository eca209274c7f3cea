/* The tests of lab 05 that know what must come: what disk.py has put on the disk is read and
 * changed beside a model in memory, and limits are reached that Linux' own file systems do not
 * have. disk TEST SEED */
#define _GNU_SOURCE
#include "mounted.h"

#include <dirent.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>

#include "../skeleton/disk.h"

enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2 }; /* of linux/fs.h */
enum { MS = 1000, LONG_AGO = 1000000000, PAGE = 4096 };

static struct statfs now(void)
{
    struct statfs s;
    TRY("R12", statfs(".", &s), 0, "statfs");
    return s;
}

static struct stat about(const char *path)
{
    struct stat s;
    TRY("R2", lstat(path, &s), 0, "stat of %s", path);
    return s;
}

static int opened(const char *requirement, const char *path, int flags)
{
    int fd = open(path, flags, 0644);
    if (fd < 0)
        lab_fail(requirement, "a descriptor", lab_result(-errno), "open of %s%s", path,
                 flags & O_CREAT ? ", to make it" : "");
    return fd;
}

/* ---- contents ---- */

/* A byte of the file with that number: disk.py writes the same. */
static unsigned char byte_of(int number, long at)
{
    return at * 31 + (at >> 10) * 7 + (at >> 18) * 13 + number * 101;
}

/* What a file must hold. */
static struct model {
    long size;
    unsigned char bytes[1 << 18];
} model;

static void model_file(int number, long size)
{
    memset(&model, 0, sizeof model);
    model.size = size;
    for (long at = 0; at < size; at++)
        model.bytes[at] = byte_of(number, at);
}

/* Ends the test at the first byte that is not what it must be. */
static void same_bytes(const char *requirement, const char *path, long at, const void *got,
                       const void *wanted, long n, const char *how)
{
    const unsigned char *g = got, *w = wanted;
    for (long i = 0; i < n; i++)
        if (g[i] != w[i]) {
            char expected[32], happened[64];
            snprintf(expected, sizeof expected, "%d", w[i]);
            snprintf(happened, sizeof happened, "%d%s", g[i], g[i] ? "" : ": a zero");
            lab_fail(requirement, expected, happened,
                     "read of %s%s: byte %ld, the first that differs", path, how, at + i);
        }
}

/* A file is as the model, read in pieces that no block is a multiple of. */
static void expect_model(const char *requirement, const char *path, const char *when)
{
    unsigned char piece[3000];
    int fd = opened(requirement, path, O_RDONLY);
    EXPECT(requirement, lseek(fd, 0, SEEK_END), model.size, "the size of %s%s", path, when);
    NEED(lseek(fd, 0, SEEK_SET) == 0);
    for (long at = 0; at < model.size;) {
        long n = model.size - at < (long)sizeof piece ? model.size - at : (long)sizeof piece;
        TRY(requirement, read(fd, piece, sizeof piece), n, "read of %s at %ld%s", path, at, when);
        same_bytes(requirement, path, at, piece, model.bytes + at, n, when);
        at += n;
    }
    TRY(requirement, read(fd, piece, sizeof piece), 0, "read at the end of %s%s", path, when);
    close(fd);
}

/* Random bytes at `at`, of the model and of the file. */
static void write_both(const char *requirement, int fd, const char *path, long at, long n)
{
    for (long i = 0; i < n; i++)
        model.bytes[at + i] = lab_random();
    TRY(requirement, pwrite(fd, model.bytes + at, n, at), n, "write of %ld bytes at %ld of %s", n,
        at, path);
    if (at + n > model.size)
        model.size = at + n;
}

/* Two pages of zeroes, of which the second is not there yet: a copy from or to it is thrown back
 * first. Pages may come before they are touched, so it is given back. */
static unsigned char *half_there(void)
{
    void *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(at != MAP_FAILED);
    memset(at, 0, 2 * PAGE);
    NEED(madvise((char *)at + PAGE, PAGE, MADV_DONTNEED) == 0);
    return at;
}

static void again(void)
{
    NEED(chdir("/") == 0);
    leave();
    come();
}

/* ---- reading what is on the disk ---- */

static void read_at(const char *path, int number, long size, long at, long n)
{
    static unsigned char got[PAGE], wanted[PAGE];
    long there = at >= size ? 0 : size - at < n ? size - at : n;
    int fd = opened("R2", path, O_RDONLY);
    for (long i = 0; i < there; i++)
        wanted[i] = byte_of(number, at + i);
    TRY("R2", pread(fd, got, n, at), there, "read of %ld bytes at %ld of %s", n, at, path);
    same_bytes("R2", path, at, got, wanted, there, "");
    close(fd);
}

static void test_read(void)
{
    model_file(1, 300);
    expect_model("R2", "disk/small", "");
    model_file(2, 7 * BLOCK);
    expect_model("R2", "disk/seven", "");
    model_file(8, 2000);
    expect_model("R2", "disk/folder/a", "");
    model_file(9, 3000);
    expect_model("R2", "disk/folder/inner/b", "");
    model_file(7, 0);
    expect_model("R2", "disk/empty", "");
    for (int i = 0; i < 20; i++)
        read_at("disk/seven", 2, 7 * BLOCK, lab_below(7 * BLOCK + 500), 1 + lab_below(PAGE));
    read_at("disk/seven", 2, 7 * BLOCK, 6 * BLOCK, BLOCK);
    read_at("disk/seven", 2, 7 * BLOCK, 7 * BLOCK - 1, 2);
    read_at("disk/seven", 2, 7 * BLOCK, 1000000, 10);
    unsigned char *got = half_there();
    int fd = opened("R2", "disk/seven", O_RDONLY);
    model_file(2, 7 * BLOCK);
    TRY("R2", read(fd, got + PAGE - 1500, 3000), 3000,
        "read of 3000 bytes of disk/seven to two pages, the second not there yet");
    same_bytes("R2", "disk/seven", 0, got + PAGE - 1500, model.bytes, 3000,
               " to pages that were not there yet");
    EXPECT("R2", lseek(fd, 0, SEEK_CUR), 3000, "where the file stands then");
    TRY("R2", read(fd, got, 100), 100, "the next read of it");
    same_bytes("R2", "disk/seven", 3000, got, model.bytes + 3000, 100, "");
    close(fd);
    TRY("R2", open("disk/absent", O_RDONLY), -ENOENT, "open of a file that is not there");
    fd = opened("R2", "disk", O_RDONLY);
    TRY("R2", read(fd, got, 10), -EISDIR, "read of a folder");
    close(fd);
}

static void test_symbolic(void)
{
    char got[600], wanted[600] = "folder/";
    for (int i = 0; i < 200; i++)
        strcat(wanted, "./");
    strcat(wanted, "a");
    TRY("R2", readlink("disk/link", got, sizeof got), 5, "readlink of disk/link, which says small");
    same_bytes("R2", "the link disk/link", 0, got, "small", 5, "");
    TRY("R2", readlink("disk/long-link", got, sizeof got), strlen(wanted),
        "readlink of disk/long-link");
    same_bytes("R2", "the link disk/long-link", 0, got, wanted, strlen(wanted), "");
    long room = 1 + lab_below(400);
    memset(got, 'x', sizeof got);
    TRY("R2", readlink("disk/long-link", got, room), room,
        "readlink of disk/long-link, which is longer, into %ld bytes", room);
    same_bytes("R2", "the link disk/long-link", 0, got, wanted, room, " into less room");
    EXPECT("R2", got[room], 'x', "the byte behind that room");
    char *target = (char *)half_there() + PAGE;
    TRY("R2", readlink("disk/link", target, 5), 5, "readlink into a page that was not there yet");
    same_bytes("R2", "the link disk/link", 0, target, "small", 5, "");
    TRY("R2", readlink("disk/small", got, sizeof got), -EINVAL, "readlink of what is no link");
    model_file(1, 300);
    expect_model("R2", "disk/link", " by the link");
    model_file(8, 2000);
    expect_model("R2", "disk/long-link", " by the link");
}

/* A file of which only some blocks are there. */
static void sparse(const char *path, int number, long size, const long *blocks, int count)
{
    static const unsigned char zeroes[BLOCK];
    unsigned char got[BLOCK], wanted[BLOCK];
    int fd = opened("R2", path, O_RDONLY);
    EXPECT("R2", lseek(fd, 0, SEEK_END), size, "the size of %s", path);
    for (int k = 0; k < count; k++) {
        long at = blocks[k] * BLOCK, n = size - at < BLOCK ? size - at : BLOCK;
        for (long i = 0; i < n; i++)
            wanted[i] = byte_of(number, at + i);
        TRY("R2", pread(fd, got, BLOCK, at), n, "read of block %ld of %s", blocks[k], path);
        same_bytes("R2", path, at, got, wanted, n, "");
        long hole = blocks[k] + 1;
        if (k + 1 < count ? hole == blocks[k + 1] : hole * BLOCK >= size)
            continue;
        TRY("R2", pread(fd, got, BLOCK, hole * BLOCK), BLOCK, "read of block %ld of %s, a hole",
            hole, path);
        same_bytes("R2", path, hole * BLOCK, got, zeroes, BLOCK, ", a hole");
    }
    close(fd);
}

static void test_levels(void)
{
    static const long large[] = { 0, 6, 7, 262, 263, 264, 519, 700, 720 },
                      deep[] = { 0, 300, 65798, 65799, 66055, 66100 };
    model_file(3, 60000);
    expect_model("R2", "disk/middle", "");
    sparse("disk/large", 4, 720 * BLOCK + 5, large, 9);
    sparse("disk/deep", 5, 66100l * BLOCK + 17, deep, 6);
    model_file(0, 0);
    model.size = 10000;
    expect_model("R2", "disk/hole", ", which has no blocks");
    model_file(1, 300);
    expect_model("R2", "disk/crowd/name129", ", in a folder of more than seven blocks");
    TRY("R2", access("disk/crowd/name130", F_OK), -ENOENT, "looking for the name behind the last");
    DIR *dir = opendir("disk/crowd");
    NEED(dir);
    int names = 0;
    while (readdir(dir))
        names++;
    closedir(dir);
    EXPECT("R2", names, 132, "how many names disk/crowd has");
}

/* ---- writing to files that are there ---- */

/* Blocks that are there get other bytes; nothing else changes. */
static void test_overwrite(void)
{
    static const long sizes[] = { 300, 5000, 60000, 7 * BLOCK };
    long blocks = now().f_bfree;
    go_into("overwrite");
    for (int k = 1; k <= 4; k++) {
        char path[8];
        snprintf(path, sizeof path, "f%d", k);
        model_file(k, sizes[k - 1]);
        int fd = opened("R3", path, O_RDWR);
        write_both("R3", fd, path, 0, 10);
        for (int i = 0; i < 10; i++) {
            long at = lab_below(sizes[k - 1]), room = sizes[k - 1] - at;
            write_both("R3", fd, path, at, 1 + lab_below(room < 3000 ? room : 3000));
        }
        write_both("R3", fd, path, sizes[k - 1] - 1, 1);
        TRY("R3", write(fd, "", 0), 0, "write of nothing to %s", path);
        close(fd);
        expect_model("R3", path, " after writes inside it");
    }
    EXPECT("R3", now().f_bfree, blocks, "free blocks after writes to blocks that were there");
    model_file(1, 300);
    expect_model("R3", "/disk/small", ", which nobody has written to");
}

/* What was written to a block that was there is there after the next mount. */
static void test_kept(void)
{
    go_into("kept");
    model_file(3, 60000);
    int fd = opened("R3", "f3", O_RDWR);
    for (int i = 0; i < 6; i++)
        write_both("R3", fd, "f3", lab_below(50000), 1 + lab_below(5000));
    close(fd);
    for (int mounts = 0; mounts < 2; mounts++) {
        again();
        go_into("kept");
        expect_model("R11", "f3", " after writes inside it and the next mount");
    }
}

/* Files grow; what lies between is zero and takes no block. */
static void test_append(void)
{
    go_into("append");
    long blocks = now().f_bfree;
    model_file(2, 5000);
    int fd = opened("R3", "f2", O_RDWR);
    write_both("R3", fd, "f2", 5000, 3 * BLOCK);
    EXPECT("R12", now().f_bfree, blocks - 4,
           "free blocks after three blocks more, the eighth among them: one of zone numbers too");
    write_both("R3", fd, "f2", 30 * BLOCK + lab_below(1000), 5);
    EXPECT("R3", now().f_bfree, blocks - 5,
           "free blocks after a write of one block far behind the end");
    close(fd);
    expect_model("R3", "f2", " after writes behind its end");
    fd = opened("R3", "f2", O_WRONLY | O_APPEND);
    for (int i = 0; i < 8; i++) {
        long n = 1 + lab_below(700);
        unsigned char *bytes = model.bytes + model.size;
        for (long k = 0; k < n; k++)
            bytes[k] = lab_random();
        NEED(lseek(fd, lab_below(100), SEEK_SET) >= 0);
        TRY("R3", write(fd, bytes, n), n, "write of %ld bytes with O_APPEND", n);
        model.size += n;
        EXPECT("R3", lseek(fd, 0, SEEK_CUR), model.size, "where the file stands after O_APPEND");
    }
    expect_model("R3", "f2", " after writes with O_APPEND");
    close(fd);
    again();
    go_into("append");
    expect_model("R11", "f2", " after the next mount");
}

/* Copies from pages that are not there are thrown back, and come again. */
static void test_thrown_back(void)
{
    go_into("append");
    model_file(4, 7 * BLOCK);
    int fd = opened("R3", "f4", O_WRONLY | O_APPEND);
    TRY("R3", write(fd, half_there() + PAGE - 700, 1400), 1400,
        "write with O_APPEND from two pages, the second not there yet");
    model.size += 1400;
    expect_model("R3", "f4", " after O_APPEND from pages that were not there yet");
    struct iovec parts[3] = { { half_there() + PAGE - 90, 200 },
                              { NULL, 0 },
                              { half_there() + PAGE, 5 } };
    TRY("R3", writev(fd, parts, 3), 205, "writev of three pieces whose pages were not there yet");
    model.size += 205;
    expect_model("R3", "f4", " after writev from pages that were not there yet");
    close(fd);
    /* memory that never comes: nothing has happened */
    long blocks = now().f_bfree;
    fd = opened("R3", "f1", O_RDWR);
    unsigned char *none = half_there();
    NEED(munmap(none + PAGE, PAGE) == 0);
    memset(none, 'x', PAGE);
    TRY("R3", pwrite(fd, none + PAGE, 3000, 5000), -EFAULT,
        "write from memory that is not there at all");
    EXPECT("R3", now().f_bfree, blocks, "free blocks after that");
    model_file(1, 300);
    expect_model("R3", "f1", " after that");
    close(fd);
    again();
    go_into("append");
    expect_model("R11", "f1", " after the next mount");
}

static void shorten(const char *path, long size)
{
    TRY("R4", truncate(path, size), 0, "truncate of %s from %ld to %ld", path, model.size, size);
    if (size < model.size)
        memset(model.bytes + size, 0, model.size - size);
    model.size = size;
    expect_model("R4", path, " after truncate");
}

static void test_shorter(void)
{
    go_into("shorter");
    long blocks = now().f_bfree;
    model_file(1, 300);
    shorten("f1", 100);
    shorten("f1", 300);
    EXPECT("R4", now().f_bfree, blocks, "free blocks after truncates inside one block");
    model_file(4, 7 * BLOCK);
    shorten("f4", 5 * BLOCK + 1);
    EXPECT("R4", now().f_bfree, blocks + 1, "free blocks after truncate from seven blocks to six");
    shorten("f4", 5 * BLOCK);
    EXPECT("R4", now().f_bfree, blocks + 2, "free blocks after truncate to five blocks");
    shorten("f4", 7 * BLOCK);
    EXPECT("R4", now().f_bfree, blocks + 2, "free blocks after it is made longer");
    model_file(5, 40 * BLOCK);
    shorten("f5", 8 * BLOCK);
    EXPECT("R4", now().f_bfree, blocks + 34, "free blocks after truncate from 40 blocks to 8");
    shorten("f5", 7 * BLOCK);
    EXPECT("R4", now().f_bfree, blocks + 36,
           "free blocks after truncate to 7 blocks: the block of zone numbers is free too");
    shorten("f5", lab_below(7 * BLOCK));
    shorten("f5", 20 * BLOCK);
    model_file(3, 60000);
    int fd = opened("R4", "f3", O_RDWR | O_TRUNC);
    model_file(3, 0);
    expect_model("R4", "f3", " after open with O_TRUNC");
    write_both("R4", fd, "f3", 10, 10);
    TRY("R4", ftruncate(fd, 0), 0, "ftruncate to nothing");
    close(fd);
    blocks = now().f_bfree;
    fd = opened("R4", "f2", O_WRONLY | O_TRUNC);
    close(fd);
    EXPECT("R4", now().f_bfree, blocks + 5,
           "free blocks after open of a file of five with O_TRUNC");
    EXPECT("R10", about("f2").st_mtime > LONG_AGO, 1, "whether it has the time of its change");
}

/* ---- names ---- */

static void test_remove(void)
{
    go_into("remove");
    struct statfs before = now();
    TRY("R6", unlink("absent"), -ENOENT, "unlink of what is not there");
    TRY("R6", unlink("f1"), 0, "unlink of f1");
    TRY("R6", access("f1", F_OK), -ENOENT, "looking for f1");
    EXPECT("R6", now().f_ffree, before.f_ffree + 1, "free inodes then");
    EXPECT("R6", now().f_bfree, before.f_bfree + 1, "free blocks then");
    TRY("R6", unlink("f3"), 0, "unlink of f3, which has 60000 bytes");
    EXPECT("R6", now().f_bfree, before.f_bfree + 61, "free blocks then");
    TRY("R6", unlink("f5"), 0, "unlink of f5, which has 40 blocks");
    EXPECT("R6", now().f_bfree, before.f_bfree + 102, "free blocks then");
    model_file(2, 5000);
    expect_model("R6", "f2", ", which is still there");
    long size = about(".").st_size;
    for (int i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "g%d", i);
        close(opened("R5", name, O_WRONLY | O_CREAT | O_EXCL));
    }
    EXPECT("R6", about(".").st_size, size,
           "the size of the folder: entries that were freed are used again");
    EXPECT("R6", now().f_ffree, before.f_ffree, "free inodes then");
    for (int i = 0; i < 40; i++) {
        close(opened("R5", "once", O_WRONLY | O_CREAT | O_EXCL));
        TRY("R6", unlink("once"), 0, "unlink of what has just been made, for the %dth time", i + 1);
    }
    EXPECT("R6", about(".").st_size, size + 64, "the size of the folder after that");
}

static void test_long_names(void)
{
    char name[80];
    memset(name, 'n', sizeof name);
    TRY("R6", mkdir("long", 0755), 0, "mkdir long");
    go_into("long");
    name[60] = 0;
    close(opened("R5", name, O_WRONLY | O_CREAT));
    TRY("R5", access(name, F_OK), 0, "looking for the name of 60 bytes");
    again();
    go_into("long");
    TRY("R5", access(name, F_OK), 0, "looking for it after the next mount");
    name[60] = 'n', name[61] = 0;
    TRY("R5", open(name, O_WRONLY | O_CREAT, 0644), -ENAMETOOLONG,
        "create with a name of 61 bytes");
    TRY("R5", mkdir(name, 0755), -ENAMETOOLONG, "mkdir with a name of 61 bytes");
    TRY("R5", symlink("x", name), -ENAMETOOLONG, "symlink with a name of 61 bytes");
    TRY("R5", access(name, F_OK), -ENAMETOOLONG, "looking for a name of 61 bytes");
    close(opened("R5", "other", O_WRONLY | O_CREAT));
    TRY("R5", rename("other", name), -ENAMETOOLONG, "rename to a name of 61 bytes");
    TRY("R5", link("other", name), -ENAMETOOLONG, "link of a name of 61 bytes");
    TRY("R5", unlink(name), -ENAMETOOLONG, "unlink of a name of 61 bytes");
    TRY("R5", access("other", F_OK), 0, "looking for the file whose name was all right");
    name[60] = 0;
    TRY("R9", rename(name, "short"), 0, "rename of the long name");
    TRY("R9", access(name, F_OK), -ENOENT, "looking for the long name");
    TRY("R9", rename("short", name), 0, "rename to the long name");
    TRY("R9", unlink(name), 0, "unlink of the long name");
}

/* Each change gives its file, or its folder, the time of the change; what was not changed keeps its
 * own. Everything on this disk is as old as it can be. */
static void expect_times(const char *path, bool data, bool status, const char *when)
{
    struct stat s = about(path);
    EXPECT("R10", s.st_mtime > LONG_AGO, data, "whether %s has a new mtime %s", path, when);
    EXPECT("R10", s.st_ctime > LONG_AGO, status, "whether %s has a new ctime %s", path, when);
}

static void test_times(void)
{
    go_into("times");
    TRY("R10", chmod("f1", 0600), 0, "chmod of f1");
    expect_times("f1", false, true, "after chmod");
    expect_times(".", false, false, "after chmod of a file in it");
    TRY("R8", link("f2", "l2"), 0, "link of f2");
    expect_times("f2", false, true, "after link");
    expect_times(".", true, true, "after link of a name in it");
    TRY("R9", rename("f3", "g3"), 0, "rename of f3");
    expect_times("g3", false, true, "after rename");
    TRY("R4", truncate("f4", 10), 0, "truncate of f4");
    expect_times("f4", true, true, "after truncate");
    int fd = opened("R3", "f5", O_RDWR);
    TRY("R3", write(fd, "x", 1), 1, "write to f5");
    close(fd);
    expect_times("f5", true, true, "after write");
    TRY("R6", mkdir("new", 0755), 0, "mkdir new");
    EXPECT("R10", labs(about("new").st_mtime - time(NULL)) < 10, 1,
           "whether the new folder has the time of today");
    struct timespec times[2] = { { 5, 0 }, { 7, 0 } };
    TRY("R10", utimensat(AT_FDCWD, "new", times, 0), 0, "utimensat of new");
    TRY("R6", rmdir("../times/new"), 0, "rmdir new");
}

/* Numbers of devices are no blocks. */
static void test_nodes(void)
{
    enum { RDEV = 40 }; /* as the number of a block, one that is in use */
    TRY("R6", mkdir("nodes", 0755), 0, "mkdir nodes");
    go_into("nodes");
    long blocks = now().f_bfree; /* the folder above may have grown by a block, or not */
    TRY("R5", mknod("char", S_IFCHR | 0600, RDEV), 0, "mknod of a character device");
    TRY("R5", mknod("block", S_IFBLK | 0600, RDEV + 1), 0, "mknod of a block device");
    TRY("R5", mknod("fifo", S_IFIFO | 0600, 0), 0, "mknod of a FIFO");
    for (int round = 0; round < 2; round++) {
        EXPECT("R5", about("char").st_rdev, RDEV, "the number of the character device");
        EXPECT("R5", about("char").st_mode, S_IFCHR | 0600, "its mode");
        EXPECT("R5", about("block").st_rdev, RDEV + 1, "the number of the block device");
        EXPECT("R5", about("block").st_mode, S_IFBLK | 0600, "its mode");
        EXPECT("R5", about("fifo").st_mode, S_IFIFO | 0600, "the FIFO's mode");
        EXPECT("R5", about("fifo").st_rdev, 0, "its number");
        if (!round)
            again(), go_into("nodes");
    }
    EXPECT("R5", now().f_bfree, blocks, "free blocks: devices take none");
    TRY("R6", unlink("char"), 0, "unlink of the character device");
    TRY("R6", unlink("block"), 0, "unlink of the block device");
    TRY("R6", unlink("fifo"), 0, "unlink of the FIFO");
    EXPECT("R6", now().f_bfree, blocks, "free blocks: a device's number is no block to be freed");
}

/* ---- space ---- */

/* Of a file that is now full: what is written stays, and what is removed comes back. */
static void test_full(void)
{
    char block[1024], large[5000];
    memset(block, 'f', sizeof block);
    memset(large, 'l', sizeof large);
    TRY("R6", mkdir("full", 0755), 0, "mkdir full");
    go_into("full");
    close(opened("R5", "far", O_WRONLY | O_CREAT));
    struct statfs before = now();
    long blocks = 0, got;
    int fd = opened("R5", "fill", O_RDWR | O_CREAT), far = opened("R3", "far", O_RDWR);
    while ((got = write(fd, block, sizeof block)) == sizeof block)
        blocks++;
    EXPECT("R12", got < 0 ? -errno : got, -ENOSPC,
           "write of block %ld, when the disk had room for at most %ld", blocks + 1,
           (long)before.f_bfree);
    EXPECT("R12", now().f_bfree, 0, "free blocks of a full disk");
    EXPECT("R12", lseek(fd, 0, SEEK_END), blocks * 1024, "the size of the file that filled it");
    for (int i = 0; i < 20; i++) {
        long at = lab_below(blocks);
        char seen[1024];
        TRY("R12", pread(fd, seen, sizeof seen, at * 1024), 1024, "read of block %ld of it", at);
        same_bytes("R12", "fill", at * 1024, seen, block, sizeof seen, "");
    }
    TRY("R12", mkdir("more", 0755), -ENOSPC, "mkdir on the full disk");
    TRY("R12", symlink("target", "more"), -ENOSPC, "symlink on the full disk");
    EXPECT("R12", now().f_ffree, before.f_ffree - 1, "free inodes after what could not be made");
    EXPECT("R12", about(".").st_nlink, 2, "links of the folder in which mkdir failed");
    TRY("R12", access("more", F_OK), -ENOENT, "looking for what could not be made");
    TRY("R12", ftruncate(fd, (blocks - 1) * 1024), 0, "making the file a block shorter");
    EXPECT("R12", now().f_bfree, 1, "free blocks then");
    TRY("R12", pwrite(far, "x", 1, 20 * 1024), -ENOSPC,
        "write to block 20 of an empty file, which takes two blocks, when one is free");
    EXPECT("R12", now().f_bfree, 1, "free blocks then: half of the way to a block is given back");
    TRY("R12", pwrite(far, "x", 1, 300 * 1024), -ENOSPC,
        "write to block 300, which takes three blocks, when one is free");
    EXPECT("R12", now().f_bfree, 1, "free blocks then");
    EXPECT("R12", lseek(far, 0, SEEK_END), 0, "the size of that file");
    TRY("R12", ftruncate(fd, (blocks - 2) * 1024), 0, "making the full file a block shorter again");
    TRY("R12", mkdir("one", 0755), 0, "mkdir when there are two blocks");
    TRY("R12", rmdir("one"), 0, "rmdir of it");
    EXPECT("R12", now().f_bfree, 2, "free blocks then");
    TRY("R12", pwrite(fd, large, sizeof large, (blocks - 2) * 1024), 2048,
        "write of 5000 bytes when there is room for 2048");
    EXPECT("R12", lseek(fd, 0, SEEK_END), blocks * 1024, "the size of the file then");
    close(fd);
    close(far);
    TRY("R12", unlink("fill"), 0, "unlink of the file");
    EXPECT("R12", now().f_bfree, before.f_bfree, "free blocks when it is gone");
    TRY("R12", mkdir("more", 0755), 0, "mkdir when there is room again");
}

/* A folder that needs a block more does not get it. */
static void test_full_folder(void)
{
    char name[16], block[1024] = "";
    TRY("R6", mkdir("crowded", 0755), 0, "mkdir crowded");
    go_into("crowded");
    int fd = opened("R5", "fill", O_WRONLY | O_CREAT), names = 3;
    long room = now().f_bfree;
    for (; names < 7 * 16; names++) {
        snprintf(name, sizeof name, "l%d", names);
        TRY("R8", link("fill", name), 0, "link number %d", names);
    }
    while (write(fd, block, sizeof block) == sizeof block)
        ;
    long size = lseek(fd, 0, SEEK_END) / 1024 * 1024;
    struct statfs before = now();
    for (int spare = 0; spare < 2; spare++) { /* a block of names, and one of zone numbers */
        TRY("R4", ftruncate(fd, size - spare * 1024), 0, "ftruncate");
        EXPECT("R12", now().f_bfree, spare, "free blocks");
        TRY("R12", link("fill", "over"), -ENOSPC,
            "link of name %d in a folder, which takes two blocks more, when %d is free", names + 1,
            spare);
        TRY("R12", open("new", O_WRONLY | O_CREAT, 0644), -ENOSPC, "create there");
        TRY("R12", rename("l3", "renamed"), -ENOSPC, "rename to a further name there");
        EXPECT("R12", now().f_bfree, spare, "free blocks then");
        EXPECT("R12", now().f_ffree, before.f_ffree, "free inodes then");
        EXPECT("R12", about(".").st_size, 7 * 1024, "the size of the folder then");
        EXPECT("R12", about("fill").st_nlink, 7 * 16 - 2, "links of the file then");
        TRY("R12", access("l3", F_OK), 0, "looking for the name that could not be changed");
    }
    TRY("R4", ftruncate(fd, 0), 0, "ftruncate");
    TRY("R12", link("fill", "over"), 0, "link when there is room again");
    EXPECT("R12", now().f_bfree, room - 5 - 1 - 2, "free blocks in the end");
    close(fd);
}

static void test_inodes(void)
{
    char name[32];
    TRY("R6", mkdir("inodes", 0755), 0, "mkdir inodes");
    go_into("inodes");
    long before = now().f_ffree, made = 0;
    int fd;
    while (snprintf(name, sizeof name, "i%ld", made),
           (fd = open(name, O_WRONLY | O_CREAT, 0644)) >= 0) {
        close(fd);
        made++;
    }
    EXPECT("R12", -errno, -ENOSPC, "create of file %ld, when there were %ld free inodes", made + 1,
           before);
    EXPECT("R12", made, before, "how many files could be made");
    long blocks = now().f_bfree;
    TRY("R12", mkdir("more", 0755), -ENOSPC, "mkdir when there is no inode");
    EXPECT("R12", now().f_bfree, blocks, "free blocks after that");
    for (long i = 0; i < made; i++) {
        snprintf(name, sizeof name, "i%ld", i);
        TRY("R12", unlink(name), 0, "unlink of file %ld", i);
    }
    EXPECT("R12", now().f_ffree, before, "free inodes when they are gone");
}

/* Space of a file without a name comes back when the last who has it open closes it. */
static void test_space(void)
{
    static char bytes[65536];
    TRY("R6", mkdir("space", 0755), 0, "mkdir space");
    go_into("space");
    long blocks = now().f_bfree, inodes = now().f_ffree;
    for (int i = 0; i < 10; i++) {
        int fd = opened("R5", "s", O_RDWR | O_CREAT), second = dup(fd);
        long length = 1 + lab_below(sizeof bytes), offset = lab_below(2) ? 0 : 300 << 10;
        TRY("R3", pwrite(fd, bytes, length, offset), length, "write of %ld bytes at %ld", length,
            offset);
        int third = opened("R7", "s", O_RDONLY);
        TRY("R7", unlink("s"), 0, "unlink of s, which is open");
        EXPECT("R7", now().f_ffree, inodes - 1, "free inodes while it is open");
        close(fd);
        close(third);
        EXPECT("R7", now().f_ffree, inodes - 1, "free inodes while one of three has it open");
        TRY("R7", pread(second, bytes, 10, offset), length < 10 ? length : 10, "read by that one");
        close(second);
        EXPECT("R7", now().f_ffree, inodes, "free inodes when it is closed");
        EXPECT("R7", now().f_bfree, blocks, "free blocks when it is closed");
    }
}

/* ---- limits ---- */

static long rename_with(const char *from, const char *to, unsigned flags)
{
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void test_limits(void)
{
    enum { LAST = 0x7fffffff }; /* the largest size, as mkfs.minix writes it into the superblock */
    static char target[5000], got[5000];
    TRY("R6", mkdir("limits", 0755), 0, "mkdir limits");
    go_into("limits");
    int fd = opened("R5", "f", O_RDWR | O_CREAT);
    TRY("R3", pwrite(fd, "x", 1, LAST), -EFBIG, "write at %d, behind which no file may grow", LAST);
    TRY("R3", pwrite(fd, "xy", 2, LAST - 1), 1, "write of two bytes where one is allowed");
    EXPECT("R3", about("f").st_size, LAST, "the size then");
    TRY("R4", ftruncate(fd, LAST + 1l), -EFBIG, "ftruncate to %ld", LAST + 1l);
    TRY("R4", ftruncate(fd, 1l << 32 | 5), -EFBIG, "ftruncate to 2^32 + 5");
    EXPECT("R4", about("f").st_size, LAST, "the size then");
    TRY("R4", ftruncate(fd, 0), 0, "ftruncate to 0");
    close(fd);
    memset(target, 't', sizeof target);
    target[1023] = 0;
    TRY("R8", symlink(target, "longest"), 0, "symlink to 1023 bytes");
    TRY("R8", readlink("longest", got, sizeof got), 1023, "readlink of it");
    same_bytes("R8", "the link", 0, got, target, 1023, "");
    target[1023] = 't', target[1024] = 0;
    TRY("R8", symlink(target, "longer"), -ENAMETOOLONG, "symlink to 1024 bytes");
    target[1024] = 't', target[4000] = 0;
    TRY("R8", symlink(target, "longer"), -ENAMETOOLONG, "symlink to 4000 bytes");
    TRY("R8", access("longer", F_OK), -ENOENT, "looking for that link");
    close(opened("R5", "g", O_WRONLY | O_CREAT));
    TRY("R9", rename_with("f", "g", RENAME_NOREPLACE), -EEXIST,
        "rename with RENAME_NOREPLACE to a name that is there");
    TRY("R9", rename_with("f", "g", RENAME_EXCHANGE), -EINVAL, "rename with RENAME_EXCHANGE");
    TRY("R9", rename_with("f", "h", RENAME_NOREPLACE), 0,
        "rename with RENAME_NOREPLACE to a new name");
    TRY("R9", access("f", F_OK), -ENOENT, "looking for the old name");
    TRY("R10", chown("h", 65535, 65534), 0, "chown to 65535, the highest that an inode can hold");
    TRY("R10", chown("h", 65536, 1), -EINVAL, "chown to the user 65536");
    TRY("R10", chown("h", 1, 70000), -EINVAL, "chown to the group 70000");
    EXPECT("R10", about("h").st_uid, 65535, "the owner then");
    EXPECT("R10", about("h").st_gid, 65534, "the group then");
}

/* The disk itself, past the file server. */
static int raw_disk(int flags)
{
    int folder = outside >= 0 ? outside : AT_FDCWD, fd = -1;
    for (int i = 0; i < 2 && fd < 0; i++)
        fd = openat(folder, devices[i] + (outside >= 0), flags);
    NEED(fd >= 0);
    return fd;
}

/* Whether these bytes stand somewhere on it. */
static bool on_disk(const void *bytes, size_t n)
{
    enum { STEP = 65536 };
    static unsigned char part[STEP + 256];
    int fd = raw_disk(O_RDONLY);
    bool found = false;
    for (long at = 0, got; !found && (got = pread(fd, part, sizeof part, at)) > 0; at += STEP)
        found = memmem(part, got, bytes, n);
    close(fd);
    return found;
}

/* A text that is nowhere else. */
static const char *marker(void)
{
    static char text[64];
    snprintf(text, sizeof text, "marker %016llx.%016llx", (unsigned long long)lab_random(),
             (unsigned long long)lab_random());
    return text;
}

static void test_sync(void)
{
    TRY("R6", mkdir("sync", 0755), 0, "mkdir sync");
    go_into("sync");
    int fd = opened("R5", "f", O_RDWR | O_CREAT);
    TRY("R3", write(fd, marker(), 32), 32, "write of 32 bytes");
    TRY("R11", fsync(fd), 0, "fsync");
    char text[64];
    TRY("R3", pread(fd, text, 32, 0), 32, "read of them");
    EXPECT("R11", on_disk(text, 32), 1,
           "looking on the disk itself for what was written, after fsync");
    strcpy(text, marker());
    TRY("R3", pwrite(fd, text, 32, 0), 32, "write of 32 others in their place");
    sync();
    EXPECT("R11", on_disk(text, 32), 1, "looking for those on the disk itself, after sync");
    close(fd);
    snprintf(text, sizeof text, "name-%016llx", (unsigned long long)lab_random());
    close(opened("R5", text, O_WRONLY | O_CREAT));
    /* what nobody asks for comes to the disk by itself */
    usleep(500 * MS);
    EXPECT("R11", on_disk(text, 21), 1,
           "looking for a new name on the disk itself, after half a second");
    strcpy(text, marker());
    fd = opened("R3", "f", O_RDWR);
    TRY("R3", pwrite(fd, text, 32, 0), 32, "write of 32 bytes to a block that is there");
    close(fd);
    usleep(500 * MS);
    EXPECT("R11", on_disk(text, 32), 1,
           "looking for them on the disk itself, after another half a second");
}

/* Changes bytes of the disk that is not mounted. */
static void patch(long at, const void *bytes, size_t n)
{
    int fd = raw_disk(O_WRONLY);
    NEED(pwrite(fd, bytes, n, at) == (ssize_t)n);
    NEED(fsync(fd) == 0);
    close(fd);
}

static void peek(long at, void *bytes, size_t n)
{
    int fd = raw_disk(O_RDONLY);
    NEED(pread(fd, bytes, n, at) == (ssize_t)n);
    close(fd);
}

/* Where an inode is on the disk. */
static long place_of(ino_t ino)
{
    struct super s;
    peek(SUPER_OFFSET, &s, sizeof s);
    return (MAP_FIRST + s.imap_blocks + s.zmap_blocks) * (long)BLOCK +
           (ino - 1) * sizeof(struct disk_inode);
}

static void refused(const struct super *s, int error, const char *what)
{
    patch(SUPER_OFFSET, s, sizeof *s);
    EXPECT("R1", mount_disk(0), error, "mount of a disk whose superblock says %s", what);
}

static void test_refuse(void)
{
    struct super good, s;
    leave();
    peek(SUPER_OFFSET, &good, sizeof good);
#define REFUSED(field, value, error) \
    (s = good, s.field = (value), refused(&s, error, #field " = " #value))
    REFUSED(magic, 0x137f, -EINVAL);
    REFUSED(block_size, 4096, -EUCLEAN);
    REFUSED(log_zone_size, 1, -EUCLEAN);
    REFUSED(inodes, 0, -EUCLEAN);
    REFUSED(inodes, 8192, -EUCLEAN);
    REFUSED(inodes, 1000000, -EUCLEAN);
    REFUSED(imap_blocks, 0, -EUCLEAN);
    REFUSED(zmap_blocks, 0, -EUCLEAN);
    REFUSED(first_zone, 10, -EUCLEAN);
    REFUSED(first_zone, good.first_zone - 1, -EUCLEAN);
    REFUSED(first_zone, good.zones, -EUCLEAN);
    REFUSED(zones, good.zones + 1, -EUCLEAN);
    REFUSED(zones, 1 << 30, -EUCLEAN);
    patch(SUPER_OFFSET, &good, sizeof good);
    struct disk_inode inode, spoilt;
    peek(place_of(ROOT_INO), &inode, sizeof inode);
    spoilt = inode;
    spoilt.mode = S_IFREG | 0755;
    patch(place_of(ROOT_INO), &spoilt, sizeof spoilt);
    EXPECT("R1", mount_disk(0), -EUCLEAN, "mount of a disk whose root is a file");
    patch(place_of(ROOT_INO), &inode, sizeof inode);
    come();
    model_file(1, 300);
    expect_model("R1", "disk/small", " when the superblock is right again");
}

/* Sets an inode's count of links while nobody has the disk mounted. */
static void set_links(ino_t ino, uint16_t links)
{
    NEED(chdir("/") == 0);
    leave();
    struct disk_inode inode;
    peek(place_of(ino), &inode, sizeof inode);
    inode.links = links;
    patch(place_of(ino), &inode, sizeof inode);
    come();
}

static void test_link_limit(void)
{
    TRY("R6", mkdir("limit", 0755), 0, "mkdir limit");
    TRY("R6", mkdir("limit/d", 0755), 0, "mkdir limit/d");
    TRY("R6", mkdir("limit/e", 0755), 0, "mkdir limit/e");
    close(opened("R5", "limit/f", O_WRONLY | O_CREAT));
    ino_t file = about("limit/f").st_ino, folder = about("limit/d").st_ino;
    set_links(file, LINKS_MAX - 1);
    TRY("R8", link("limit/f", "limit/g"), 0, "link of a file that has one less than may be");
    TRY("R8", link("limit/f", "limit/h"), -EMLINK, "link of a file that has %d", LINKS_MAX);
    TRY("R6", unlink("limit/g"), 0, "unlink of one");
    set_links(file, 1);
    set_links(folder, LINKS_MAX);
    TRY("R6", mkdir("limit/d/x", 0755), -EMLINK, "mkdir in a folder that has %d links", LINKS_MAX);
    TRY("R9", rename("limit/e", "limit/d/e"), -EMLINK, "rename of a folder into it");
    close(opened("R5", "limit/d/f", O_WRONLY | O_CREAT));
    set_links(folder, LINKS_MAX - 1);
    TRY("R9", rename("limit/e", "limit/d/e"), 0, "rename into a folder that has one link less");
    EXPECT("R9", about("limit/d").st_nlink, LINKS_MAX, "its links then");
    set_links(folder, 3);
}

/* ---- read-only ---- */

static void changes_nothing(int fd)
{
    TRY("R13", open("disk/small", O_WRONLY), -EROFS, "open of a file to write");
    TRY("R13", open("disk/small", O_RDONLY | O_TRUNC), -EROFS, "open of a file with O_TRUNC");
    TRY("R13", open("disk/new", O_WRONLY | O_CREAT, 0644), -EROFS, "create");
    TRY("R13", mkdir("disk/new", 0755), -EROFS, "mkdir");
    TRY("R13", symlink("x", "disk/new"), -EROFS, "symlink");
    TRY("R13", link("disk/small", "disk/new"), -EROFS, "link");
    TRY("R13", unlink("disk/small"), -EROFS, "unlink");
    TRY("R13", rename("disk/small", "disk/new"), -EROFS, "rename");
    TRY("R13", chmod("disk/small", 0600), -EROFS, "chmod");
    TRY("R13", truncate("disk/small", 1), -EROFS, "truncate");
    if (fd < 0)
        return;
    TRY("R13", pwrite(fd, "x", 1, 0), -EROFS, "write to a file that was open before");
    TRY("R13", ftruncate(fd, 0), -EROFS, "ftruncate of a file that was open before");
}

static void test_read_only(void)
{
    struct timespec times[2] = { { LONG_AGO, 0 }, { LONG_AGO + 5, 0 } };
    TRY("R10", utimensat(AT_FDCWD, "disk/small", times, 0), 0, "utimensat");
    leave();
    come_with(MS_RDONLY);
    EXPECT("R13", now().f_flags & MS_RDONLY, MS_RDONLY, "whether statfs says read-only");
    model_file(1, 300);
    expect_model("R13", "disk/small", " from a read-only mount");
    changes_nothing(-1);
    EXPECT("R13", about("disk/small").st_atime, LONG_AGO, "its time of access, after it was read");
    again();
    EXPECT("R13", about("disk/small").st_atime, LONG_AGO,
           "its time of access after the next mount");
    EXPECT("R13", about("disk/small").st_size, 300, "its size after the next mount");
    int fd = opened("R13", "overwrite/f1", O_RDWR);
    char text[64];
    strcpy(text, marker());
    TRY("R13", pwrite(fd, text, 32, 0), 32, "write to a file");
    TRY("R13", mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0, "remount, read-only");
    EXPECT("R13", on_disk(text, 32), 1, "looking on the disk for what was written before that");
    EXPECT("R13", now().f_flags & MS_RDONLY, MS_RDONLY, "whether statfs says read-only");
    changes_nothing(fd);
    TRY("R13", mount(NULL, ".", NULL, MS_REMOUNT, NULL), 0, "remount, to be written again");
    EXPECT("R13", now().f_flags & MS_RDONLY, 0, "whether statfs says read-only");
    TRY("R13", pwrite(fd, "x", 1, 0), 1, "write to the file that is still open");
    TRY("R13", mkdir("read-only", 0755), 0, "mkdir");
    close(fd);
}

/* ---- nothing is lost with time ---- */

/* How much memory the server has, in KiB. */
static long memory_of_server(void)
{
    char text[16384];
    int fd = openat(outside, "proc/minnow/services", O_RDONLY);
    NEED(fd >= 0);
    long kib = -1, length = 0, n;
    while ((n = read(fd, text + length, sizeof text - 1 - length)) > 0)
        length += n;
    close(fd);
    text[length] = 0;
    char *at = strstr(text, " minix ");
    NEED(at && sscanf(at + 7, "%*s %*d %*d %*d %ld", &kib) == 1);
    return kib;
}

/* Everything once, on pages that the unmount before has thrown away. */
static void round_trip(void)
{
    static char bytes[3000];
    char got[16];
    struct stat s;
    again();
    int fd = open("disk/large", O_RDONLY), made;
    for (int i = 0; i < 8; i++)
        pread(fd, got, sizeof got, lab_below(720) * BLOCK);
    close(fd);
    for (int i = 0; i < 10; i++)
        access("disk/absent", F_OK), access("disk/small/x", F_OK);
    lstat("disk/folder/inner/b", &s);
    readlink("disk/link", got, sizeof got);
    fd = open("disk/crowd", O_RDONLY);
    lseek(fd, 64 * 64, SEEK_SET);
    close(fd);
    if (mkdir("steady", 0755) < 0 || chdir("steady") < 0)
        lab_fail("R14", "a new folder", lab_result(-errno), "mkdir, as often before");
    made = open("a", O_RDWR | O_CREAT | O_EXCL, 0644);
    if (made < 0 || write(made, bytes, sizeof bytes) != sizeof bytes)
        lab_fail("R14", "a new file", lab_result(-errno), "create and write, as often before");
    pread(made, got, sizeof got, 2000);
    write(made, (void *)1, 5);
    ftruncate(made, 1500);
    close(made);
    link("a", "b"), link("a", "b"), rename("a", "c"), rename("b", "c"), symlink("c", "l");
    mkdir("d", 0755), mkdir("d", 0755), rename("c", "d/c"), rename("d", "e"), rename("e", "e/f");
    rmdir("e"), unlink("e"), rmdir("absent"), unlink("absent"), chmod("l", 0600),
        open("l/x", O_RDONLY);
    open("new", O_RDONLY), readlink("e", got, sizeof got), truncate("e", 5), rename("absent", "x");
    unlink("l"), unlink("e/c"), rmdir("e"), unlink("b"), unlink("c");
    NEED(chdir("/") == 0);
    TRY("R14", rmdir("steady"), 0, "rmdir, as often before");
}

static void test_steady(void)
{
    enum { ROUNDS = 45 };
    for (int i = 0; i < 6; i++)
        round_trip();
    long before = memory_of_server(), blocks = now().f_bfree, inodes = now().f_ffree;
    for (int i = 0; i < ROUNDS; i++)
        round_trip();
    EXPECT("R14", memory_of_server(), before,
           "KiB that the server has, after %d more mounts in which the same was done", ROUNDS);
    EXPECT("R14", now().f_bfree, blocks, "free blocks");
    EXPECT("R14", now().f_ffree, inodes, "free inodes");
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "read", test_read },
        { "symbolic", test_symbolic },
        { "levels", test_levels },
        { "overwrite", test_overwrite },
        { "kept", test_kept },
        { "append", test_append },
        { "thrown-back", test_thrown_back },
        { "shorter", test_shorter },
        { "remove", test_remove },
        { "long-names", test_long_names },
        { "times", test_times },
        { "nodes", test_nodes },
        { "full", test_full },
        { "full-folder", test_full_folder },
        { "inodes", test_inodes },
        { "space", test_space },
        { "limits", test_limits },
        { "sync", test_sync },
        { "refuse", test_refuse },
        { "link-limit", test_link_limit },
        { "read-only", test_read_only },
        { "steady", test_steady },
        { 0 },
    };
    come();
    int status = lab_main(argc, argv, tests);
    leave();
    return status;
}
