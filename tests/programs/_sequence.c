/* sequence FOLDER: work of all kinds whose every byte and step is numbered and checked. Prints a
 * line for each kind, the same every time; errors go to standard error, and the status is then 1.
 * For tests in which services die meanwhile. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int wrong;

static void check(int good, const char *what, long at)
{
    if (good)
        return;
    fprintf(stderr, "sequence: %s, at %ld: %s\n", what, at, strerror(errno));
    wrong = 1;
}

static void whole_write(int fd, const void *from, size_t bytes)
{
    for (const char *p = from; bytes;) {
        ssize_t n = write(fd, p, bytes);
        if (n <= 0) {
            check(0, "write", n);
            return;
        }
        p += n, bytes -= n;
    }
}

/* Numbers through a pipe, in pieces of all sizes. */
static void pipes(void)
{
    enum { NUMBERS = 30000, PIECE = 3000 };
    int ends[2];
    static uint32_t piece[PIECE];
    if (pipe(ends) < 0)
        return check(0, "pipe", 0);
    pid_t child = fork();
    if (!child) {
        for (uint32_t n = 0, size = 1; n < NUMBERS; n += size, size = (size * 5 + 3) % PIECE + 1) {
            size = size < NUMBERS - n ? size : NUMBERS - n;
            for (uint32_t i = 0; i < size; i++)
                piece[i] = n + i;
            whole_write(ends[1], piece, size * 4);
        }
        _exit(wrong);
    }
    close(ends[1]);
    uint32_t next = 0;
    size_t kept = 0;
    for (ssize_t n; (n = read(ends[0], (char *)piece + kept, 4001)) > 0;) {
        kept += n;
        for (size_t i = 0; i < kept / 4; i++, next++)
            check(piece[i] == next, "number through a pipe", next);
        memmove(piece, (char *)piece + kept / 4 * 4, kept % 4);
        kept %= 4;
    }
    int status;
    check(waitpid(child, &status, 0) == child && status == 0, "writer", status);
    close(ends[0]);
    printf("pipe %u\n", next);
}

/* Three children write when they like; select and poll find each byte, in the order of its child.
 */
static void waits(void)
{
    enum { CHILDREN = 3, BYTES = 40 };
    int ends[CHILDREN][2], got[CHILDREN] = { 0 }, open_ends = CHILDREN;
    for (int i = 0; i < CHILDREN; i++) {
        check(pipe(ends[i]) == 0, "pipe", i);
        if (fork() == 0) {
            for (char b = 0; b < BYTES; b++) {
                nanosleep(&(struct timespec){ 0, 100000 + 70000 * i }, NULL);
                whole_write(ends[i][1], &b, 1);
            }
            _exit(wrong);
        }
        close(ends[i][1]);
    }
    for (int turn = 0; open_ends; turn++) {
        fd_set set;
        struct pollfd p[CHILDREN];
        FD_ZERO(&set);
        for (int i = 0; i < CHILDREN; i++) {
            p[i] = (struct pollfd){ .fd = ends[i][0], .events = POLLIN };
            if (ends[i][0] >= 0)
                FD_SET(ends[i][0], &set);
        }
        int n = turn % 2 ? select(64, &set, NULL, NULL, NULL) : poll(p, CHILDREN, -1);
        check(n > 0, "select or poll", n);
        for (int i = 0; i < CHILDREN; i++) {
            if (ends[i][0] < 0 || !(turn % 2 ? FD_ISSET(ends[i][0], &set) : p[i].revents))
                continue;
            char b;
            ssize_t r = read(ends[i][0], &b, 1);
            check(r == 0 || (r == 1 && b == got[i]), "byte that was waited for", got[i]);
            got[i] += r == 1;
            if (r <= 0) {
                close(ends[i][0]);
                ends[i][0] = -1;
                open_ends--;
            }
        }
    }
    for (int i = 0, status; i < CHILDREN; i++)
        check(wait(&status) > 0 && status == 0, "child that was waited for", i);
    printf("select and poll %d %d %d\n", got[0], got[1], got[2]);
}

/* Threads that take turns. */
enum { THREADS = 4, TURNS = 200 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long turn;

static void *take_turns(void *mine)
{
    for (int i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&lock);
        while (turn % THREADS != (long)mine)
            pthread_cond_wait(&changed, &lock);
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    return mine;
}

static void threads(void)
{
    pthread_t t[THREADS];
    for (long i = 0; i < THREADS; i++)
        check(pthread_create(&t[i], NULL, take_turns, (void *)i) == 0, "pthread_create", i);
    for (long i = 0; i < THREADS; i++) {
        void *said;
        check(pthread_join(t[i], &said) == 0 && said == (void *)i, "pthread_join", i);
    }
    printf("threads %ld\n", turn);
}

/* Queued signals come all, in order; a timer ticks. */
static volatile sig_atomic_t signals, ticks;

static void on_signal(int number, siginfo_t *info, void *unused)
{
    (void)number, (void)unused;
    check(info->si_value.sival_int == signals, "value of a signal", signals);
    signals++;
}

static void on_tick(int number)
{
    (void)number;
    ticks++;
}

static void signals_and_timers(void)
{
    enum { SIGNALS = 100, TICKS = 10 };
    struct sigaction a = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART },
                     t = { .sa_handler = on_tick };
    sigaction(SIGRTMIN, &a, NULL);
    sigaction(SIGALRM, &t, NULL);
    pid_t parent = getpid(), child = fork();
    if (!child) {
        for (int i = 0; i < SIGNALS; i++) {
            while (sigqueue(parent, SIGRTMIN, (union sigval){ .sival_int = i }) < 0 &&
                   errno == EAGAIN)
                sched_yield();
            if (i % 10 == 0)
                nanosleep(&(struct timespec){ 0, 50000 }, NULL);
        }
        _exit(0);
    }
    int status;
    check(waitpid(child, &status, 0) == child && status == 0, "sender of signals", status);
    while (signals < SIGNALS)
        usleep(100);
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 700 }, { 0, 700 } }, NULL);
    while (ticks < TICKS)
        pause();
    setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
    printf("signals %d, timer %s\n", (int)signals, ticks >= TICKS ? "ticked" : "stopped");
}

/* Records in a file, written, read anywhere, mapped, renamed, cut, linked. */
static void files(const char *folder)
{
    enum { RECORDS = 3000, SIZE = 128 };
    char path[256], other[256];
    uint32_t record[SIZE / 4], sum = 0;
    snprintf(path, sizeof path, "%s/sequence", folder);
    snprintf(other, sizeof other, "%s/sequence.renamed", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    check(fd >= 0, "open", 0);
    for (uint32_t n = 0; n < RECORDS; n++) {
        for (unsigned i = 0; i < SIZE / 4; i++)
            record[i] = n * 2654435761u + i;
        whole_write(fd, record, SIZE);
        if (n % 1000 == 999)
            check(fsync(fd) == 0, "fsync", n);
    }
    check(rename(path, other) == 0, "rename", 0);
    for (uint32_t k = 0, n = 7; k < RECORDS; k++, n = (n * 1103u + 12345u) % RECORDS) {
        check(pread(fd, record, SIZE, (off_t)n * SIZE) == SIZE && record[0] == n * 2654435761u &&
                  record[31] == record[0] + 31,
              "record", n);
        sum += record[5];
    }
    uint32_t *map = mmap(NULL, RECORDS * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(map != MAP_FAILED, "mmap", 0);
    for (uint32_t n = 0; map != MAP_FAILED && n < RECORDS; n += 3) {
        check(map[n * SIZE / 4] == n * 2654435761u, "mapped record", n);
        map[n * SIZE / 4] = n;
    }
    if (map != MAP_FAILED)
        check(msync(map, RECORDS * SIZE, MS_SYNC) == 0 && munmap(map, RECORDS * SIZE) == 0, "msync",
              0);
    check(pread(fd, record, SIZE, 300 * SIZE) == SIZE && record[0] == 300, "record that was mapped",
          300);
    check(ftruncate(fd, 1000) == 0 && lseek(fd, 0, SEEK_END) == 1000, "ftruncate", 0);
    close(fd);
    check(unlink(other) == 0 && open(other, O_RDONLY) < 0 && errno == ENOENT, "unlink", 0);
    printf("file %u\n", sum);
}

/* Names made and removed; each must be there just as often as it was made. */
static void names(const char *folder)
{
    char name[256];
    int made = 0;
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "%s/d%d", folder, i);
        check(mkdir(name, 0700) == 0, "mkdir", i);
        strcat(name, "/f");
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
        check(fd >= 0, "exclusive open", i);
        whole_write(fd, name, strlen(name));
        close(fd);
    }
    for (int i = 0; i < 60; i++) {
        struct stat s;
        snprintf(name, sizeof name, "%s/d%d/f", folder, i);
        check(stat(name, &s) == 0 && s.st_size == (off_t)strlen(name) && s.st_nlink == 1, "stat",
              i);
        check(unlink(name) == 0, "unlink", i);
        *strrchr(name, '/') = 0;
        made += rmdir(name) == 0;
    }
    printf("names %d\n", made);
}

/* Each child has memory of its own, from which its output at the end comes. */
static void processes(void)
{
    int sum = 0;
    char *memory = calloc(64, 4096);
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();
        if (!child) {
            for (int k = 0; k < 64; k++)
                memory[k * 4096] = i;
            int all = 0;
            for (int k = 0; k < 64; k++)
                all += memory[k * 4096];
            _exit(all / 64);
        }
        int status;
        check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
                  WEXITSTATUS(status) == i,
              "child", i);
        sum += WEXITSTATUS(status);
    }
    free(memory);
    printf("processes %d\n", sum);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    setvbuf(stdout, NULL, _IONBF, 0); /* children must not print again what stands in a buffer */
    pipes();
    waits();
    threads();
    signals_and_timers();
    files(folder);
    names(folder);
    processes();
    return wrong;
}
