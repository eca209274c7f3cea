/* Names: paths, links, directories, permissions, and the errors of all calls that take a path. Runs
 * as root. */
#define _GNU_SOURCE
#include "oracle.h"
#include <grp.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static const char *place, *other; /* the folder of all tests; a name in another file system */
static char in_place[64];         /* the name of a file there */
/* of renameat2 */
enum { NOREPLACE = 1, EXCHANGE = 2 };

static int make(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0666);
    return fd < 0 ? fd : close(fd);
}

/* Opens and closes, so that descriptors do not show. */
static int try_open(const char *path, int flags, int mode)
{
    int fd = open(path, flags, mode);
    return fd < 0 ? fd : close(fd);
}

static void show(const char *path)
{
    struct stat s;
    if (lstat(path, &s) < 0)
        SAY("%s: %s", path, error_name(errno));
    else
        SAY("%s: mode %o links %d owner %d:%d size %d rdev %x", path, s.st_mode,
            S_ISDIR(s.st_mode) ? 0 : (int)s.st_nlink, s.st_uid, s.st_gid,
            S_ISDIR(s.st_mode) ? 0 : (int)s.st_size, (unsigned)s.st_rdev);
}

static void paths(void)
{
    struct stat s;
    char longest[4200], buffer[64];
    SAY("-- paths");
    SHOW(mkdir("d", 0777));
    SHOW(mkdir("d/e", 0700));
    SHOW(make("f"));
    SHOW(make("d/g"));
    SHOW(stat("", &s));
    SHOW(stat("nothing", &s));
    SHOW(stat("nothing/", &s));
    SHOW(stat("nothing/x", &s));
    SHOW(stat("f/", &s));
    SHOW(stat("f/x", &s));
    SHOW(stat("f/.", &s));
    SHOW(stat("f/..", &s));
    SHOW(stat("d/", &s));
    SHOW(stat("d//e///", &s));
    SHOW(stat("d/./e/../g", &s));
    SHOW(stat("d/e/../../f", &s));
    SHOW(stat("/../../tmp", &s));
    SHOW(stat("/", &s));
    SHOW(stat("////", &s));
    SHOW(stat((char *)8, &s));
    SHOW(stat(NULL, &s));
    SHOW(syscall(SYS_stat, "f", 8));
    memset(longest, 'n', sizeof longest);
    longest[255] = 0;
    SHOW(stat(longest, &s));
    longest[255] = 'n';
    longest[256] = 0;
    SHOW(stat(longest, &s));
    for (int i = 0; i < 4199; i++)
        longest[i] = i % 2 ? '/' : '.';
    longest[4095] = 0;
    SHOW(stat(longest, &s));
    longest[4095] = '/';
    longest[4096] = 0;
    SHOW(stat(longest, &s));
    SHOW(chdir("d/e"));
    SHOW(syscall(SYS_getcwd, buffer, sizeof buffer));
    SAY("%s", buffer);
    SHOW(syscall(SYS_getcwd, buffer, 5));
    SHOW(syscall(SYS_getcwd, buffer, strlen(place) + strlen("/d/e") + 1));
    SHOW(syscall(SYS_getcwd, buffer, strlen(place) + strlen("/d/e")));
    SHOW(rename("../../d", "../../d2"));
    SHOW(syscall(SYS_getcwd, buffer, sizeof buffer));
    SAY("%s", buffer);
    SHOW(rename("../../d2", "../../d"));
    SHOW(chdir("../.."));
    SHOW(chdir("f"));
    SHOW(chdir("nothing"));
    SHOW(mkdir("gone", 0700));
    SHOW(chdir("gone"));
    SHOW(rmdir("../gone"));
    SHOW(syscall(SYS_getcwd, buffer, sizeof buffer));
    SHOW(make("x"));
    SHOW(stat(".", &s));
    SHOW(stat("..", &s));
    SHOW(mkdir("x", 0777));
    SHOW(chdir(".."));
    SHOW(syscall(SYS_getcwd, buffer, sizeof buffer));
    SHOW(chdir(place));
}

/* An empty path is looked at before the directory that it would begin in. */
static void empty_paths(int dir)
{
    struct stat s;
    char buffer[8];
    SHOW(openat(dir, "", O_RDONLY));
    SHOW(openat(dir, "", O_CREAT | O_RDWR, 0600));
    SHOW(openat(dir, "", O_PATH));
    SHOW(fstatat(dir, "", &s, 0));
    SHOW(fstatat(dir, "", &s, AT_EMPTY_PATH) == 0);
    SHOW(readlinkat(dir, "", buffer, sizeof buffer));
    SHOW(mkdirat(dir, "", 0700));
    SHOW(mknodat(dir, "", S_IFIFO, 0));
    SHOW(unlinkat(dir, "", 0));
    SHOW(unlinkat(dir, "", AT_REMOVEDIR));
    SHOW(symlinkat("x", dir, ""));
    SHOW(linkat(dir, "", AT_FDCWD, "x", 0));
    SHOW(linkat(AT_FDCWD, "f", dir, "", 0));
    SHOW(linkat(AT_FDCWD, "nothing", dir, "x", 0));
    SHOW(linkat(dir, "x", AT_FDCWD, "", 0));
    SHOW(renameat(dir, "", dir, ""));
    SHOW(renameat(AT_FDCWD, "f", dir, ""));
    SHOW(renameat(AT_FDCWD, "nothing", dir, "x"));
    SHOW(renameat(dir, "x", AT_FDCWD, ""));
    SHOW(fchmodat(dir, "", 0600, 0));
    SHOW(fchownat(dir, "", 0, 0, 0));
    SHOW(syscall(SYS_faccessat, dir, "", 0));
    SHOW(utimensat(dir, "", NULL, 0));
    SHOW(utimensat(dir, "", NULL, AT_EMPTY_PATH));
}

static void descriptors(void)
{
    struct stat s;
    SAY("-- relative to descriptors");
    int dir = open("d", O_RDONLY | O_DIRECTORY), file = open("f", O_RDONLY),
        path = open("d", O_PATH);
    SHOW(fstatat(dir, "g", &s, 0));
    SHOW(fstatat(path, "g", &s, 0));
    SHOW(fstatat(file, "g", &s, 0));
    SHOW(fstatat(file, in_place, &s, 0));
    SHOW(fstatat(99, "g", &s, 0));
    SHOW(fstatat(99, "/", &s, 0));
    SHOW(fstatat(-1, "g", &s, 0));
    SHOW(fstatat(dir, "", &s, 0));
    SHOW(fstatat(dir, "", &s, AT_EMPTY_PATH));
    SAY("directory %d", S_ISDIR(s.st_mode));
    SHOW(fstatat(file, "", &s, AT_EMPTY_PATH));
    SAY("file %d", S_ISREG(s.st_mode));
    SHOW(syscall(SYS_newfstatat, AT_FDCWD, "f", &s, 0x8000));
    SHOW(fchdir(file));
    SHOW(fchdir(dir));
    SHOW(stat("g", &s));
    SHOW(fchdir(99));
    SHOW(chdir(".."));
    SHOW(fchdir(path));
    SHOW(chdir(".."));
    SHOW(fchmod(path, 0700));
    SHOW(read(path, &s, 1));
    SHOW(mkdirat(dir, "m", 0755));
    SHOW(unlinkat(dir, "m", 0));
    SHOW(unlinkat(dir, "m", AT_REMOVEDIR));
    SHOW(unlinkat(dir, "m", 0x4000));
    empty_paths(99);
    empty_paths(file);
    close(dir), close(file), close(path);
}

/* Slashes behind the name of a file that open() may make. */
static void slashes(void)
{
    static const char *const paths[] = { "d/",    "f/",        "new/",        "to-d/",
                                         "to-f/", "dangling/", "d/.",         "d/./",
                                         "d/../", "to-d/new/", "nothing/new/" };
    static const int flags[] = { O_RDWR,  O_CREAT,
                                 O_TRUNC, O_CREAT | O_EXCL | O_RDWR,
                                 O_EXCL,  O_CREAT | O_NOFOLLOW };
    symlink("d", "to-d"), symlink("f", "to-f"), symlink("nowhere", "dangling");
    for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++)
        for (unsigned k = 0; k < sizeof flags / sizeof flags[0]; k++) {
            int result = try_open(paths[i], flags[k], 0600);
            SAY("open %s, %o: %s", paths[i], flags[k], result < 0 ? error_name(errno) : "ok");
        }
    unlink("to-d"), unlink("to-f"), unlink("dangling");
}

static void opens(void)
{
    SAY("-- open");
    SHOW(try_open("d", O_RDONLY, 0));
    SHOW(try_open("d", O_WRONLY, 0));
    SHOW(try_open("d", O_RDWR, 0));
    SHOW(try_open("d", O_RDONLY | O_CREAT, 0));
    SHOW(try_open("d", O_RDONLY | O_CREAT | O_EXCL, 0));
    SHOW(try_open("d/", O_RDONLY | O_CREAT, 0));
    SHOW(try_open("new/", O_RDONLY | O_CREAT, 0666));
    SHOW(try_open("f/", O_RDONLY, 0));
    SHOW(try_open("f", O_RDONLY | O_DIRECTORY, 0));
    SHOW(try_open("f", O_RDONLY | O_CREAT | O_EXCL, 0));
    SHOW(try_open("nothing", O_RDONLY, 0));
    SHOW(try_open("nothing/x", O_RDONLY | O_CREAT, 0));
    SHOW(try_open("f/x", O_RDONLY | O_CREAT, 0));
    SHOW(try_open("", O_RDONLY | O_CREAT, 0));
    SHOW(try_open(".", O_RDONLY | O_CREAT, 0));
    SHOW(try_open("d", O_RDONLY | O_TRUNC, 0));
    umask(027);
    SHOW(try_open("masked", O_WRONLY | O_CREAT, 0777));
    show("masked");
    SHOW(umask(0));
    SHOW(try_open("sticky", O_WRONLY | O_CREAT, 07777));
    show("sticky");
    SHOW(umask(022));
    SHOW(unlink("masked"));
    SHOW(unlink("sticky"));
    SHOW(mkdir("mode", 07777));
    show("mode");
    SHOW(rmdir("mode"));
    int fd = open("unwritable", O_CREAT | O_WRONLY, 0);
    SHOW(write(fd, "hello", 5));
    close(fd);
    show("unwritable");
    SHOW(try_open("unwritable", O_WRONLY | O_TRUNC, 0));
    show("unwritable");
    SHOW(truncate("unwritable", 100));
    show("unwritable");
    SHOW(truncate("unwritable", -1));
    SHOW(truncate("d", 0));
    SHOW(truncate("nothing", 0));
    SHOW(unlink("unwritable"));
    slashes();
}

static void links(void)
{
    char buffer[300], chain[16], before[16];
    struct stat s;
    SAY("-- symbolic links");
    SHOW(symlink("f", "to-f"));
    SHOW(symlink("d", "to-d"));
    SHOW(symlink("nowhere", "dangling"));
    SHOW(symlink("loop", "loop"));
    SHOW(symlink("", "empty"));
    SHOW(symlink("x", "f"));
    SHOW(symlink("x", "to-f"));
    SHOW(symlink("x", "new/"));
    SHOW(symlink("x", "nothing/y"));
    SHOW(symlink("../", "d/up"));
    show("to-f");
    SHOW(readlink("to-f", buffer, sizeof buffer));
    SHOW(readlink("to-d", buffer, 0));
    SHOW(readlink("f", buffer, sizeof buffer));
    SHOW(readlink("d", buffer, sizeof buffer));
    SHOW(readlink("nothing", buffer, sizeof buffer));
    SHOW(readlink("dangling", buffer, 3));
    SHOW(stat("to-f", &s));
    SHOW(stat("to-f/", &s));
    SHOW(lstat("to-f/", &s));
    SHOW(stat("to-d/g", &s));
    SHOW(stat("to-d/up/to-d/up/f", &s));
    SHOW(stat("to-d/../f", &s));
    SHOW(lstat("to-d/", &s));
    SAY("directory %d", S_ISDIR(s.st_mode));
    SHOW(lstat("to-d", &s));
    SAY("link %d", S_ISLNK(s.st_mode));
    SHOW(stat("dangling", &s));
    SHOW(stat("dangling/", &s));
    SHOW(lstat("dangling/", &s));
    SHOW(stat("loop", &s));
    SHOW(stat("loop/x", &s));
    SHOW(try_open("loop", O_RDONLY, 0));
    SHOW(try_open("to-f", O_RDONLY | O_NOFOLLOW, 0));
    SHOW(try_open("to-d", O_RDONLY | O_NOFOLLOW | O_DIRECTORY, 0));
    SHOW(try_open("to-d/", O_RDONLY | O_NOFOLLOW | O_DIRECTORY, 0));
    SHOW(try_open("to-f", O_PATH | O_NOFOLLOW, 0));
    SHOW(try_open("to-f", O_CREAT | O_EXCL | O_RDONLY, 0666));
    SHOW(try_open("dangling", O_CREAT | O_EXCL | O_RDONLY, 0666));
    SHOW(try_open("dangling", O_CREAT | O_NOFOLLOW | O_RDONLY, 0666));
    SHOW(try_open("dangling", O_CREAT | O_RDONLY, 0666));
    show("nowhere");
    SHOW(unlink("nowhere"));
    SHOW(mkdir("dangling", 0777));
    SHOW(mkdir("dangling/", 0777));
    SHOW(rmdir("to-d"));
    SHOW(rmdir("to-d/"));
    SHOW(unlink("to-d/"));
    SHOW(chown("to-f", 5, 6));
    SHOW(lchown("to-f", 7, 8));
    show("f");
    show("to-f");
    SHOW(chown("f", 0, 0));
    strcpy(before, "f");
    for (int i = 0; i < 41; i++) {
        snprintf(chain, sizeof chain, "chain%d", i);
        symlink(before, chain);
        strcpy(before, chain);
    }
    SHOW(stat("chain39", &s));
    SHOW(stat("chain40", &s));
    for (int i = 0; i < 41; i++) {
        snprintf(chain, sizeof chain, "chain%d", i);
        unlink(chain);
    }
    int fd = open("to-f", O_PATH | O_NOFOLLOW);
    SHOW(readlinkat(fd, "", buffer, sizeof buffer));
    SHOW(fstat(fd, &s));
    SAY("link %d", S_ISLNK(s.st_mode));
    close(fd);
    SHOW(unlink("to-f"));
    SHOW(unlink("to-d"));
    SHOW(unlink("loop"));
    SHOW(unlink("dangling"));
    SHOW(unlink("d/up"));
}

static void hard_links(void)
{
    SAY("-- link, unlink");
    SHOW(link("f", "f2"));
    show("f");
    SHOW(link("f", "f2"));
    SHOW(link("d", "d2"));
    SHOW(link("nothing", "x"));
    SHOW(link("f", "new/"));
    SHOW(link("f", "nothing/x"));
    SHOW(link("f", "/dev/null"));
    SHOW(link("f", other));
    SHOW(symlink("f", "s"));
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "s2", 0));
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "s4", 0x10));
    show("s2");
    show("s3");
    SHOW(unlink("s"));
    SHOW(unlink("s2"));
    SHOW(unlink("s3"));
    SHOW(unlink("f2"));
    SHOW(unlink("f2"));
    SHOW(unlink("d"));
    SHOW(unlink("d/"));
    SHOW(unlink("f/"));
    SHOW(unlink("."));
    SHOW(unlink(".."));
    SHOW(unlink("/"));
    SHOW(unlink("nothing/"));
    SHOW(rmdir("f"));
    SHOW(rmdir("d"));
    SHOW(rmdir("d/."));
    SHOW(rmdir("d/e/.."));
    SHOW(rmdir("."));
    SHOW(rmdir("/"));
    SHOW(rmdir("nothing"));
    SHOW(mkdir("d", 0777));
    SHOW(mkdir("f", 0777));
    SHOW(mkdir("/", 0777));
    SHOW(mkdir(".", 0777));
    SHOW(mkdir("d/..", 0777));
    SHOW(mkdir("f/x", 0777));
    SHOW(mkdir("nothing/x", 0777));
    SHOW(mkdir("slashes///", 0777));
    SHOW(rmdir("slashes//"));
    SHOW(rmdir("/proc"));
}

static void renames(void)
{
    SAY("-- rename");
    make("a"), make("b"), mkdir("p", 0755), mkdir("q", 0755), mkdir("q/r", 0755);
    SHOW(rename("a", "c"));
    SHOW(rename("a", "c"));
    SHOW(rename("c", "b"));
    SHOW(rename("b", "b"));
    SHOW(rename("b", "p"));
    SHOW(rename("p", "b"));
    SHOW(rename("p", "q"));
    SHOW(rename("q", "p"));
    SHOW(rename("p", "p/r/x"));
    SHOW(rename("p", "p/x"));
    SHOW(rename("p/r", "p"));
    SHOW(rename("b", "x/"));
    SHOW(rename("b/", "x"));
    SHOW(rename("p", "x/"));
    SHOW(rename("x/", "p/"));
    SHOW(rename(".", "x"));
    SHOW(rename("p/.", "x"));
    SHOW(rename("p/..", "x"));
    SHOW(rename("p", "."));
    SHOW(rename("/", "/x"));
    SHOW(rename("/etc", "/"));
    SHOW(rename("nothing", "x"));
    SHOW(rename("b", "nothing/x"));
    SHOW(rename("b", other));
    SHOW(rename("/proc", "/x"));
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "p", NOREPLACE));
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", NOREPLACE));
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "p", EXCHANGE));
    show("c"), show("p");
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "x", EXCHANGE));
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "x", EXCHANGE | NOREPLACE));
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "x", 0x100));
    link("p", "p2");
    SHOW(rename("p", "p2"));
    show("p"), show("p2");
    unlink("p"), unlink("p2"), rmdir("c/r"), rmdir("c");
}

static void nodes(void)
{
    SAY("-- mknod");
    SHOW(mknod("n", 0644, 0));
    show("n");
    SHOW(mknod("n", S_IFREG | 0644, 0));
    SHOW(unlink("n"));
    SHOW(mkfifo("n", 0666));
    show("n");
    SHOW(unlink("n"));
    SHOW(mknod("n", S_IFCHR | 0600, makedev(1, 3)));
    show("n");
    int fd = open("n", O_WRONLY);
    SHOW(write(fd, "x", 1));
    close(fd);
    SHOW(unlink("n"));
    SHOW(mknod("n", S_IFCHR | 0600, makedev(77, 3)));
    SHOW(try_open("n", O_RDONLY, 0));
    SHOW(unlink("n"));
    SHOW(mknod("n", S_IFDIR | 0600, 0));
    SHOW(mknod("n", S_IFLNK | 0600, 0));
    SHOW(mknod("new/", S_IFREG | 0600, 0));
    SHOW(mknod("n", S_IFSOCK | 0600, 0));
    SHOW(try_open("n", O_RDONLY, 0));
    SHOW(unlink("n"));
}

static void attributes(void)
{
    struct timespec t[2] = { { 1000, 5 }, { 2000, 6 } };
    struct stat s;
    SAY("-- attributes");
    SHOW(chmod("f", 06755));
    show("f");
    SHOW(chown("f", 10, 20));
    show("f");
    SHOW(chmod("f", 06745));
    SHOW(chown("f", -1, -1));
    show("f");
    SHOW(chmod("f", 0100644));
    show("f");
    SHOW(chown("d", 0, 3));
    SHOW(chmod("d", 02755));
    SHOW(make("d/inherits"));
    show("d/inherits");
    SHOW(mkdir("d/inherits-too", 0755));
    show("d/inherits-too");
    SHOW(rmdir("d/inherits-too"));
    SHOW(unlink("d/inherits"));
    SHOW(chmod("nothing", 0));
    SHOW(chmod("f/", 0));
    SHOW(fchmod(99, 0));
    SHOW(fchown(99, 0, 0));
    SHOW(utimensat(AT_FDCWD, "f", t, 0));
    stat("f", &s);
    SAY("%d.%d %d.%d", (int)s.st_atim.tv_sec, (int)s.st_atim.tv_nsec, (int)s.st_mtim.tv_sec,
        (int)s.st_mtim.tv_nsec);
    t[0].tv_nsec = UTIME_OMIT, t[1].tv_nsec = 7;
    SHOW(utimensat(AT_FDCWD, "f", t, 0));
    stat("f", &s);
    SAY("%d.%d %d.%d", (int)s.st_atim.tv_sec, (int)s.st_atim.tv_nsec, (int)s.st_mtim.tv_sec,
        (int)s.st_mtim.tv_nsec);
    t[1].tv_nsec = UTIME_OMIT;
    SHOW(utimensat(AT_FDCWD, "nothing", t, 0));
    t[1].tv_nsec = 1000000000;
    SHOW(utimensat(AT_FDCWD, "f", t, 0));
    SHOW(utimensat(AT_FDCWD, "nothing", t, 0));
    SHOW(utimensat(AT_FDCWD, "nothing", NULL, 0));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, AT_SYMLINK_NOFOLLOW));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 4));
    SHOW(syscall(SYS_utimensat, 99, NULL, NULL, 0));
    SHOW(syscall(SYS_utimensat, 99, NULL, NULL, AT_SYMLINK_NOFOLLOW));
    SHOW(utimensat(AT_FDCWD, "f", NULL, 0));
    stat("f", &s);
    SAY("%d", labs(s.st_mtim.tv_sec - time(NULL)) < 10);
    int fd = open("f", O_RDONLY);
    SHOW(futimens(fd, NULL));
    SHOW(fchown(fd, 0, 0));
    SHOW(fchmod(fd, 0600));
    close(fd);
    show("f");
}

/* As user 100, group 100, also in group 200. */
static void user(void)
{
    static const gid_t groups[] = { 200 };
    struct timespec t[2] = { { 1000, 5 }, { 2000, 6 } };
    struct stat s;
    SHOW(stat("closed/x", &s));
    SHOW(stat("closed", &s));
    SHOW(chdir("closed"));
    SHOW(try_open("closed", O_RDONLY, 0));
    SHOW(try_open("mine", O_RDWR, 0));
    SHOW(try_open("group", O_RDONLY, 0));
    SHOW(try_open("group", O_WRONLY, 0));
    SHOW(try_open("group", O_RDONLY | O_TRUNC, 0));
    SHOW(try_open("group2", O_RDONLY, 0));
    SHOW(try_open("group2", O_WRONLY, 0));
    SHOW(try_open("others", O_RDONLY, 0));
    SHOW(try_open("others", O_RDWR, 0));
    SHOW(try_open("minenot", O_RDONLY, 0));
    SHOW(access("minenot", R_OK));
    SHOW(access("mine", R_OK | W_OK));
    SHOW(access("mine", X_OK));
    SHOW(access("others", W_OK));
    SHOW(access("nothing", F_OK));
    SHOW(access("others", F_OK));
    SHOW(access("others", 64));
    SHOW(faccessat(AT_FDCWD, "others", W_OK, AT_EACCESS));
    SHOW(make("new"));
    SHOW(mkdir("new", 0777));
    SHOW(unlink("others"));
    SHOW(rename("others", "x"));
    SHOW(link("others", "x"));
    SHOW(symlink("others", "x"));
    SHOW(make("sticky/new"));
    SHOW(unlink("sticky/root"));
    SHOW(rename("sticky/root", "sticky/x"));
    SHOW(rename("sticky/new", "sticky/root"));
    SHOW(unlink("sticky/new"));
    SHOW(unlink("sticky/new"));
    SHOW(make("shared/new"));
    SHOW(unlink("shared/root"));
    SHOW(rename("shared/dir", "shared/dir2"));
    SHOW(rename("shared/dir2", "sticky/dir2"));
    SHOW(chmod("others", 0777));
    SHOW(chmod("mine", 02755));
    show("mine");
    SHOW(chown("mine", 100, 200));
    show("mine");
    SHOW(chmod("mine", 02755));
    show("mine");
    SHOW(chown("mine", 100, 300));
    SHOW(chown("mine", 101, -1));
    SHOW(chown("others", 100, -1));
    SHOW(utimensat(AT_FDCWD, "others", t, 0));
    SHOW(utimensat(AT_FDCWD, "others", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "group2", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "group2", t, 0));
    SHOW(truncate("others", 0));
    SHOW(mknod("shared/n", S_IFCHR | 0600, makedev(1, 3)));
    SHOW(mkfifo("shared/n", 0600));
    SHOW(chroot("shared"));
    SHOW(chroot("closed/x"));
    SHOW(setgroups(1, groups));
    SHOW(try_open("others", O_RDONLY | O_NOATIME, 0));
    SHOW(try_open("mine", O_RDONLY | O_NOATIME, 0));
}

static void owned(const char *path, int uid, int gid, int mode)
{
    make(path);
    chown(path, uid, gid);
    chmod(path, mode);
}

static void permissions(void)
{
    static const gid_t groups[] = { 200 };
    int status;
    SAY("-- permissions");
    mkdir("closed", 0700), make("closed/x");
    owned("mine", 100, 100, 0600);
    owned("minenot", 100, 100, 0077);
    owned("group", 1, 100, 0040);
    owned("group2", 1, 200, 0060);
    owned("others", 1, 1, 0004);
    mkdir("sticky", 0777), chmod("sticky", 01777), make("sticky/root");
    mkdir("shared", 0777), chmod("shared", 0777), make("shared/root"), mkdir("shared/dir", 0755);
    SHOW(access("closed", R_OK | W_OK | X_OK));
    SHOW(access("minenot", R_OK | W_OK));
    SHOW(access("mine", X_OK));
    SHOW(try_open("minenot", O_RDWR, 0));
    pid_t pid = fork();
    if (!pid) {
        setgroups(1, groups);
        setgid(100);
        setuid(100);
        user();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    show_status("user", status);
}

static void roots(void)
{
    char buffer[64];
    int status;
    struct stat s;
    SAY("-- chroot");
    pid_t pid = fork();
    if (!pid) {
        make("d/inside");
        SHOW(chroot("nothing"));
        SHOW(chroot("f"));
        SHOW(chroot("d"));
        SHOW(chdir("/"));
        SHOW(syscall(SYS_getcwd, buffer, sizeof buffer));
        SAY("%s", buffer);
        SHOW(stat("/inside", &s));
        SHOW(stat("/../../inside", &s));
        SHOW(symlink("/inside", "l"));
        SHOW(stat("l", &s));
        SHOW(stat("/tmp", &s));
        unlink("l"), unlink("inside");
        _exit(0);
    }
    waitpid(pid, &status, 0);
    show_status("chroot", status);
}

static void all(const char *where)
{
    char command[64];
    place = where;
    snprintf(in_place, sizeof in_place, "%s/f", where);
    snprintf(command, sizeof command, "rm -rf %s", where);
    SAY("---- %s", where);
    system(command);
    umask(022);
    mkdir(where, 0755);
    chdir(where);
    paths();
    descriptors();
    opens();
    links();
    hard_links();
    renames();
    nodes();
    attributes();
    permissions();
    roots();
    chdir("/");
    system(command);
}

int main(void)
{
    other = "/dev/oracle-names";
    all("/tmp/oracle-names");
    all("/var/tmp/oracle-names");
}
