/* inotify: which events come of which calls, in which order; watches, masks, moves, the end of
 * files and mounts; reading, overflow, limits. */
#define _GNU_SOURCE
#include "oracle.h"
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static const struct {
    uint32_t bit;
    const char *name;
} bits[] = {
    { IN_ACCESS, "ACCESS" },
    { IN_MODIFY, "MODIFY" },
    { IN_ATTRIB, "ATTRIB" },
    { IN_CLOSE_WRITE, "CLOSE_WRITE" },
    { IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
    { IN_OPEN, "OPEN" },
    { IN_MOVED_FROM, "MOVED_FROM" },
    { IN_MOVED_TO, "MOVED_TO" },
    { IN_CREATE, "CREATE" },
    { IN_DELETE, "DELETE" },
    { IN_DELETE_SELF, "DELETE_SELF" },
    { IN_MOVE_SELF, "MOVE_SELF" },
    { IN_UNMOUNT, "UNMOUNT" },
    { IN_Q_OVERFLOW, "Q_OVERFLOW" },
    { IN_IGNORED, "IGNORED" },
    { IN_ISDIR, "ISDIR" },
};

static int in; /* the inotify that most of this is about */
static uint32_t last_cookie;

static void print(const struct inotify_event *e)
{
    printf("   %d", e->wd);
    for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++)
        if (e->mask & bits[i].bit)
            printf(" %s", bits[i].name);
    if (e->cookie) {
        printf(" %s cookie", e->cookie == last_cookie ? "the same" : "a new");
        last_cookie = e->cookie;
    }
    printf(e->len ? " '%s' (%u)\n" : "\n", e->name, e->len);
    fflush(stdout);
}

/* Prints all events that are there, from one inotify. */
static void drain_of(int fd, const char *after)
{
    char buffer[8192] __attribute__((aligned(8)));
    SAY("%s:", after);
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
        for (char *at = buffer; at < buffer + n;) {
            struct inotify_event *e = (struct inotify_event *)at;
            print(e);
            at += sizeof *e + e->len;
        }
    fflush(stdout);
}
static void drain_quietly(void)
{
    char buffer[4096];
    while (read(in, buffer, sizeof buffer) > 0)
        ;
}
static void drain(const char *after) { drain_of(in, after); }
#define DO(call)      \
    do {              \
        (void)!call;  \
        drain(#call); \
    } while (0)

static int make(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (fd >= 0)
        (void)!write(fd, text, strlen(text)), close(fd);
    return fd < 0 ? -1 : 0;
}

static void begin(void) { in = inotify_init1(IN_NONBLOCK); }
static void end(void) { close(in); }

/* ---- one file ---- */

static void file(void)
{
    char c[4];
    SAY("-- a file");
    begin();
    make("f", "hello");
    SHOW(inotify_add_watch(in, "f", IN_ALL_EVENTS));
    drain("nothing");
    int fd = open("f", O_RDWR);
    drain("open");
    DO(read(fd, c, 4));
    DO(pread(fd, c, 4, 0));
    DO(pread(fd, c, 4, 100));
    DO(read(fd, c, 0));
    DO(write(fd, c, 1));
    DO(write(fd, c, 0));
    DO(ftruncate(fd, 2));
    DO(ftruncate(fd, 2));
    DO(lseek(fd, 0, SEEK_SET));
    DO(fsync(fd));
    DO(fchmod(fd, 0600));
    DO(fchown(fd, 0, 0));
    DO(futimens(fd, NULL));
    DO(fsetxattr(fd, "user.x", "y", 1, 0));
    DO(fremovexattr(fd, "user.x"));
    DO(fallocate(fd, 0, 0, 100));
    int copy = dup(fd);
    DO(close(fd));
    DO(close(copy));
    DO(close(open("f", O_RDONLY)));
    DO(close(open("f", O_WRONLY | O_TRUNC)));
    DO(close(open("f", O_PATH)));
    DO(truncate("f", 10));
    DO(chmod("f", 0644));
    DO(utimensat(AT_FDCWD, "f", NULL, 0));
    struct timespec some[2] = { { 1000, 0 }, { 0, UTIME_OMIT } };
    DO(utimensat(AT_FDCWD, "f", some, 0));
    some[1] = some[0], some[0].tv_nsec = UTIME_OMIT;
    DO(utimensat(AT_FDCWD, "f", some, 0));
    DO(access("f", R_OK));
    struct stat s;
    DO(stat("f", &s));
    DO(link("f", "g"));
    DO(rename("f", "h"));
    DO(unlink("g"));
    fd = open("h", O_RDONLY);
    DO(unlink("h"));
    DO(read(fd, c, 1));
    DO(close(fd));
    SHOW(inotify_rm_watch(in, 1));
    make("f", "x");
    SHOW(inotify_add_watch(in, "f", IN_ALL_EVENTS));
    DO(unlink("f"));
    end();
}

/* ---- a directory ---- */

static void directory(void)
{
    char c[4], list[1024];
    SAY("-- a directory");
    begin();
    mkdir("d", 0755);
    make("d/old", "text");
    int before = open("d/old", O_RDWR);
    SHOW(inotify_add_watch(in, "d", IN_ALL_EVENTS));
    DO(read(before, c, 2));
    DO(write(before, c, 2));
    DO(close(before));
    int fd = open("d/new", O_CREAT | O_RDWR, 0600);
    drain("open O_CREAT");
    DO(write(fd, "abc", 3));
    DO(write(fd, "abc", 3));
    DO(close(fd));
    DO(make("d/new", "again"));
    DO(chmod("d/new", 0644));
    DO(utimensat(AT_FDCWD, "d/new", NULL, 0));
    DO(truncate("d/new", 1));
    DO(setxattr("d/new", "user.x", "y", 1, 0));
    DO(chmod("d", 0750));
    DO(utimensat(AT_FDCWD, "d", NULL, 0));
    DO(mkdir("d/sub", 0700));
    DO(symlink("nowhere", "d/sym"));
    DO(mknod("d/fifo", S_IFIFO | 0600, 0));
    DO(link("d/new", "d/second"));
    DO(unlink("d/second"));
    DO(unlink("d/sym"));
    DO(unlink("d/fifo"));
    make("d/sub/deep", "x");
    drain("a file below a directory below");
    fd = open("d/sub", O_RDONLY);
    drain("open a directory below");
    (void)!syscall(SYS_getdents64, fd, list, sizeof list);
    drain("list it");
    DO(close(fd));
    unlink("d/sub/deep");
    fd = open("d", O_RDONLY);
    drain("open it");
    (void)!syscall(SYS_getdents64, fd, list, sizeof list);
    drain("list it");
    DO(close(fd));
    DO(rmdir("d/sub"));
    DO(rmdir("d/none"));
    DO(mkdir("d/new", 0755));
    SHOW(access("d/123456789012345", F_OK));
    DO(make("d/123456789012345", ""));
    DO(make("d/1234567890123456", ""));
    unlink("d/123456789012345");
    unlink("d/1234567890123456");
    unlink("d/new");
    unlink("d/old");
    drain("unlinks");
    DO(rmdir("d"));
    end();
}

static void deleted(int flags)
{
    char c[4];
    SAY("-- a deleted file, %x", flags);
    begin();
    mkdir("d", 0755);
    make("d/f", "text");
    SHOW(inotify_add_watch(in, "d", IN_ALL_EVENTS | flags));
    int fd = open("d/f", O_RDWR);
    drain("open");
    DO(unlink("d/f"));
    DO(read(fd, c, 2));
    DO(write(fd, c, 2));
    DO(fchmod(fd, 0600));
    DO(close(fd));
    end();
    rmdir("d");
}

/* ---- moves ---- */

static void moves(void)
{
    SAY("-- moves");
    begin();
    mkdir("a", 0755), mkdir("b", 0755), mkdir("a/sub", 0755);
    make("a/f", "f"), make("b/g", "g");
    SHOW(inotify_add_watch(in, "a", IN_MOVE | IN_CREATE | IN_DELETE | IN_MOVE_SELF));
    SHOW(inotify_add_watch(in, "b", IN_MOVE | IN_CREATE | IN_DELETE | IN_DELETE_SELF));
    SHOW(inotify_add_watch(in, "a/f", IN_MOVE_SELF | IN_ATTRIB | IN_DELETE_SELF));
    SHOW(inotify_add_watch(in, "b/g", IN_MOVE_SELF | IN_ATTRIB | IN_DELETE_SELF));
    DO(rename("a/f", "a/h"));
    DO(rename("a/h", "b/f"));
    DO(rename("b/f", "f"));
    DO(rename("f", "a/f"));
    DO(rename("a/sub", "b/sub"));
    DO(rename("b/sub", "a/sub"));
    DO(syscall(SYS_renameat2, AT_FDCWD, "a/f", AT_FDCWD, "b/g", 2));
    DO(syscall(SYS_renameat2, AT_FDCWD, "a/f", AT_FDCWD, "b/g", 1));
    DO(rename("a/f", "b/g"));
    DO(rename("b/g", "b/g"));
    DO(rename("a", "c"));
    DO(rename("c", "a"));
    int fd = open("b/g", O_RDONLY);
    rename("b/g", "a/open");
    drain("an open file moves");
    close(fd);
    unlink("a/open"), rmdir("a/sub"), rmdir("a"), rmdir("b");
    drain("all gone");
    end();
}

static void moved_open(void)
{
    SAY("-- an open file that moves");
    begin();
    mkdir("a", 0755), mkdir("b", 0755);
    make("a/f", "f");
    SHOW(inotify_add_watch(in, "a", IN_MODIFY | IN_CLOSE));
    SHOW(inotify_add_watch(in, "b", IN_MODIFY | IN_CLOSE));
    int fd = open("a/f", O_WRONLY);
    DO(write(fd, "x", 1));
    rename("a/f", "a/g");
    DO(write(fd, "x", 1));
    rename("a/g", "b/h");
    DO(write(fd, "x", 1));
    DO(close(fd));
    unlink("b/h"), rmdir("a"), rmdir("b");
    end();
}

/* ---- watches ---- */

static void watches(void)
{
    SAY("-- watches");
    begin();
    make("f", "x"), make("other", "x");
    mkdir("d", 0755);
    symlink("f", "l");
    SHOW(inotify_add_watch(in, "f", IN_OPEN));
    SHOW(inotify_add_watch(in, "f", IN_ATTRIB));
    DO(close(open("f", O_RDONLY)));
    DO(chmod("f", 0600));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_MASK_ADD));
    DO(close(open("f", O_RDONLY)));
    DO(chmod("f", 0600));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_MASK_CREATE));
    SHOW(inotify_add_watch(in, "other", IN_OPEN | IN_MASK_CREATE));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD));
    SHOW(inotify_add_watch(in, "l", IN_OPEN));
    SHOW(inotify_add_watch(in, "l", IN_ALL_EVENTS | IN_DONT_FOLLOW));
    DO(unlink("l"));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_ONLYDIR));
    SHOW(inotify_add_watch(in, "d", IN_OPEN | IN_ONLYDIR));
    SHOW(inotify_add_watch(in, "f", 0));
    SHOW(inotify_add_watch(in, "f", IN_ISDIR));
    SHOW(inotify_add_watch(in, "f", IN_UNMOUNT));
    SHOW(inotify_add_watch(in, "f", IN_IGNORED | IN_Q_OVERFLOW));
    SHOW(inotify_add_watch(in, "f", IN_ONESHOT));
    SHOW(inotify_add_watch(in, "f", 1u << 27));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | 1u << 27));
    SHOW(inotify_add_watch(in, "none", IN_OPEN));
    SHOW(inotify_add_watch(in, "f/none", IN_OPEN));
    SHOW(inotify_add_watch(in, "", IN_OPEN));
    SHOW(inotify_add_watch(in, (char *)8, IN_OPEN));
    SHOW(inotify_add_watch(-1, "f", IN_OPEN));
    SHOW(inotify_add_watch(0, "f", IN_OPEN));
    char longer[4200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    SHOW(inotify_add_watch(in, longer, IN_OPEN));
    longer[300] = 0;
    SHOW(inotify_add_watch(in, longer, IN_OPEN));
    SHOW(inotify_rm_watch(in, 1));
    drain("removed");
    DO(close(open("f", O_RDONLY)));
    SHOW(inotify_rm_watch(in, 1));
    SHOW(inotify_rm_watch(in, -1));
    SHOW(inotify_rm_watch(in, 100));
    SHOW(inotify_rm_watch(-1, 1));
    SHOW(inotify_rm_watch(0, 1));
    SHOW(inotify_add_watch(in, "f", IN_OPEN));
    drain("nothing");
    end();
    begin();
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_CLOSE | IN_ONESHOT));
    DO(close(open("f", O_RDONLY)));
    SHOW(inotify_rm_watch(in, 1));
    SHOW(inotify_add_watch(in, ".", IN_ALL_EVENTS | IN_ONESHOT));
    DO(close(open("f", O_RDONLY)));
    SHOW(inotify_add_watch(in, ".", IN_CLOSE));
    SHOW(inotify_add_watch(in, "f", IN_CLOSE));
    DO(close(open("f", O_RDONLY)));
    int second = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    SHOW(fcntl(second, F_GETFD));
    SHOW(fcntl(second, F_GETFL) & 0xffff);
    SHOW(inotify_add_watch(second, "f", IN_OPEN | IN_CLOSE));
    DO(close(open("f", O_RDONLY)));
    drain_of(second, "the second one");
    close(second);
    DO(close(open("f", O_RDONLY)));
    unlink("f"), unlink("other"), rmdir("d");
    end();
}

static void as_user(void)
{
    SAY("-- as an ordinary user");
    begin();
    make("secret", "x");
    chmod("secret", 0300);
    mkdir("closed", 0700);
    make("closed/f", "x");
    if (fork() == 0) {
        (void)!setuid(1000);
        SHOW(inotify_add_watch(in, "secret", IN_OPEN));
        SHOW(inotify_add_watch(in, "closed", IN_OPEN));
        SHOW(inotify_add_watch(in, "closed/f", IN_OPEN));
        exit(0);
    }
    wait(NULL);
    unlink("secret"), unlink("closed/f"), rmdir("closed");
    end();
}

/* ---- reading ---- */

static void on_signal(int signal) { (void)!signal; }

static void reading(void)
{
    char buffer[64] __attribute__((aligned(8)));
    int n = -1;
    SAY("-- reading");
    SHOW(inotify_init1(1));
    SHOW(inotify_init1(IN_NONBLOCK | IN_CLOEXEC | 4));
    begin();
    mkdir("d", 0755);
    inotify_add_watch(in, "d", IN_CREATE | IN_DELETE);
    SHOW(read(in, buffer, sizeof buffer));
    SHOW(read(in, buffer, 0));
    SHOW(ioctl(in, FIONREAD, &n));
    SAY("%d", n);
    make("d/one", ""), make("d/two", "");
    SHOW(read(in, buffer, 15));
    SHOW(read(in, buffer, 16));
    SHOW(read(in, buffer, 31));
    SHOW(ioctl(in, FIONREAD, &n));
    SAY("%d", n);
    SHOW(read(in, buffer, 63));
    SHOW(ioctl(in, FIONREAD, &n));
    SAY("%d", n);
    SHOW(read(in, (char *)8, 64));
    drain_quietly(); /* on Linux the event is gone */
    char *fresh = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unlink("d/one");
    SHOW(read(in, fresh + 4080, 64));
    SAY("%s", ((struct inotify_event *)(fresh + 4080))->name);
    SHOW(write(in, buffer, 16));
    SHOW(ioctl(in, TCSBRK, 0));
    SHOW(pread(in, buffer, 64, 0));
    struct stat s;
    SHOW(fstat(in, &s));
    SAY("mode %o size %d", s.st_mode, (int)s.st_size);
    drain("rest");
    struct pollfd p = { in, POLLIN | POLLOUT, 0 };
    SHOW(poll(&p, 1, 0));
    make("d/x", "");
    SHOW(poll(&p, 1, 0));
    SAY("%x", p.revents);
    drain("x");
    SHOW(poll(&p, 1, 10));
    int e = epoll_create1(0);
    struct epoll_event ev = { EPOLLIN | EPOLLET, { 0 } };
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, in, &ev));
    SHOW(epoll_wait(e, &ev, 1, 0));
    make("d/y", "");
    SHOW(epoll_wait(e, &ev, 1, 0));
    SHOW(epoll_wait(e, &ev, 1, 0));
    make("d/z", "");
    SHOW(epoll_wait(e, &ev, 1, 0));
    close(e);
    drain("y and z");
    fcntl(in, F_SETFL, 0);
    if (fork() == 0) {
        pause_ms(50);
        make("d/late", "");
        exit(0);
    }
    SHOW(read(in, buffer, sizeof buffer));
    print((struct inotify_event *)buffer);
    wait(NULL);
    if (fork() == 0) {
        pause_ms(50);
        unlink("d/late");
        exit(0);
    }
    p.events = POLLIN;
    SHOW(poll(&p, 1, 5000));
    wait(NULL);
    SHOW(read(in, buffer, sizeof buffer));
    struct sigaction act = { .sa_handler = on_signal };
    sigaction(SIGALRM, &act, NULL);
    SHOW_INTERRUPTED(read(in, buffer, sizeof buffer));
    unlink("d/x"), unlink("d/y"), unlink("d/z"), unlink("d/two");
    SHOW(inotify_rm_watch(in, 1));
    fcntl(in, F_SETFL, O_NONBLOCK);
    drain("the rest");
    rmdir("d");
    end();
}

static volatile int arrived;
static void on_io(int signal) { arrived = signal; }

static void asynchronous(void)
{
    SAY("-- O_ASYNC");
    begin();
    make("f", "");
    inotify_add_watch(in, "f", IN_OPEN);
    signal(SIGIO, on_io);
    SHOW(fcntl(in, F_SETOWN, getpid()));
    SHOW(fcntl(in, F_SETFL, O_ASYNC | O_NONBLOCK));
    close(open("f", O_RDONLY));
    for (int i = 0; i < 100 && !arrived; i++)
        pause_ms(10);
    SAY("signal %d", arrived == SIGIO);
    unlink("f");
    end();
}

static void merging(void)
{
    SAY("-- equal neighbours");
    begin();
    make("f", ""), make("g", "");
    inotify_add_watch(in, "f", IN_MODIFY | IN_OPEN);
    inotify_add_watch(in, "g", IN_MODIFY | IN_OPEN);
    int f = open("f", O_WRONLY), g = open("g", O_WRONLY);
    drain("opens");
    for (int i = 0; i < 5; i++)
        (void)!write(f, "x", 1);
    drain("five writes");
    for (int i = 0; i < 3; i++)
        (void)!write(f, "x", 1), (void)!write(g, "x", 1);
    drain("writes in turn");
    close(f), close(g);
    unlink("f"), unlink("g");
    end();
}

static void overflow(void)
{
    char buffer[4096] __attribute__((aligned(8)));
    int most = 0, count = 0, over = 0, after = 0;
    SAY("-- overflow");
    FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    SAY("%d", limit && fscanf(limit, "%d", &most) == 1 && most >= 256);
    fclose(limit);
    begin();
    make("f", ""), make("g", "");
    inotify_add_watch(in, "f", IN_MODIFY);
    inotify_add_watch(in, "g", IN_MODIFY);
    int f = open("f", O_WRONLY), g = open("g", O_WRONLY);
    for (int i = 0; i < most / 2 + 10; i++)
        (void)!write(f, "x", 1), (void)!write(g, "x", 1);
    for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
        for (char *at = buffer; at < buffer + n; at += sizeof(struct inotify_event)) {
            const struct inotify_event *e = (struct inotify_event *)at;
            over += e->mask == IN_Q_OVERFLOW && e->wd == -1 && !e->len;
            after += over && e->mask != IN_Q_OVERFLOW;
            count++;
        }
    SAY("all but the limit's: %d, overflows %d, events behind %d", count - most, over, after);
    (void)!write(f, "x", 1);
    drain("again");
    close(f), close(g);
    unlink("f"), unlink("g");
    end();
}

static void limits(void)
{
    int most = 0, fd[2000], n = 0;
    SAY("-- limits");
    FILE *limit = fopen("/proc/sys/fs/inotify/max_user_instances", "r");
    SAY("%d", limit && fscanf(limit, "%d", &most) == 1 && most > 15);
    fclose(limit);
    limit = fopen("/proc/sys/fs/inotify/max_user_watches", "r");
    SAY("%d", limit && fscanf(limit, "%d", &n) == 1 && n > 100);
    fclose(limit);
    if (fork() == 0) {
        (void)!setuid(1000);
        for (n = 0; n < 2000 && n <= most && n < 900; n++)
            if ((fd[n] = inotify_init()) < 0)
                break;
        SAY("%s", n == most ? "the limit" : "another number");
        SHOW(inotify_init());
        exit(0);
    }
    wait(NULL);
}

static void unmounting(void)
{
    SAY("-- an unmounted file system");
    begin();
    mkdir("m", 0755);
    if (mount("none", "m", "tmpfs", 0, NULL)) {
        SAY("no mount: %s", error_name(errno));
        return;
    }
    mkdir("m/d", 0755);
    make("m/d/f", "");
    SHOW(inotify_add_watch(in, "m/d", IN_ALL_EVENTS));
    int second = inotify_init1(IN_NONBLOCK);
    SHOW(inotify_add_watch(second, "m/d/f", IN_OPEN));
    SHOW(umount("m"));
    drain("umount");
    drain_of(second, "and the other one");
    SHOW(inotify_rm_watch(in, 1));
    close(second);
    rmdir("m");
    end();
}

static void information(void)
{
    char path[64], line[256];
    SAY("-- /proc");
    begin();
    make("f", "");
    inotify_add_watch(in, "f", IN_OPEN | IN_MODIFY);
    snprintf(path, sizeof path, "/proc/self/fd/%d", in);
    line[readlink(path, line, sizeof line - 1)] = 0;
    SAY("%s", line);
    unlink("f");
    end();
}

int main(void)
{
    char place[] = "inotify.XXXXXX";
    umask(022);
    if (!mkdtemp(place) || chdir(place))
        return 1;
    chmod(".", 0755);
    file();
    directory();
    deleted(0);
    deleted(IN_EXCL_UNLINK);
    moves();
    moved_open();
    watches();
    as_user();
    reading();
    asynchronous();
    merging();
    overflow();
    limits();
    unmounting();
    information();
    chdir("..");
    SHOW(rmdir(place));
    return 0;
}
