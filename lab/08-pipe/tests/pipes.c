/* The tests of lab 08: ordinary system calls on pipes. Most tests only say what they see, a line
 * `what = result` each: the same program said it on Linux, and the two are compared. pipes TEST
 * SEED
 *
 * Room for bytes is counted in pages by Linux, and in bytes by a server that is written simply. The
 * sizes here are such that both come to the same. */
#define _GNU_SOURCE
#include "labtest.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

enum {
    CAPACITY = 65536,
    PAGE = 4096,
    KIDS = 8,
    CALM = 2000,    /* microseconds after which whoever was to go on has gone on */
    PATIENCE = 200, /* milliseconds until a call that should have ended is said to wait still */
    BIG = 300000
};

/* ---- saying what is seen ---- */

/* Byte n of everything that one test writes. A pipe's length behind it comes another one. */
static unsigned char byte_at(uint32_t n) { return n * 2654435761u >> 24; }

static void fill(unsigned char *to, uint64_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = byte_at(from + i);
}

/* Whether n bytes are those from byte `from` on. */
static void say_bytes(const unsigned char *got, uint64_t from, long n, const char *what)
{
    for (long i = 0; i < n; i++)
        if (got[i] != byte_at(from + i)) {
            printf("%s: the bytes = byte %ld of %ld is %02x and not %02x\n", what, i, n, got[i],
                   byte_at(from + i));
            return;
        }
    printf("%s: the bytes = %ld as they were written\n", what, n > 0 ? n : 0);
}

static unsigned char buffer[BIG];
static void *volatile nowhere = (void *)16; /* no program has memory there */
static uint64_t written, taken;             /* bytes so far, of the pipe of this test */

/* write and read of the next bytes, and what came of it. */
static long put(int fd, size_t n, const char *what)
{
    fill(buffer, written, n);
    long done = say(write(fd, buffer, n), "%s: write of %zu bytes", what, n);
    written += done > 0 ? done : 0;
    return done;
}

static long take(int fd, size_t n, const char *what)
{
    memset(buffer, 0xee, n < sizeof buffer ? n + 1 : n);
    long done = say(read(fd, buffer, n), "%s: read of %zu bytes", what, n);
    if (done > 0)
        say_bytes(buffer, taken, done, what);
    if (done >= 0 && (size_t)done < n && buffer[done] != 0xee)
        printf("%s: a byte behind those that were read was changed\n", what);
    taken += done > 0 ? done : 0;
    return done;
}

static void make(int p[2], int flags)
{
    if (pipe2(p, flags) < 0)
        lab_fail("R1", "0", lab_result(-errno), "pipe2, flags %o", flags);
    written = taken = 0;
}

static void unblock(int fd) { NEED(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0); }

static void shut(int p[2])
{
    close(p[0]);
    close(p[1]);
}

static volatile int signals;
static void count_signal(int signal)
{
    (void)signal;
    signals++;
}

static void catch (int signal)
{
    struct sigaction act = { .sa_handler = count_signal };
    NEED(sigaction(signal, &act, NULL) == 0);
}

/* ---- processes that call and wait ---- */

/* What they tell the test, in memory that all share. */
static struct {
    struct kid {
        pid_t pid;
        volatile int calls, ended;
        volatile long result;
        volatile int error, signals;
        unsigned char got[PAGE];
    } kid[KIDS];
} * shared;
static int self; /* in such a process: its number */
static bool on_linux;

static void begin(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(buffer, 0, sizeof buffer);
    on_linux = getenv("LAB_ROOT") != NULL;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(shared != MAP_FAILED);
}

static char state_of(pid_t pid)
{
    char path[32], text[256] = "", *at;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    NEED(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    at = strrchr(text, ')');
    NEED(at);
    return at[2];
}

/* Until a process sleeps in the call for which it was ready, or has ended it. */
static void until_waits(int k)
{
    while (!shared->kid[k].calls)
        usleep(500);
    while (!shared->kid[k].ended && state_of(shared->kid[k].pid) != 'S')
        usleep(500);
    usleep(CALM);
}

/* Process k makes one call, and says what came of it. If `wait`, it is let come to wait. */
static void start(int k, bool wait, long (*call)(int fd, size_t n), int fd, size_t n, int closed)
{
    struct kid *kid = &shared->kid[k];
    memset(kid, 0, sizeof *kid);
    pid_t pid = fork();
    NEED(pid >= 0);
    if (!pid) {
        if (closed >= 0)
            close(closed);
        self = k;
        memset(kid->got, 0, sizeof kid->got); /* no page of it is missing any more */
        kid->result = call(fd, n);
        kid->error = errno;
        kid->signals = signals;
        kid->ended = 1;
        _exit(0);
    }
    kid->pid = pid;
    if (wait)
        until_waits(k);
}

/* What came of process k's call, if it ends within PATIENCE. */
static void say_end(int k, const char *what)
{
    struct kid *kid = &shared->kid[k];
    int status;
    for (int i = 0; !kid->ended && i < PATIENCE * (on_linux ? 50 : 1); i++)
        usleep(1000);
    if (!kid->ended) {
        printf("%s = still waits\n", what);
        return;
    }
    NEED(waitpid(kid->pid, &status, 0) == kid->pid);
    if (kid->result < 0)
        printf("%s = %s\n", what, strerror(kid->error));
    else
        printf("%s = %ld\n", what, kid->result);
}

static void say_still(int k, const char *what)
{
    usleep(CALM);
    printf("%s = %s\n", what, shared->kid[k].ended ? "has ended" : "waits");
}

static void end_by_kill(int k)
{
    kill(shared->kid[k].pid, SIGKILL);
    NEED(waitpid(shared->kid[k].pid, NULL, 0) == shared->kid[k].pid);
}

/* Calls for start(). Each says when all is ready, so that the process sleeps in the call only. */

static void ready(void) { shared->kid[self].calls = 1; }

static long read_some(int fd, size_t n)
{
    ready();
    return read(fd, shared->kid[self].got, MIN(n, sizeof shared->kid[self].got));
}

static long write_next(int fd, size_t n)
{
    fill(buffer, written, n);
    ready();
    return write(fd, buffer, n);
}

/* ---- without waiting ---- */

static void test_first(void)
{
    int p[2] = { -1, -1 };
    unsigned char got[16];
    SAY(pipe2(p, 0));
    printf("the descriptors of both ends = %d and %d\n", p[0], p[1]);
    SAY(write(p[1], "minnow", 6));
    long n = say(read(p[0], got, sizeof got), "read of %zu bytes", sizeof got);
    printf("what was read = %s\n", n == 6 && !memcmp(got, "minnow", 6) ? "minnow" : "other bytes");
    fill(buffer, lab_below(1000), 500);
    SAY(write(p[1], buffer, 500));
    unsigned char all[600];
    n = say(read(p[0], all, sizeof all), "read of %zu bytes", sizeof all);
    printf("what was read = %s\n",
           n == 500 && !memcmp(all, buffer, 500) ? "the same" : "other bytes");
}

static void test_create(void)
{
    int p[2], q[2];
    struct stat s;
    make(p, O_CLOEXEC);
    SAY(fcntl(p[0], F_GETFD));
    SAY(fcntl(p[1], F_GETFD));
    SAY(fcntl(p[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    SAY(fcntl(p[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    make(q, O_NONBLOCK);
    SAY(fcntl(q[0], F_GETFD));
    SAY(fcntl(q[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    SAY(fcntl(q[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    SAY(write(p[0], "x", 1));
    SAY(read(p[1], &s, 1));
    SAY(lseek(p[0], 0, SEEK_CUR));
    SAY(fstat(p[0], &s));
    printf("fstat of an end: a FIFO = %d\n", S_ISFIFO(s.st_mode));
    /* two pipes are two */
    SAY(write(p[1], "p", 1));
    SAY(write(q[1], "qq", 2));
    SAY(read(p[0], buffer, 10));
    SAY(read(q[0], buffer, 10));
    SAY(pipe2(q, O_APPEND));
    SAY(pipe2(q, O_NONBLOCK | O_TRUNC));
    SAY(pipe2(nowhere, 0));
    int next = dup(0);
    printf("the next free descriptor = %d\n", next);
    close(next);
    /* ends come and go; the number of a pipe is used again */
    for (int i = 0; i < 300; i++) {
        int r[2];
        make(r, 0);
        if (write(r[1], "left", 4) != 4)
            say(-1, "write to pipe number %d", i);
        shut(r);
    }
    make(q, O_NONBLOCK);
    SAY(read(q[0], buffer, 10));
}

static void test_bytes(void)
{
    int p[2];
    make(p, O_NONBLOCK);
    for (int i = 0; i < 60; i++) {
        unsigned n = 1 + lab_below(PAGE);
        if (written - taken + n <= 4 * PAGE)
            put(p[1], n, "random");
        take(p[0], 1 + lab_below(2 * PAGE), "random");
    }
    put(p[1], 100, "short");
    take(p[0], 1000, "short");
    put(p[1], 10, "two writes");
    put(p[1], 20, "two writes");
    take(p[0], 5, "two writes");
    take(p[0], 1000, "two writes");
    SAY(write(p[1], buffer, 0));
    SAY(read(p[0], buffer, 0));
    SAY(read(p[0], buffer, 10));
    put(p[1], 1, "one");
    SAY(read(p[0], buffer, 0));
    take(p[0], 1, "one");
    fcntl(p[0], F_SETFL, 0);
    SAY(read(p[0], buffer, 0));
}

static void test_full(void)
{
    int p[2];
    make(p, O_NONBLOCK);
    take(p[0], 1, "empty");
    for (int i = 0; i < 17; i++)
        put(p[1], PAGE, "filling");
    put(p[1], 1, "full");
    put(p[1], 100000, "full");
    take(p[0], PAGE / 2, "full");
    put(p[1], PAGE, "half a page of room");
    take(p[0], PAGE / 2, "half a page of room");
    put(p[1], PAGE, "a page of room");
    put(p[1], 1, "full again");
    take(p[0], 3 * PAGE, "full again");
    put(p[1], 5 * PAGE, "three pages of room, a write of five");
    take(p[0], 2 * CAPACITY, "everything");
    take(p[0], 1, "empty again");
    put(p[1], CAPACITY + 4321, "more than it holds");
    take(p[0], CAPACITY, "more than it holds");
    /* room for half a page, behind 15.5 pages */
    put(p[1], CAPACITY - PAGE / 2, "almost full");
    put(p[1], PAGE / 2 + 1, "almost full");
    put(p[1], PAGE / 2 + PAGE, "almost full");
    take(p[0], CAPACITY, "almost full");
    take(p[0], CAPACITY, "empty at the end");
}

static void test_eof(void)
{
    int p[2], more;
    char path[40];
    make(p, 0);
    put(p[1], 10, "one end");
    close(p[1]);
    take(p[0], 4, "write end closed");
    take(p[0], 100, "write end closed");
    take(p[0], 100, "write end closed");
    take(p[0], 100, "write end closed, once more");
    close(p[0]);
    /* an end is an open file: descriptors that are copies of one are counted by the kernel */
    make(p, O_NONBLOCK);
    more = dup(p[1]);
    close(p[1]);
    take(p[0], 1, "the copy of the write end is open");
    put(more, 3, "the copy");
    close(more);
    take(p[0], 100, "both closed");
    take(p[0], 100, "both closed");
    close(p[0]);
    make(p, 0);
    pid_t pid = fork();
    NEED(pid >= 0);
    if (!pid) {
        write_next(p[1], 7);
        _exit(0);
    }
    close(p[1]);
    NEED(waitpid(pid, NULL, 0) == pid);
    take(p[0], 100, "written by a process that has ended");
    take(p[0], 100, "written by a process that has ended");
    close(p[0]);
    /* opened by its name in /proc: another open file of the same pipe */
    make(p, O_NONBLOCK);
    snprintf(path, sizeof path, "/proc/self/fd/%d", p[1]);
    more = open(path, O_WRONLY);
    printf("open of %s = %s\n", path, more < 0 ? strerror(errno) : "ok");
    close(p[1]);
    take(p[0], 1, "a second write end is open");
    put(more, 5, "a second write end");
    snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    close(p[0]);
    take(reader, 2, "a second read end");
    close(more);
    take(reader, 100, "a second read end, all write ends closed");
    take(reader, 100, "a second read end, all write ends closed");
    close(reader);
}

static void test_broken(void)
{
    int p[2], more, status;
    catch (SIGPIPE);
    make(p, 0);
    put(p[1], 10, "read end open");
    more = dup(p[0]);
    close(p[0]);
    put(p[1], 10, "a copy of the read end open");
    close(more);
    printf("signals until now = %d\n", signals);
    put(p[1], 10, "read end closed");
    printf("signals by then = %d\n", signals);
    put(p[1], 0, "read end closed");
    unblock(p[1]);
    put(p[1], 100000, "read end closed, no blocking");
    printf("signals by then = %d\n", signals);
    close(p[1]);
    /* as full as can be: that comes second */
    make(p, O_NONBLOCK);
    put(p[1], CAPACITY, "filling");
    close(p[0]);
    put(p[1], 1, "full, and the read end closed");
    close(p[1]);
    signal(SIGPIPE, SIG_IGN);
    make(p, 0);
    close(p[0]);
    put(p[1], 1, "SIGPIPE is ignored");
    pid_t pid = fork();
    NEED(pid >= 0);
    if (!pid) {
        signal(SIGPIPE, SIG_DFL);
        write(p[1], "x", 1);
        _exit(0);
    }
    NEED(waitpid(pid, &status, 0) == pid);
    printf("a process that writes to it ends by signal = %d\n",
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void test_status(void)
{
    int p[2], n = -1;
    char terminal[256];
    make(p, O_NONBLOCK);
    SAY(fcntl(p[0], F_GETPIPE_SZ));
    SAY(fcntl(p[1], F_GETPIPE_SZ));
    SAY(ioctl(p[0], FIONREAD, &n));
    printf("FIONREAD of an empty pipe: bytes = %d\n", n);
    put(p[1], 1000, "some");
    take(p[0], 300, "some");
    SAY(ioctl(p[0], FIONREAD, &n));
    printf("FIONREAD: bytes = %d\n", n);
    SAY(ioctl(p[1], FIONREAD, &n));
    printf("FIONREAD of the write end: bytes = %d\n", n);
    take(p[0], 700, "some");
    put(p[1], CAPACITY, "filling");
    SAY(ioctl(p[0], FIONREAD, &n));
    printf("FIONREAD of a full pipe: bytes = %d\n", n);
    SAY(ioctl(p[0], TCGETS, terminal));
    SAY(ioctl(p[0], FIONREAD, nowhere));
    NEED(seteuid(1234) == 0);
    SAY(fcntl(p[1], F_SETPIPE_SZ, 2 * 1048576));
    NEED(seteuid(0) == 0);
    SAY(fcntl(p[1], F_GETPIPE_SZ));
}

/* ---- with waiting ---- */

static void test_waits(void)
{
    int p[2], q[2];
    make(p, 0);
    make(q, 0);
    start(0, true, read_some, p[0], 40, p[1]);
    say_still(0, "a read of an empty pipe");
    put(q[1], 20, "another pipe meanwhile");
    take(q[0], 30, "another pipe meanwhile");
    say_still(0, "the read after that");
    SAY(write(p[1], buffer, 0));
    say_still(0, "the read after a write of 0 bytes");
    written = taken = 0;
    put(p[1], 3, "its pipe");
    say_end(0, "the read of 40 bytes");
    say_bytes(shared->kid[0].got, 0, 3, "the read");
    unblock(p[0]);
    SAY(read(p[0], buffer, 10));
    fcntl(p[0], F_SETFL, 0);
    /* two that wait for two pipes */
    start(0, true, read_some, p[0], 40, p[1]);
    start(1, true, read_some, q[0], 40, q[1]);
    written = 5;
    put(q[1], 9, "the second pipe");
    say_end(1, "the read of the second pipe");
    say_bytes(shared->kid[1].got, 5, 9, "the second pipe");
    say_still(0, "the read of the first pipe");
    put(p[1], 64, "the first pipe");
    say_end(0, "the read of the first pipe");
    taken = 54;
    take(p[0], 100, "what is left in the first pipe");
    /* the end of all write ends ends all waiting reads */
    for (int k = 0; k < 3; k++)
        start(k, true, read_some, p[0], 10, p[1]);
    close(p[1]);
    say_end(0, "a read when the last write end is closed");
    say_end(1, "another");
    say_end(2, "a third one");
}

static void test_readers(void)
{
    enum { N = 4 };
    int p[2];
    char what[80];
    make(p, 0);
    for (int k = 0; k < N; k++)
        start(k, true, read_some, p[0], 4, -1);
    for (int k = 0; k < N - 1; k++) {
        put(p[1], 1 + lab_below(4), "some wait");
        snprintf(what, sizeof what, "read number %d in line", k + 1);
        say_end(k, what);
        for (int i = k + 1; i < N; i++) {
            snprintf(what, sizeof what, "read number %d meanwhile", i + 1);
            say_still(i, what);
        }
    }
    start(0, true, read_some, p[0], 4, -1);
    start(1, true, read_some, p[0], 4, -1);
    uint64_t from = written;
    put(p[1], 10, "three wait, for 4 bytes each");
    for (int k = N - 1; k < N + 2; k++) {
        snprintf(what, sizeof what, "read number %d of them", k - N + 2);
        say_end(k % N, what);
        say_bytes(shared->kid[k % N].got, from, k == N + 1 ? 2 : 4, what);
        from += 4;
    }
    unblock(p[0]);
    SAY(read(p[0], buffer, 1));
}

/* Empties the pipe, and looks at every byte. */
static void take_all(int fd, const char *what)
{
    unblock(fd);
    while (take(fd, CAPACITY, what) > 0)
        ;
    fcntl(fd, F_SETFL, 0);
}

static void test_writers(void)
{
    int p[2];
    char what[80];
    make(p, 0);
    put(p[1], CAPACITY, "filling");
    start(0, true, write_next, p[1], PAGE, p[0]);
    written += PAGE;
    say_still(0, "a write of a page to a full pipe");
    take(p[0], PAGE / 2, "full, and a write waits");
    int n = 0;
    say_still(0, "the write, with half a page of room");
    SAY(ioctl(p[0], FIONREAD, &n));
    printf("bytes in the pipe meanwhile = %d\n", n);
    take(p[0], PAGE / 2, "full, and a write waits");
    say_end(0, "the write, with a page of room");
    for (int k = 0; k < 3; k++) {
        start(k, true, write_next, p[1], PAGE, p[0]);
        written += PAGE;
    }
    for (int k = 0; k < 3; k++) {
        take(p[0], PAGE, "three writes wait");
        snprintf(what, sizeof what, "write number %d in line", k + 1);
        say_end(k, what);
        for (int i = k + 1; i < 3; i++) {
            snprintf(what, sizeof what, "write number %d meanwhile", i + 1);
            say_still(i, what);
        }
    }
    take_all(p[0], "everything");
    /* a long write goes in by pieces */
    start(0, true, write_next, p[1], 2 * CAPACITY + 1000, p[0]);
    say_still(0, "a write of more than two pipes");
    take(p[0], CAPACITY, "the first pipe of it");
    until_waits(0);
    say_still(0, "the write then");
    take(p[0], 3 * PAGE, "three pages of it");
    until_waits(0);
    take(p[0], CAPACITY - 3 * PAGE, "the rest of the second pipe of it");
    say_end(0, "the write at its end");
    written += 2 * CAPACITY + 1000;
    take_all(p[0], "what is left");
    /* a reader waits when it begins */
    start(1, true, read_some, p[0], PAGE, p[1]);
    start(0, true, write_next, p[1], CAPACITY + PAGE, p[0]);
    say_end(1, "a read that waited when a long write began");
    say_bytes(shared->kid[1].got, written, PAGE, "that read");
    say_end(0, "the long write");
    written += CAPACITY + PAGE;
    taken += PAGE;
    take_all(p[0], "what is left of it");
}

static long write_stream(int fd, size_t n)
{
    long done = 0;
    while ((size_t)done < n) {
        size_t piece = 1 + lab_below(lab_below(4) ? 3000 : 30000);
        piece = piece < n - done ? piece : n - done;
        fill(buffer, done, piece);
        if (write(fd, buffer, piece) != (long)piece)
            return done;
        done += piece;
    }
    return done;
}

static void test_stream(void)
{
    static unsigned char got[BIG];
    int p[2];
    long n, all = 0, wrong = -1;
    make(p, 0);
    start(0, false, write_stream, p[1], BIG, p[0]);
    close(p[1]);
    memset(got, 0, sizeof got); /* here no page is to be missing */
    while ((n = read(p[0], got, 1 + lab_below(lab_below(4) ? 2000 : 40000))) > 0) {
        for (long i = 0; i < n && wrong < 0; i++)
            if (got[i] != byte_at(all + i))
                wrong = all + i;
        all += n;
    }
    say(n, "the last read");
    say(all, "bytes that came");
    printf("the first wrong byte = %ld\n", wrong);
    say_end(0, "bytes written by the other process");
}

/* Records: a head of four bytes (who, which, length) and as many bytes that follow from those. */
enum { RECORDS = 30 };

static long write_records(int fd, size_t who)
{
    for (int i = 0; i < RECORDS; i++) {
        unsigned length = lab_below(4) ? 4 + lab_below(PAGE - 3) : PAGE;
        buffer[0] = who;
        buffer[1] = i;
        buffer[2] = length;
        buffer[3] = length >> 8;
        fill(buffer + 4, who * 1000 + i, length - 4);
        if (write(fd, buffer, length) != (long)length)
            return i;
    }
    return RECORDS;
}

static void test_atomic(void)
{
    enum { WRITERS = 4 };
    static unsigned char got[WRITERS * RECORDS * PAGE];
    int p[2], next[WRITERS] = { 0 };
    long n, all = 0, at = 0;
    make(p, 0);
    for (int k = 0; k < WRITERS; k++) {
        lab_random();
        start(k, false, write_records, p[1], k, p[0]);
    }
    close(p[1]);
    memset(got, 0, sizeof got); /* here no page is to be missing */
    usleep(CALM);
    while ((n = read(p[0], got + all, MIN(sizeof got - all, 1 + lab_below(5000)))) > 0)
        all += n;
    while (at + 4 <= all) {
        unsigned who = got[at], length = got[at + 2] | got[at + 3] << 8;
        if (who >= WRITERS || got[at + 1] != next[who] || length < 4 || at + length > all)
            break;
        for (unsigned i = 4; i < length; i++)
            if (got[at + i] != byte_at(who * 1000 + got[at + 1] + i - 4))
                who = WRITERS;
        if (who == WRITERS)
            break;
        next[who]++;
        at += length;
    }
    printf("bytes behind the last whole record = %ld\n", all - at);
    for (int k = 0; k < WRITERS; k++) {
        say(next[k], "whole records of process %d, in their order", k);
        say_end(k, "records that it wrote");
    }
}

/* The processes at one side go, while others wait at the other one. */
static void test_gone(void)
{
    int p[2];
    catch (SIGPIPE);
    make(p, 0);
    put(p[1], CAPACITY, "filling");
    start(0, true, write_next, p[1], 100, p[0]);
    start(1, true, write_next, p[1], PAGE, p[0]);
    close(p[0]);
    say_end(0, "a write that waits when the last read end is closed");
    printf("its signals = %d\n", shared->kid[0].signals);
    say_end(1, "another one");
    printf("its signals = %d\n", shared->kid[1].signals);
    close(p[1]);
    make(p, 0);
    start(0, true, write_next, p[1], CAPACITY + 1, p[0]);
    take(p[0], PAGE, "a write of one byte more than has room");
    say_end(0, "that write");
    written += CAPACITY + 1;
    take_all(p[0], "what is left of it");
    start(0, true, write_next, p[1], 2 * CAPACITY, p[0]);
    close(p[0]);
    say_end(0, "a write that had begun when the last read end was closed");
    printf("its signals = %d\n", shared->kid[0].signals);
    close(p[1]);
    /* a process is killed: that closes its ends */
    make(p, 0);
    start(0, true, read_some, p[0], 10, p[1]);
    close(p[0]);
    put(p[1], 5, "a reader takes it");
    say_end(0, "its read");
    put(p[1], 5, "the reader has ended");
    printf("signals = %d\n", signals);
}

static void test_dead(void)
{
    int p[2];
    catch (SIGUSR1);
    make(p, 0);
    /* readers */
    for (int k = 0; k < 4; k++)
        start(k, true, read_some, p[0], 10, -1);
    int victims = 1 + lab_below(2);
    for (int k = 0; k < victims; k++)
        end_by_kill(k);
    put(p[1], 10, "some of four readers were killed");
    say_end(victims, "the first reader that is alive");
    say_bytes(shared->kid[victims].got, 0, 10, "that reader");
    for (int k = victims + 1; k < 4; k++)
        end_by_kill(k);
    taken = written;
    put(p[1], 20, "all readers were killed");
    take(p[0], 100, "all readers were killed");
    start(0, true, read_some, p[0], 10, -1);
    kill(shared->kid[0].pid, SIGUSR1);
    say_end(0, "a read that a signal interrupts");
    put(p[1], 20, "the reader was interrupted");
    take(p[0], 100, "the reader was interrupted");
    /* writers */
    put(p[1], CAPACITY, "filling");
    start(0, true, write_next, p[1], PAGE, -1);
    end_by_kill(0);
    start(0, true, write_next, p[1], PAGE, -1);
    kill(shared->kid[0].pid, SIGUSR1);
    say_end(0, "a write that a signal interrupts");
    start(0, true, write_next, p[1], PAGE, -1);
    take(p[0], PAGE, "one writer was killed, one interrupted, one waits");
    say_end(0, "the one that waited");
    written += PAGE;
    take_all(p[0], "everything");
    start(0, true, write_next, p[1], 2 * CAPACITY, -1);
    take(p[0], PAGE, "a long write");
    until_waits(0);
    kill(shared->kid[0].pid, SIGUSR1);
    say_end(0, "a long write that a signal interrupts");
    written += CAPACITY + PAGE;
    take_all(p[0], "what it has written");
    start(0, true, write_next, p[1], 2 * CAPACITY, -1);
    end_by_kill(0);
    written += CAPACITY;
    take(p[0], CAPACITY, "a long write whose process was killed");
    put(p[1], 10, "the next write");
    take_all(p[0], "the next write");
}

static unsigned char *fresh(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(at != MAP_FAILED);
    return at;
}

/* Pages that may have come with the one before them. */
static void give_back(void *at, size_t n) { NEED(madvise(at, n, MADV_DONTNEED) == 0); }

/* Into memory that has no pages yet, but for the first one. */
static long read_fresh(int fd, size_t n)
{
    unsigned char *at = fresh(n + PAGE);
    at[0] = 1;
    give_back(at + PAGE, n);
    ready();
    long done = read(fd, at + PAGE - 10, n);
    for (long i = 0; i < done; i++)
        if (at[PAGE - 10 + i] != byte_at(taken + i))
            return 1000000 + i;
    return done;
}

/* From such memory: zeroes, but for the first page. */
static long write_fresh(int fd, size_t n)
{
    unsigned char *at = fresh(n + PAGE);
    memset(at, 1, PAGE);
    give_back(at + PAGE, n);
    ready();
    return write(fd, at + PAGE - 10, n);
}

static long read_bad(int fd, size_t n)
{
    ready();
    return read(fd, nowhere, n);
}

static void test_pages(void)
{
    int p[2], n;
    make(p, 0);
    put(p[1], 3 * PAGE, "there already");
    say(read_fresh(p[0], 3 * PAGE), "read into memory without pages");
    taken += 3 * PAGE;
    start(0, true, read_fresh, p[0], 3 * PAGE, -1);
    put(p[1], 3 * PAGE, "a read into memory without pages waits");
    say_end(0, "that read");
    taken += 3 * PAGE;
    say(write_fresh(p[1], 5 * PAGE), "write from memory without pages");
    SAY(ioctl(p[0], FIONREAD, &n));
    printf("bytes in the pipe = %d\n", n);
    long zeroes = 0, ones = 0;
    long got = say(read(p[0], buffer, CAPACITY), "read of them");
    for (long i = 0; i < got; i++) {
        ones += buffer[i] == 1;
        zeroes += buffer[i] == 0;
    }
    printf("bytes as they were written = %ld and %ld\n", ones, zeroes);
    /* a long write that has to wait, from such memory */
    start(0, true, write_fresh, p[1], 2 * CAPACITY, -1);
    ones = zeroes = 0;
    for (long all = 0; all < 2 * CAPACITY;) {
        got = read(p[0], buffer, 3 * PAGE);
        if (got <= 0)
            break;
        for (long i = 0; i < got; i++) {
            ones += buffer[i] == 1;
            zeroes += buffer[i] == 0;
        }
        all += got;
    }
    printf("bytes of a long write from there = %ld and %ld\n", ones, zeroes);
    say_end(0, "that write");
    unblock(p[0]);
    SAY(read(p[0], buffer, 1));
    fcntl(p[0], F_SETFL, 0);
    /* addresses that no page is brought for */
    SAY(write(p[1], nowhere, 10));
    taken = written;
    put(p[1], 10, "after that");
    SAY(read(p[0], nowhere, 10));
    take(p[0], 10, "after that");
    start(0, true, read_bad, p[0], 10, -1);
    put(p[1], 5, "a read to a bad address waits");
    say_end(0, "that read");
    take(p[0], 10, "after it");
}

/* ---- poll ---- */

/* The events of one end that hold, of those that are asked for. */
static void say_poll(int fd, int events, const char *what)
{
    struct pollfd f = { .fd = fd, .events = events };
    int n = poll(&f, 1, 0);
    printf("%s: poll = %d:%s%s%s%s\n", what, n, f.revents & POLLIN ? " POLLIN" : "",
           f.revents & POLLOUT ? " POLLOUT" : "", f.revents & POLLHUP ? " POLLHUP" : "",
           f.revents & POLLERR ? " POLLERR" : "");
}

static long poll_in(int fd, size_t n)
{
    struct pollfd f = { .fd = fd, .events = POLLIN };
    ready();
    return poll(&f, 1, n ? (int)n : -1) < 0 ? -1 : f.revents;
}

static long poll_out(int fd, size_t n)
{
    struct pollfd f = { .fd = fd, .events = POLLOUT };
    ready();
    return poll(&f, 1, n ? (int)n : -1) < 0 ? -1 : f.revents;
}

static void test_poll(void)
{
    enum { BOTH = POLLIN | POLLOUT };
    int p[2];
    make(p, O_NONBLOCK);
    say_poll(p[0], BOTH, "empty, read end");
    say_poll(p[1], BOTH, "empty, write end");
    put(p[1], 1, "a byte");
    say_poll(p[0], BOTH, "a byte, read end");
    say_poll(p[0], 0, "a byte, read end, no events asked for");
    say_poll(p[1], BOTH, "a byte, write end");
    take(p[0], 1, "a byte");
    say_poll(p[0], BOTH, "empty again, read end");
    put(p[1], CAPACITY - PAGE, "a page of room");
    say_poll(p[1], BOTH, "a page of room, write end");
    put(p[1], PAGE, "full");
    say_poll(p[0], BOTH, "full, read end");
    say_poll(p[1], BOTH, "full, write end");
    take(p[0], PAGE / 2, "half a page of room");
    say_poll(p[1], BOTH, "half a page of room, write end");
    take(p[0], PAGE / 2, "a page of room");
    say_poll(p[1], BOTH, "a page of room again, write end");
    close(p[1]);
    say_poll(p[0], BOTH, "write end closed, bytes left");
    say_poll(p[0], 0, "write end closed, no events asked for");
    take(p[0], CAPACITY, "the bytes left");
    say_poll(p[0], BOTH, "write end closed, empty");
    close(p[0]);
    make(p, O_NONBLOCK);
    close(p[0]);
    say_poll(p[1], BOTH, "read end closed");
    say_poll(p[1], 0, "read end closed, no events asked for");
    close(p[1]);
    make(p, O_NONBLOCK);
    put(p[1], CAPACITY, "full");
    close(p[0]);
    say_poll(p[1], BOTH, "full, read end closed");
    close(p[1]);
}

/* Each write is news to who asks for edges, read or not. */
static void edges(void)
{
    int p[2], e = epoll_create1(0);
    struct epoll_event asked = { .events = EPOLLIN | EPOLLET }, got;
    make(p, 0);
    NEED(e >= 0 && epoll_ctl(e, EPOLL_CTL_ADD, p[0], &asked) == 0);
    SAY(epoll_wait(e, &got, 1, 0));
    for (int i = 0; i < 3; i++) {
        put(p[1], 5, "what an edge tells");
        SAY(epoll_wait(e, &got, 1, 0));
        SAY(epoll_wait(e, &got, 1, 0));
    }
    close(p[1]);
    SAY(epoll_wait(e, &got, 1, 0));
    SAY(epoll_wait(e, &got, 1, 0));
    close(p[0]);
    close(e);
}

static void test_poll_waits(void)
{
    int p[2], q[2];
    make(p, 0);
    make(q, 0);
    SAY(poll_in(p[0], 10));
    start(0, true, poll_in, p[0], 0, p[1]);
    start(1, true, poll_in, p[0], 0, p[1]);
    put(q[1], 1, "another pipe");
    taken = written;
    say_still(0, "a poll for bytes");
    put(p[1], 1, "its pipe");
    say_end(0, "the poll for bytes");
    say_end(1, "another process's poll for them");
    take(p[0], 1, "its pipe");
    for (int i = 0; i < 3; i++) {
        start(0, true, poll_in, p[0], 0, p[1]);
        put(p[1], 10, "again");
        say_end(0, "the next poll for bytes");
        take(p[0], 10, "again");
    }
    start(0, true, poll_in, p[0], 0, p[1]);
    close(p[1]);
    say_end(0, "a poll for bytes when the last write end is closed");
    close(p[0]);
    make(p, 0);
    put(p[1], CAPACITY, "full");
    start(0, true, poll_out, p[1], 0, p[0]);
    take(p[0], PAGE / 2, "full");
    say_still(0, "a poll for room");
    take(p[0], PAGE / 2, "full");
    say_end(0, "the poll for room");
    put(p[1], PAGE, "full again");
    start(0, true, poll_out, p[1], 0, p[0]);
    close(p[0]);
    say_end(0, "a poll for room when the last read end is closed");
    close(p[1]);
    /* bytes that come by a write that waited */
    make(p, 0);
    put(p[1], CAPACITY, "full");
    start(0, true, write_next, p[1], PAGE, p[0]);
    written += PAGE;
    take(p[0], CAPACITY, "full, and a write waits");
    say_end(0, "that write");
    say_poll(p[0], POLLIN, "its bytes");
    edges();
}

/* ---- FIFOs ---- */

static char fifo[120];

static void name_fifo(int number)
{
    const char *root = getenv("LAB_ROOT");
    snprintf(fifo, sizeof fifo, "%s/fifo-%d-%d", root ? root : "/tmp", getpid(), number);
}

static void make_fifo(void)
{
    name_fifo(0);
    unlink(fifo);
    NEED(mkfifo(fifo, 0600) == 0);
}

/* Result: 0, or the error. The descriptor is closed when the process ends. */
static long open_fifo(int ignored, size_t flags)
{
    (void)ignored;
    ready();
    return open(fifo, flags) < 0 ? -1 : 0;
}

static long open_and_read(int ignored, size_t n)
{
    (void)ignored;
    ready();
    int fd = open(fifo, O_RDONLY);
    return fd < 0 ? -1 : read_some(fd, n);
}

static int say_open(int flags, const char *what)
{
    int fd = open(fifo, flags);
    printf("%s = %s\n", what, fd < 0 ? strerror(errno) : "ok");
    return fd;
}

static void test_fifo(void)
{
    struct stat s;
    catch (SIGUSR1);
    make_fifo();
    say_open(O_WRONLY | O_NONBLOCK, "open for writing, O_NONBLOCK, nobody reads");
    int r = say_open(O_RDONLY | O_NONBLOCK, "open for reading, O_NONBLOCK");
    SAY(read(r, buffer, 10));
    int w = say_open(O_WRONLY | O_NONBLOCK, "open for writing, O_NONBLOCK, somebody reads");
    written = taken = 0;
    SAY(read(r, buffer, 10));
    put(w, 100, "through the FIFO");
    SAY(fstat(r, &s));
    printf("fstat: a FIFO = %d\n", S_ISFIFO(s.st_mode));
    take(r, 60, "through the FIFO");
    close(w);
    take(r, 60, "writer closed");
    take(r, 60, "writer closed");
    w = say_open(O_WRONLY, "open for writing, somebody reads");
    SAY(read(r, buffer, 10));
    put(w, 5, "another writer");
    close(w);
    close(r);
    r = say_open(O_RDONLY | O_NONBLOCK, "open for reading after all was closed");
    SAY(read(r, buffer, 10));
    close(r);
    int both = say_open(O_RDWR, "open for both");
    put(both, 10, "both");
    taken = written - 10;
    take(both, 10, "both");
    unblock(both);
    SAY(read(both, buffer, 10));
    w = say_open(O_WRONLY | O_NONBLOCK, "open for writing, one is open for both");
    close(both);
    SAY(close(w));
    r = say_open(O_RDONLY | O_NONBLOCK, "open for reading after both were closed");
    SAY(read(r, buffer, 10));
    close(r);
    /* two FIFOs are two */
    char first[sizeof fifo];
    both = say_open(O_RDWR | O_NONBLOCK, "open of a FIFO for both");
    memcpy(first, fifo, sizeof first);
    strcat(fifo, "-2");
    NEED(mkfifo(fifo, 0600) == 0);
    int other = say_open(O_RDWR | O_NONBLOCK, "open of another FIFO for both");
    put(both, 10, "the first FIFO");
    SAY(read(other, buffer, 10));
    unlink(fifo);
    unlink(first);
}

/* More FIFOs than there are places, each waited for by somebody who is killed. */
static void lonely_fifos(void)
{
    enum { MANY = 70 };
    for (int i = 1; i <= MANY; i++) {
        name_fifo(i);
        NEED(mkfifo(fifo, 0600) == 0);
        start(0, true, open_fifo, 0, i % 2 ? O_RDONLY : O_WRONLY, -1);
        end_by_kill(0);
    }
    int r = say_open(O_RDWR, "open of the last of 70 FIFOs, whose openers were killed");
    int w = say_open(O_WRONLY | O_NONBLOCK, "open of it for writing");
    close(r);
    close(w);
    for (int i = 1; i <= MANY; i++) {
        name_fifo(i);
        unlink(fifo);
    }
}

static void test_fifo_waits(void)
{
    catch (SIGUSR1);
    make_fifo();
    start(0, true, open_and_read, 0, 10, -1);
    say_still(0, "an open for reading, nobody writes");
    int w = say_open(O_WRONLY | O_NONBLOCK, "open for writing, a reader waits");
    written = taken = 0;
    put(w, 8, "the reader");
    say_end(0, "what the reader has read");
    close(w);
    start(0, true, open_fifo, 0, O_WRONLY, -1);
    start(1, true, open_fifo, 0, O_WRONLY, -1);
    say_still(0, "an open for writing, nobody reads");
    say_still(1, "another one");
    int r = say_open(O_RDONLY, "open for reading, writers wait");
    say_end(0, "the open for writing");
    say_end(1, "another one");
    SAY(read(r, buffer, 10));
    close(r);
    /* opens that have ended do not count */
    start(0, true, open_fifo, 0, O_RDONLY, -1);
    end_by_kill(0);
    say_open(O_WRONLY | O_NONBLOCK, "open for writing after a waiting reader was killed");
    start(0, true, open_fifo, 0, O_RDONLY, -1);
    kill(shared->kid[0].pid, SIGUSR1);
    say_end(0, "an open for reading that a signal interrupts");
    say_open(O_WRONLY | O_NONBLOCK, "open for writing after a waiting reader was interrupted");
    start(0, true, open_fifo, 0, O_WRONLY, -1);
    r = say_open(O_RDWR, "open for both, a writer waits");
    say_end(0, "the open for writing");
    close(r);
    unlink(fifo);
    lonely_fifos();
}

/* ---- Minnow's own ---- */

static void test_many(void)
{
    enum { PIPES = 64 };
    static unsigned char sent[CAPACITY];
    int p[PIPES][2], more[2];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < PIPES; i++) {
            EXPECT("R1", pipe2(p[i], O_NONBLOCK) < 0 ? -errno : 0, 0,
                   "round %d: pipe2 for the pipe number %d of %d", round + 1, i + 1, PIPES);
            memset(sent, i + round, sizeof sent);
            EXPECT("R3", write(p[i][1], sent, CAPACITY), CAPACITY,
                   "round %d: filling pipe number %d", round + 1, i + 1);
        }
        EXPECT("R1", pipe2(more, 0) < 0 ? -errno : 0, -ENFILE, "round %d: pipe2 for one pipe more",
               round + 1);
        for (int i = 0; i < PIPES; i++) {
            memset(sent, i + round, sizeof sent);
            EXPECT("R2", read(p[i][0], buffer, CAPACITY - 1), CAPACITY - 1,
                   "round %d: reading pipe number %d but for one byte", round + 1, i + 1);
            EXPECT("R2", memcmp(buffer, sent, CAPACITY - 1), 0,
                   "round %d: comparing the bytes of pipe number %d", round + 1, i + 1);
            shut(p[i]);
        }
    }
}

static void test_quiet(void)
{
    int p[2], q[2];
    make(p, 0);
    make(q, 0);
    start(0, true, read_some, p[0], 10, p[1]);
    unblock(q[1]);
    EXPECT("R3", write(q[1], buffer, CAPACITY), CAPACITY, "filling a pipe");
    fcntl(q[1], F_SETFL, 0);
    start(1, true, write_next, q[1], PAGE, q[0]);
    long before = lab_messages("pipe");
    usleep(100000);
    EXPECT("R6", lab_messages("pipe") - before, 0,
           "letting a read and a write wait for 100 ms: messages and notifications that the server "
           "received meanwhile");
    EXPECT("R6", write(p[1], "x", 1), 1, "write of the byte that the read waits for");
    EXPECT("R7", read(q[0], buffer, PAGE), PAGE, "read of the page whose room the write waits for");
    for (int k = 0; k < 2; k++) {
        for (int i = 0; !shared->kid[k].ended && i < PATIENCE; i++)
            usleep(1000);
        EXPECT(k ? "R7" : "R6", shared->kid[k].ended, 1, "whether the waiting %s has ended",
               k ? "write" : "read");
    }
}

/* ---- shells ---- */

/* Runs a command line of sh, whose output is a file, and says how long that is, and its hash. */
static void say_shell(const char *line)
{
    const char *root = getenv("LAB_ROOT");
    char path[120], command[600];
    unsigned h = 2166136261u;
    long size = 0, n;
    snprintf(path, sizeof path, "%s/out-%d", root ? root : "/tmp", getpid());
    snprintf(command, sizeof command, "exec >%s 2>&1; cd %s; %s", path, root ? root : "/tmp", line);
    pid_t pid = fork();
    int status;
    NEED(pid >= 0);
    if (!pid) {
        signal(SIGPIPE, SIG_DFL);
        setenv("LC_ALL", "C", 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(126);
    }
    NEED(waitpid(pid, &status, 0) == pid);
    int fd = open(path, O_RDONLY);
    while (fd >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0)
        for (long i = 0; i < n; i++, size++)
            h = (h ^ buffer[i]) * 16777619u;
    close(fd);
    unlink(path);
    printf("sh -c '%s' = status %d, %ld bytes, hash %08x\n", line,
           WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), size, h);
}

static void test_shell(void)
{
    char line[400];
    unsigned n = 200 + lab_below(800);
    snprintf(line, sizeof line, "echo %u | cat", n);
    say_shell(line);
    snprintf(line, sizeof line, "seq 1 %u | wc -l", n);
    say_shell(line);
    snprintf(line, sizeof line, "seq 1 %u | sort -n -r | head -n 20 | tr 0123456789 abcdefghij",
             3 * n);
    say_shell(line);
    snprintf(line, sizeof line, "x=$(seq 1 %u | tail -n 1); y=`echo $x | sed s/./x/g`; echo $x $y",
             n);
    say_shell(line);
    snprintf(line, sizeof line, "seq 1 30 | while read a; do echo $((a * %u)); done | cksum", n);
    say_shell(line);
    snprintf(line, sizeof line, "yes %u | head -n 1000 | sort -u", n);
    say_shell(line);
    snprintf(line, sizeof line, "(exit 3) | (cat; exit 5); echo $?; echo %u | grep -q x; echo $?",
             n);
    say_shell(line);
    snprintf(line, sizeof line, "tr a-z A-Z <<end\nsome words, %u\nend\n", n);
    say_shell(line);
    snprintf(line, sizeof line, "mkfifo f; (cat f | wc -c) & seq 1 %u >f; wait; rm f", 4 * n);
    say_shell(line);
    snprintf(line, sizeof line, "seq 1 %u | cat | cat | cat | cksum", 4 * n);
    say_shell(line);
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "first", test_first },
        { "create", test_create },
        { "bytes", test_bytes },
        { "full", test_full },
        { "eof", test_eof },
        { "broken", test_broken },
        { "status", test_status },
        { "waits", test_waits },
        { "readers", test_readers },
        { "writers", test_writers },
        { "stream", test_stream },
        { "atomic", test_atomic },
        { "gone", test_gone },
        { "dead", test_dead },
        { "pages", test_pages },
        { "poll", test_poll },
        { "poll-waits", test_poll_waits },
        { "fifo", test_fifo },
        { "fifo-waits", test_fifo_waits },
        { "many", test_many },
        { "quiet", test_quiet },
        { "shell", test_shell },
        { 0 },
    };
    begin();
    return lab_main(argc, argv, tests);
}
