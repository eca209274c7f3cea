/* eventfd: counting, waiting, semaphores, poll and select, threads, forks, full tables. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/syscall.h>

static uint64_t value;

static long take(int fd)
{
    value = 77;
    return read(fd, &value, 8);
}
static long put(int fd, uint64_t v) { return write(fd, &v, 8); }

static void counting(void)
{
    int e = eventfd(3, EFD_NONBLOCK);
    char more[16] = "", less[4];
    SHOW(take(e));
    SAY("value %lu", value);
    SHOW(take(e));
    SHOW(put(e, 5));
    SHOW(put(e, 6));
    SHOW(take(e));
    SAY("value %lu", value);
    SHOW(put(e, 0));
    SHOW(take(e));
    SHOW(put(e, -1));
    SHOW(put(e, -2));
    SHOW(put(e, 1));
    SHOW(take(e));
    SAY("value %lx", value);
    SHOW(read(e, less, 4));
    SHOW(write(e, less, 4));
    SHOW(read(e, less, 0));
    SHOW(put(e, 1));
    SHOW(read(e, more, 16));
    SAY("byte %d", more[0]);
    SHOW(write(e, (void *)8, 8));
    SHOW(put(e, 4));
    SHOW(read(e, (void *)8, 8));
    take(e); /* Linux has lost the number by now */
    char *fresh = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(put(e, 9));
    SHOW(read(e, fresh + 4092, 8));
    SAY("found %lu", *(uint64_t *)(fresh + 4092));
    close(e);
    SHOW(eventfd(0, 1 << 20));
    e = syscall(SYS_eventfd, 1u << 31);
    SHOW(take(e));
    SAY("value %lx, flags %d", value, fcntl(e, F_GETFD));
    close(e);
    e = eventfd(0, 0);
    SHOW(flock(e, LOCK_EX)); /* POSIX watches the file, which is its own */
    close(e);
    e = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    SAY("flags %d, %x", fcntl(e, F_GETFD), fcntl(e, F_GETFL));
    SHOW(fcntl(e, F_SETFL, 0));
    SAY("flags %x", fcntl(e, F_GETFL));
    SHOW(lseek(e, 0, SEEK_END) < 0 && errno != ESPIPE);
    struct stat s;
    SHOW(fstat(e, &s));
    SAY("mode %o", s.st_mode);
    SHOW(fchdir(e));
    SHOW(openat(e, "x", O_RDONLY));
    SHOW(unlinkat(e, "x", 0));
    SHOW((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, e, 0));
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", e);
    SHOW(open(path, O_RDWR));
    struct statfs fs;
    SHOW(fstatfs(e, &fs));
    SAY("type %lx", (long)fs.f_type);
    SHOW(ftruncate(e, 0));
    SHOW(fsync(e));
    SHOW(ioctl(e, 0x5401, more));
    close(e);
    SHOW(take(e));
}

static void semaphores(void)
{
    int e = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
    for (int i = 0; i < 4; i++) {
        SHOW(take(e));
        SAY("value %lu", value);
    }
    close(e);
}

static int events(int fd, int timeout)
{
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
    int n = poll(&p, 1, timeout);
    return n < 0 ? -errno : p.revents;
}

static void *later(void *fd)
{
    pause_ms(30);
    put((intptr_t)fd, 4);
    return NULL;
}
static void *taker(void *fd)
{
    uint64_t v = 0;
    long n = read((intptr_t)fd, &v, 8);
    return (void *)(n == 8 ? v : 0);
}

static void polls(void)
{
    int e = eventfd(0, 0);
    pthread_t t, u;
    void *a, *b;
    SAY("none: %x", events(e, 0));
    put(e, 1);
    SAY("some: %x", events(e, 0));
    take(e);
    put(e, -2);
    SAY("full: %x", events(e, 0));
    take(e);
    for (int i = 0; i < 3; i++) {
        struct pollfd p = { .fd = e, .events = POLLIN };
        pthread_create(&t, NULL, later, (void *)(intptr_t)e);
        int n = poll(&p, 1, 5000);
        SAY("waited: %d %x", n, p.revents);
        pthread_join(t, NULL);
        SHOW(take(e));
    }
    fd_set in;
    FD_ZERO(&in);
    FD_SET(e, &in);
    pthread_create(&t, NULL, later, (void *)(intptr_t)e);
    SHOW(select(e + 1, &in, NULL, NULL, NULL));
    pthread_join(t, NULL);
    SHOW(take(e));
    /* a read that waits */
    pthread_create(&t, NULL, later, (void *)(intptr_t)e);
    SHOW(take(e));
    SAY("value %lu", value);
    pthread_join(t, NULL);
    /* two that wait */
    int s = eventfd(0, EFD_SEMAPHORE);
    pthread_create(&t, NULL, taker, (void *)(intptr_t)s);
    pthread_create(&u, NULL, taker, (void *)(intptr_t)s);
    pause_ms(20);
    put(s, 2);
    pthread_join(t, &a), pthread_join(u, &b);
    SAY("both got %ld %ld", (long)a, (long)b);
    /* a write that waits for room */
    put(e, -2);
    pid_t pid = fork();
    if (!pid) {
        long n = put(e, 7);
        _exit(n == 8);
    }
    pause_ms(30);
    int status;
    SAY("waits: %d", waitpid(pid, &status, WNOHANG) == 0);
    SHOW(take(e));
    waitpid(pid, &status, 0);
    show_status("written", status);
    SHOW(take(e));
    SAY("value %lu", value);
    close(e), close(s);
}

static void nothing(int sig) { (void)sig; }

static void signals(void)
{
    int e = eventfd(0, 0);
    struct sigaction a = { .sa_handler = nothing };
    sigaction(SIGALRM, &a, NULL);
    SHOW_INTERRUPTED(take(e));
    a.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &a, NULL);
    ualarm(20000, 0);
    pthread_t t;
    pause_ms(0);
    pthread_create(&t, NULL, later, (void *)(intptr_t)e);
    SHOW(take(e));
    SAY("value %lu", value);
    pthread_join(t, NULL);
    close(e);
}

static void sharing(void)
{
    int e = eventfd(0, 0), d = dup(e), status;
    pid_t pid = fork();
    if (!pid) {
        put(e, 11);
        _exit(0);
    }
    SHOW(take(d));
    SAY("value %lu", value);
    waitpid(pid, &status, 0);
    close(e);
    SHOW(put(d, 1));
    SHOW(take(d));
    close(d);
    int good = 0;
    for (int i = 1; i <= 3000; i++) {
        e = eventfd(i, 0);
        good += take(e) == 8 && value == (uint64_t)i;
        close(e);
    }
    SAY("in turn: %d", good);
}

int main(void)
{
    counting();
    semaphores();
    polls();
    signals();
    sharing();
    return 0;
}
