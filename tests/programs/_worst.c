/* worst WHAT N: a child makes the longest call of its kind, N large; meanwhile its parent makes
 * short ones. Prints the child's result, and the longest time in microseconds that the parent
 * waited for one round of short calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB        (1ul << 20)
#define HUGE_TABLE (2 * MIB) /* what one page table covers */

static long microseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static char *memory(size_t bytes, int protection)
{
    char *at = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        _exit(1);
    }
    return at;
}

static char *touched(size_t bytes)
{
    char *at = memory(bytes, PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < bytes; i += 4096)
        at[i] = 1;
    return at;
}

static long do_exit(long n)
{
    touched(n * MIB);
    return 0;
}

/* As do_exit, but in pieces of which each is short. */
static long do_exit_regions(long n)
{
    for (long i = 0; i < n; i++) {
        touched(MIB);
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    return 0;
}

/* So many thousand regions: made, split, joined, wanted by a child and given back. */
static char *split(char *at, long n)
{
    for (long i = 0; i < n; i += 2)
        if (mprotect(at + i * 4096, 4096, PROT_READ))
            return NULL;
    return at;
}

static long do_regions(long n)
{
    long pages = n * 1000, bytes = pages * 4096;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *at = split(mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), pages);
    if (!at || madvise(at, bytes, MADV_WIPEONFORK) || madvise(at, bytes, MADV_KEEPONFORK))
        return 1;
    pid_t p = fork();
    if (!p)
        _exit(0);
    int status = 1;
    if (waitpid(p, &status, 0) != p || status || madvise(at, bytes, MADV_DONTNEED) ||
        msync(at, bytes, MS_SYNC) || mprotect(at, bytes, PROT_READ | PROT_WRITE))
        return 2;
    return !split(at, pages) || munmap(at, bytes / 2);
}

static long do_munmap(long n) { return munmap(touched(n * MIB), n * MIB); }
static long do_madvise(long n) { return madvise(touched(n * MIB), n * MIB, MADV_DONTNEED); }
static long do_populate(long n)
{
    return mmap(NULL, n * MIB, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED;
}

static long do_mprotect(long n)
{
    char *at = touched(n * MIB);
    return mprotect(at, n * MIB, PROT_READ) | mprotect(at, n * MIB, PROT_READ | PROT_WRITE);
}

static long do_mremap(long n)
{
    char *from = touched(n * MIB), *to = memory(n * MIB, PROT_NONE);
    for (size_t i = 0; i < n * MIB; i += 4096)
        from[i] = (char)(i >> 12);
    if (mremap(from, n * MIB, n * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
        return -1;
    for (size_t i = 0; i < n * MIB; i += 4096)
        if (to[i] != (char)(i >> 12))
            return -2;
    return 0;
}

static long do_fork(long n)
{
    char *at = touched(n * MIB);
    int status;
    pid_t pid = fork();
    if (pid)
        return pid < 0 ? -1 : waitpid(pid, &status, 0) == pid ? status : -1;
    long sum = 0;
    for (size_t i = 0; i < n * MIB; i += 4096)
        sum += at[i]++;
    _exit(sum != (long)(n * MIB / 4096));
}

static long do_exec(long n)
{
    touched(n * MIB);
    execl("/bin/true", "true", NULL);
    return -1;
}

/* Tables without a page in them: one page of each is touched and given back. */
static long do_tables(long n)
{
    char *at = memory(n * HUGE_TABLE, PROT_READ | PROT_WRITE);
    for (long i = 0; i < n; i++)
        at[i * HUGE_TABLE] = 1, madvise(at + i * HUGE_TABLE, 4096, MADV_DONTNEED);
    return munmap(at, n * HUGE_TABLE);
}

/* n GiB are asked about, with one piece of memory for each part of the answer. */
static long do_mincore(long n)
{
    size_t pages = n << 18;
    int fd = open("/tmp/vector", O_RDWR | O_CREAT, 0600);
    char *at = memory(pages * 4096, PROT_NONE), *vector = memory(pages, PROT_NONE);
    if (ftruncate(fd, MIB))
        return -1;
    for (size_t i = 0; i < pages; i += MIB)
        if (mmap(vector + i, pages - i < MIB ? pages - i : MIB, 3, MAP_SHARED | MAP_FIXED, fd, 0) ==
            MAP_FAILED)
            return -2;
    unlink("/tmp/vector");
    return mincore(at, pages * 4096, (void *)vector);
}

static uint64_t ring[2];
static volatile int up;

static void *goes_round(void *unused)
{
    static __thread struct {
        void *next;
        long offset;
        void *pending;
    } head;
    head.next = ring;
    head.offset = 8;
    syscall(SYS_set_robust_list, &head, sizeof head);
    __atomic_fetch_add(&up, 1, __ATOMIC_SEQ_CST);
    for (;;)
        pause();
    return unused;
}

static long do_robust(long n)
{
    pthread_attr_t small;
    pthread_t t;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    ring[0] = (uint64_t)ring;
    for (long i = 0; i < n; i++)
        if (pthread_create(&t, &small, goes_round, NULL))
            return -1;
    while (up < n)
        usleep(1000);
    return 0;
}

/* 1,023 empty elements before one of n MiB. */
static long transfer(const char *path, int writes, long n)
{
    static struct iovec v[1024];
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    char *at = touched(n * MIB);
    for (int i = 0; i < 1023; i++)
        v[i].iov_base = at;
    v[1023] = (struct iovec){ at, n * MIB };
    if (!writes && strncmp(path, "/dev", 4) && ftruncate(fd, n * MIB))
        return -1;
    ssize_t done = writes ? writev(fd, v, 1024) : readv(fd, v, 1024);
    if (strncmp(path, "/dev", 4))
        unlink(path);
    return done == (ssize_t)(n * MIB) ? 0 : -2;
}

static long do_zero(long n) { return transfer("/dev/zero", 0, n); }
static long do_tty(long n) { return transfer("/dev/tty1", 1, n); }
static long do_tmpfs_read(long n) { return transfer("/tmp/iovec", 0, n); }
static long do_tmpfs_write(long n) { return transfer("/tmp/iovec", 1, n); }
static long do_ext2_read(long n) { return transfer("/root/iovec", 0, n); }
static long do_ext2_write(long n) { return transfer("/root/iovec", 1, n); }
static long do_fat_write(long n) { return transfer("/boot/iovec", 1, n); }

/* So many bytes typed at a pseudo terminal that nobody reads: `often` times a key that edits the
 * line, behind a line as long as it may be. */
static long type(size_t bytes, const char *key, size_t often)
{
    enum { LINE = 4000 };
    char *at = touched(bytes);
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    unlockpt(master);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    for (size_t i = 0; i < bytes;) {
        for (size_t k = 0; k < LINE && i < bytes; k++)
            at[i++] = 'a';
        for (size_t k = 0; k < often && i < bytes; k++)
            at[i++] = key[k % strlen(key)];
    }
    fcntl(master, F_SETFL, O_NONBLOCK);
    return slave < 0 || write(master, at, bytes) <= 0 ? -3 : 0;
}
static long do_kill(long n) { return type(n * MIB, "\025", 1); }
static long do_word(long n) { return type(n * MIB, "\027", 1); }
static long do_reprint(long n) { return type(n * MIB, "\022", ~0ul); }
/* KiB: each byte is worth as much as thousands of others */
static long do_tab(long n) { return type(n * 1024, "\t\177", ~0ul); }

static long do_random(long n) { return syscall(SYS_getrandom, touched(n * MIB), n * MIB, 0) < 0; }

/* A file that looks larger than any cache is cut, with n MiB of it there. */
static long cut(const char *path, long n)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    char *at = touched(MIB);
    for (long i = 0; i < n; i++)
        if (pwrite(fd, at, MIB, i * MIB) != MIB)
            return -1;
    if (ftruncate(fd, 8L << 30) || ftruncate(fd, 0))
        return -2;
    close(fd);
    return unlink(path);
}

static long do_ext2_cut(long n) { return cut("/root/cut", n); }
static long do_tmpfs_cut(long n) { return cut("/tmp/cut", n); }

static long names(const char *folder, long n)
{
    char name[300];
    struct stat st;
    mkdir(folder, 0755);
    if (chdir(folder))
        return -1;
    for (long i = 0; i < n; i++) {
        snprintf(name, sizeof name, "name-%ld-%0200d", i, 0);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
        if (fd < 0 || close(fd))
            return -2;
    }
    for (long i = 0; i < n; i++) {
        snprintf(name, sizeof name, "name-%ld-%0200d", i, 0);
        if (stat(name, &st) || unlink(name) || !stat(name, &st))
            return -3;
    }
    return chdir("/") | rmdir(folder);
}

static long do_fat_names(long n) { return names("/boot/many", n); }
static long do_ext2_names(long n) { return names("/root/many", n); }

static void rings(int signal) { (void)signal; }

/* n processes, each of which has all the timers that it may have ring every nanosecond, for a
 * while. */
static long do_timers(long n)
{
    enum { TIMERS = 64, SIGNALS_USED = 30 };
    static const struct itimerspec often = { { 0, 1 }, { 0, 50000000 } };
    for (long i = 0; i < n; i++) {
        if (fork())
            continue;
        for (int k = 0; k < TIMERS; k++) {
            struct sigevent e = { .sigev_notify = SIGEV_SIGNAL,
                                  .sigev_signo = SIGRTMIN + k % SIGNALS_USED };
            timer_t t;
            signal(e.sigev_signo, rings);
            if (timer_create(CLOCK_MONOTONIC, &e, &t) || timer_settime(t, 0, &often, NULL))
                _exit(1);
        }
        for (long end = microseconds() + 1000000; microseconds() < end;)
            pause();
        _exit(0);
    }
    int status, wrong = 0;
    while (wait(&status) > 0)
        wrong += status != 0;
    return wrong;
}

/* n times all descriptors are closed at once, by a process that has all record locks that it may
 * have; those of the last file that it opens stay. */
static long do_close_range(long n)
{
    enum { FIRST = 10, LAST = 1000, LOCKS = 500 };
    int other = open("/tmp/locked", O_RDWR | O_CREAT, 0600),
        fd = open("/tmp/closed", O_RDWR | O_CREAT, 0600);
    for (long i = 0; i < LOCKS; i++) {
        struct flock l = { .l_type = F_WRLCK, .l_start = 2 * i, .l_len = 1 };
        if (fcntl(other, F_SETLK, &l))
            return 1;
    }
    for (; n; n--) {
        for (int at = FIRST; at < LAST; at++)
            dup2(fd, at);
        if (syscall(SYS_close_range, FIRST, LAST, 0))
            return 2;
    }
    return 0;
}

static const struct {
    const char *name;
    long (*call)(long n);
} worst[] = {
    { "exit", do_exit },
    { "exit-regions", do_exit_regions },
    { "regions", do_regions },
    { "munmap", do_munmap },
    { "madvise", do_madvise },
    { "populate", do_populate },
    { "mprotect", do_mprotect },
    { "mremap", do_mremap },
    { "fork", do_fork },
    { "exec", do_exec },
    { "tables", do_tables },
    { "mincore", do_mincore },
    { "robust", do_robust },
    { "zero", do_zero },
    { "tty", do_tty },
    { "kill", do_kill },
    { "word", do_word },
    { "reprint", do_reprint },
    { "tab", do_tab },
    { "random", do_random },
    { "tmpfs-read", do_tmpfs_read },
    { "tmpfs-write", do_tmpfs_write },
    { "tmpfs-cut", do_tmpfs_cut },
    { "ext2-read", do_ext2_read },
    { "ext2-write", do_ext2_write },
    { "ext2-cut", do_ext2_cut },
    { "ext2-names", do_ext2_names },
    { "fat-write", do_fat_write },
    { "fat-names", do_fat_names },
    { "timers", do_timers },
    { "close-range", do_close_range },
};

/* The policy puts a program that sleeps in between before all that compute: so this one waits for
 * no program's quantum, only for services. */
static void short_calls(void)
{
    struct stat st;
    usleep(500);
    getsid(0);
    stat("/tmp", &st);
    char *at = memory(4096, PROT_READ | PROT_WRITE);
    *at = 1;
    munmap(at, 4096);
}

int main(int argc, char **argv)
{
    long longest = 0, rounds = 0;
    int status;
    if (argc < 3)
        return 2;
    for (unsigned i = 0; i < sizeof worst / sizeof worst[0]; i++) {
        if (strcmp(worst[i].name, argv[1]))
            continue;
        pid_t pid = fork();
        if (!pid)
            _exit(-worst[i].call(atol(argv[2])));
        for (long before = microseconds(), now; waitpid(pid, &status, WNOHANG) == 0;
             before = now, rounds++) {
            short_calls();
            now = microseconds();
            longest = now - before > longest ? now - before : longest;
        }
        printf("%s: status %d, %ld us at most, of %s rounds\n", argv[1],
               WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), longest,
               rounds > 3 ? "many" : "few");
        return 0;
    }
    return 2;
}
