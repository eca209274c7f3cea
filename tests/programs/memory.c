/* Memory of programs: mapping, protecting, moving, sharing, and fork. */
#define _GNU_SOURCE
#include "oracle.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { PAGE = 4096 };

static sigjmp_buf back;
static volatile int expected;
static void caught(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (!expected) {
        SAY("signal %d at %p", number, info->si_addr);
        _exit(1);
    }
    expected = 0;
    siglongjmp(back, number * 100 + info->si_code);
}

/* How touching an address ends: 0, or signal * 100 + code. */
static int touch(volatile char *p, int write)
{
    int how = sigsetjmp(back, 1);
    if (how)
        return how;
    expected = 1;
    if (write)
        *p = 1;
    else
        (void)*p;
    expected = 0;
    return 0;
}

static void signals(void)
{
    struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
}

static char *map(size_t pages, int protection, int flags)
{
    return mmap(NULL, pages * PAGE, protection, flags | MAP_ANONYMOUS, -1, 0);
}

static void anonymous(void)
{
    char *p = map(8, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    long sum = 0;
    for (int i = 0; i < 8 * PAGE; i++)
        sum += p[i];
    SAY("zero: %ld", sum);
    memset(p, 7, 8 * PAGE);
    SHOW(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_NONE));
    SHOW(touch(p + 2 * PAGE, 0));
    SHOW(touch(p + PAGE, 1));
    SHOW(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
    SAY("kept: %d", p[2 * PAGE]);
    SHOW(touch(p + 2 * PAGE, 1));
    SHOW(mprotect(p, 8 * PAGE, PROT_READ | PROT_WRITE));
    SAY("kept: %d", p[3 * PAGE]);
    SHOW(munmap(p + PAGE, PAGE));
    SHOW(touch(p + PAGE, 0));
    SHOW(mprotect(p, 3 * PAGE, PROT_READ));
    SHOW(madvise(p + 4 * PAGE, PAGE, MADV_DONTNEED));
    SAY("after dontneed: %d %d", p[4 * PAGE], p[5 * PAGE]);
    SHOW(munmap(p, 8 * PAGE));
    SHOW(munmap(p, 8 * PAGE));
}

static void errors(void)
{
    char *p = map(2, PROT_READ, MAP_PRIVATE);
    SHOW(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
    SHOW(mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    SHOW(mmap(NULL, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(munmap(p + 1, PAGE));
    SHOW(munmap(p, 0));
    SHOW(mprotect(p + 1, PAGE, PROT_READ));
    SHOW(msync(p, PAGE, MS_SYNC | MS_ASYNC));
    SHOW(madvise(p, PAGE, 12345));
    SHOW(touch(p, 1));
    SHOW(touch(NULL, 0));
    SHOW(munmap(p, 2 * PAGE));
    SHOW(msync(p, PAGE, MS_SYNC));
}

static void large(void)
{
    char *p = mmap(NULL, 64ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    SAY("64 GiB reserved: %d", p != MAP_FAILED);
    SHOW(mprotect(p + (32ul << 30), PAGE, PROT_READ | PROT_WRITE));
    SHOW(touch(p + (32ul << 30), 1));
    SHOW(touch(p + (16ul << 30), 0));
    SHOW(munmap(p, 64ul << 30));
}

static void moving(void)
{
    char *p = map(5, PROT_READ | PROT_WRITE, MAP_PRIVATE), *q;
    mprotect(p + 4 * PAGE, PAGE, PROT_NONE); /* so that it cannot grow where it stands */
    for (int i = 0; i < 4; i++)
        p[i * PAGE] = 10 + i;
    q = mremap(p, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    SAY("moved: %d %d %d %d %d", q[0], q[PAGE], q[2 * PAGE], q[3 * PAGE], q[63 * PAGE]);
    SHOW(touch(p, 0));
    SHOW(mremap(q, 64 * PAGE, 2 * PAGE, 0) == q);
    SHOW(touch(q + 2 * PAGE, 0));
    SHOW(mremap(q, 2 * PAGE, 4 * PAGE, 0) == q);
    SHOW(mremap(q, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE));
    SHOW(mremap(q, PAGE, 0, MREMAP_MAYMOVE));
    char *to = map(4, PROT_READ, MAP_PRIVATE);
    SHOW(mremap(q, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    SAY("fixed: %d %d", to[0], to[PAGE]);
    SHOW(touch(to, 1));
    SHOW(munmap(to, 4 * PAGE));
}

/* ---- ranges that are not one region ---- */

enum { HOLES = 16 };

/* Which pages of an area are mapped, and can be written. */
static void layout(const char *what, char *area)
{
    char seen[HOLES + 1] = "";
    unsigned char there;
    for (int i = 0; i < HOLES; i++) {
        char *at = area + i * PAGE;
        seen[i] = mincore(at, PAGE, &there) ? '-' : touch(at, 0) ? '?' : touch(at, 1) ? 'r' : 'w';
    }
    SAY("%s: %s", what, seen);
}

/* An area of pages of which the fifth is not mapped. */
static char *with_hole(void)
{
    char *p = map(HOLES + 2, PROT_NONE, MAP_PRIVATE);
    munmap(p, (HOLES + 2) * PAGE); /* so that nothing else joins it */
    p = mmap(p + PAGE, HOLES * PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    munmap(p + 4 * PAGE, PAGE);
    return p;
}

/* mremap wants one region only for what it keeps. */
static void shrinking_over_holes(void)
{
    char *p = with_hole(), *to = map(HOLES, PROT_READ, MAP_PRIVATE);
    SHOW(mremap(p, HOLES * PAGE, HOLES * PAGE, 0) == p);
    SHOW(mremap(p, 6 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
    SHOW(mremap(p, 1ul << 60, PAGE, 0));
    SHOW(mremap(p + 4 * PAGE, 2 * PAGE, PAGE, 0));
    layout("refused", p);
    SHOW(mremap(p, HOLES * PAGE, 2 * PAGE, 0) == p);
    layout("shrunk", p);
    munmap(p, HOLES * PAGE);
    p = with_hole();
    mprotect(p + 3 * PAGE, PAGE, PROT_READ);
    p[2 * PAGE] = 'm';
    SHOW(mremap(p + PAGE, 12 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    layout("moved from", p);
    SAY("moved: %d %c %d", touch(to, 1), to[PAGE], touch(to + 2 * PAGE, 1));
    munmap(to, HOLES * PAGE);
    munmap(p, HOLES * PAGE);
}

/* Calls that end at a hole, or pass over it, have done what stands before their error. */
static void over_holes(void)
{
    unsigned char vector[HOLES];
    char *p = with_hole();
    memset(p, 'x', 4 * PAGE);
    memset(p + 5 * PAGE, 'x', (HOLES - 5) * PAGE);
    memset(vector, 7, sizeof vector);
    SHOW(mincore(p, HOLES * PAGE, vector));
    SAY("in core: %d %d %d", vector[0], vector[3], vector[4]);
    SHOW(mprotect(p + PAGE, 6 * PAGE, PROT_READ));
    layout("protected", p);
    SHOW(mprotect(p + 12 * PAGE, (1ul << 62) - PAGE, PROT_READ));
    SHOW(mprotect(p + 4 * PAGE, 2 * PAGE, PROT_READ));
    layout("protected to the end", p);
    SHOW(madvise(p + 3 * PAGE, 4 * PAGE, MADV_DONTNEED));
    SAY("given up: %c %d %d %c", p[2 * PAGE], p[3 * PAGE], p[6 * PAGE], p[7 * PAGE]);
    munmap(p, HOLES * PAGE);
}

/* Likewise where a region refuses. */
static void until_refused(void)
{
    char name[] = "/tmp/memory-XXXXXX";
    int fd = mkstemp(name), reader = open(name, O_RDONLY), status;
    char *p = with_hole();
    ftruncate(fd, PAGE);
    mmap(p + 4 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, reader, 0);
    mprotect(p, 4 * PAGE, PROT_READ);
    mprotect(p + 5 * PAGE, PAGE, PROT_READ);
    SHOW(mprotect(p + PAGE, 5 * PAGE, PROT_READ | PROT_WRITE));
    layout("until refused", p);
    memset(p + PAGE, 'x', 3 * PAGE);
    SHOW(madvise(p + 2 * PAGE, 4 * PAGE, MADV_WIPEONFORK));
    pid_t child = fork();
    if (!child)
        _exit(p[PAGE] - p[2 * PAGE] + p[3 * PAGE]);
    waitpid(child, &status, 0);
    show_status("wiped", status);
    munmap(p, HOLES * PAGE);
    close(reader);
    close(fd);
    unlink(name);
}

/* The call itself: musl's brk() refuses. */
static long brk_to(char *end) { return syscall(SYS_brk, end) - (long)end; }

static void heap(void)
{
    char *start = (char *)((syscall(SYS_brk, 0) + PAGE - 1) & -PAGE);
    brk_to(start);
    SHOW(brk_to(start + 10 * PAGE));
    start[0] = 1, start[9 * PAGE] = 9;
    SHOW(mmap(start + 4 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
         start + 4 * PAGE);
    SHOW(touch(start + 4 * PAGE, 0));
    SAY("heap: %d %d", start[0], start[9 * PAGE]);
    SHOW(brk_to(start + PAGE));
    SHOW(touch(start + 9 * PAGE, 0));
    SHOW(brk_to(start + 10 * PAGE));
    SAY("heap again: %d", start[9 * PAGE]);
    SHOW(brk_to(start));
}

static void forking(void)
{
    char *private = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE),
         *shared = map(4, PROT_READ | PROT_WRITE, MAP_SHARED);
    int status;
    memset(private, 1, 4 * PAGE);
    shared[0] = 1;
    pid_t child = fork();
    if (!child) {
        private[0] = 2;
        shared[0] = 2;
        shared[2 * PAGE] = 3;
        _exit(private[0] * 10 + private[PAGE]);
    }
    waitpid(child, &status, 0);
    show_status("child", status);
    SAY("private %d, shared %d, first touched by the child %d", private[0], shared[0],
        shared[2 * PAGE]);
    for (int i = 0; i < 20; i++) {
        child = fork();
        if (!child) {
            private[i * 100] = i;
            _exit(private[i * 100] != i);
        }
        private[i * 100] = 100;
        waitpid(child, &status, 0);
        if (status)
            show_status("child", status);
    }
    SAY("forked");
    munmap(private, 4 * PAGE);
    munmap(shared, 4 * PAGE);
}

/* What the mode allows that a file is open in. */
static void modes(const char *name)
{
    int fd = open(name, O_RDONLY);
    SHOW(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(mprotect(shared, PAGE, PROT_READ | PROT_WRITE));
    close(fd);
    fd = open(name, O_WRONLY);
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    close(fd);
    fd = open("/dev/null", O_RDWR);
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    close(fd);
    fd = open("/dev/zero", O_RDWR);
    char *zero = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SAY("/dev/zero: %d", zero != MAP_FAILED && zero[5] == 0);
    SHOW(touch(zero, 1));
    close(fd);
}

/* Memory that several see is as long as it was made: a mapping of it that grows shows no more. The
 * pages of /dev/zero are counted from the offset. */
static void behind_the_end(void)
{
    int zero = open("/dev/zero", O_RDWR), fds[2];
    pipe(fds);
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
    SAY("/dev/zero: %d, %d", p != MAP_FAILED && p[5] == 0, touch(p, 1));
    p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 2 * PAGE);
    SAY("from an offset: %d %d", touch(p + PAGE, 1), touch(p + 2 * PAGE, 1));
    p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 2 * PAGE);
    SAY("without a file: %d %d", touch(p + PAGE, 1), touch(p + 3 * PAGE, 1));
    p = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    SAY("grown: %d %d %d %d", p[PAGE], touch(p + 3 * PAGE, 0), touch(p + 4 * PAGE, 0),
        touch(p + 7 * PAGE, 1));
    SHOW(write(fds[1], p + 4 * PAGE, 1));
    SHOW(read(zero, p + 5 * PAGE, 1));
    p = mremap(p, 8 * PAGE, 4 * PAGE, 0);
    p = mremap(p, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
    SAY("again: %d %d", p[PAGE], touch(p + 4 * PAGE, 1));
    for (int i = 0; i < 2; i++)
        close(fds[i]);
    close(zero);
}

static void files(void)
{
    static char buffer[3 * PAGE];
    char name[] = "/tmp/memory-XXXXXX";
    int fd = mkstemp(name), status;
    for (unsigned i = 0; i < sizeof buffer; i++)
        buffer[i] = i / 1000 + 'a';
    write(fd, buffer, sizeof buffer - 100);
    char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SAY("files: %c %c", shared[0], private[PAGE]);
    private[PAGE] = 'P';
    shared[2 * PAGE] = 'S';
    SAY("private %c %c, shared %c %c, rest %d", private[PAGE], private[2 * PAGE], shared[PAGE],
        shared[2 * PAGE], shared[3 * PAGE - 1]);
    pread(fd, buffer, 1, PAGE);
    pread(fd, buffer + 1, 1, 2 * PAGE);
    SAY("read %c %c", buffer[0], buffer[1]);
    SHOW(touch(shared + 3 * PAGE, 0));
    pwrite(fd, "W", 1, 100);
    SAY("written %c", shared[100]);
    SHOW(msync(shared, 3 * PAGE, MS_SYNC));
    shared[0] = '0';
    pid_t child = fork();
    if (!child) {
        shared[1] = '1';
        private[0] = 'x';
        _exit(0);
    }
    waitpid(child, &status, 0);
    SAY("after the child: shared %c%c, private %c", shared[0], shared[1],
        private[0] == 'x' ? 'x' : '-');
    SHOW(munmap(shared, 4 * PAGE));
    pread(fd, buffer, 3, 0);
    SAY("file: %.2s", buffer);
    close(fd);
    modes(name);
    unlink(name);
}

static int deep(int n)
{
    volatile char room[1024];
    room[0] = n;
    return n ? deep(n - 1) + room[0] : 0;
}

static void stack(void)
{
    static char alternate[65536];
    int status;
    SAY("deep: %d", deep(4000));
    pid_t child = fork();
    if (!child) {
        struct rlimit limit = { 1 << 20, 1 << 20 };
        stack_t other = { .ss_sp = alternate, .ss_size = sizeof alternate };
        struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK };
        setrlimit(RLIMIT_STACK, &limit);
        sigaltstack(&other, NULL);
        sigaction(SIGSEGV, &a, NULL);
        int how = sigsetjmp(back, 1);
        if (how)
            _exit(how / 100);
        expected = 1;
        deep(100000);
        _exit(0);
    }
    waitpid(child, &status, 0);
    show_status("over the limit", status);
}

static void residence(void)
{
    unsigned char vector[4];
    /* so many that the system does not bring them all at once, as it does with few */
    char *p = map(64, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    p[PAGE] = 1;
    SHOW(mincore(p, 4 * PAGE, vector));
    SAY("in core: %d %d %d %d", vector[0] & 1, vector[1] & 1, vector[2] & 1, vector[3] & 1);
    SHOW(mincore(p + 1, PAGE, vector));
    munmap(p, 64 * PAGE);
    SHOW(mincore(p, 4 * PAGE, vector));
}

/* Pages touched one behind the other, which may come several at a time: fresh ones, and copies
 * while the other process writes the same ones, with pages in between that are gone, protected or
 * written already. */
enum { RUN = 96 };
static void run_write(char *p, char with)
{
    for (int i = 0; i < RUN; i++)
        if (i % 40 != 39)
            p[i * PAGE + i] = with;
}

static void run_show(const char *who, const char *p, char with)
{
    int right = 0, zeroes = 0;
    for (int i = 0; i < RUN; i++)
        if (i % 40 != 39) {
            right += p[i * PAGE + i] == with;
            zeroes += p[i * PAGE + i + 1] == (i == 50 ? 3 : 0);
        }
    SAY("%s: %d right, %d untouched", who, right, zeroes);
}

static void in_sequence(void)
{
    char *p = map(RUN, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    p[50 * PAGE + 51] = 3;
    munmap(p + 39 * PAGE, PAGE);
    mprotect(p + 79 * PAGE, PAGE, PROT_NONE);
    run_write(p, 1);
    SAY("behind: %d %d", touch(p + 39 * PAGE, 1), touch(p + 79 * PAGE, 1));
    int status;
    pid_t child = fork();
    if (!child) {
        mprotect(p + 60 * PAGE, PAGE, PROT_READ);
        SAY("read-only: %d", touch(p + 60 * PAGE, 1));
        mprotect(p + 60 * PAGE, PAGE, PROT_READ | PROT_WRITE);
        run_write(p, 2);
        madvise(p + 10 * PAGE, 4 * PAGE, MADV_DONTNEED);
        SAY("given up: %d", p[10 * PAGE + 10] + p[13 * PAGE + 13]);
        run_write(p, 4);
        run_show("child", p, 4);
        _exit(0);
    }
    run_write(p, 5);
    waitpid(child, &status, 0);
    run_show("parent", p, 5);
    run_write(p, 6);
    run_show("parent", p, 6);
}

static void limits(void)
{
    int status;
    pid_t child = fork();
    if (!child) {
        struct rlimit limit = { 64 << 20, 64 << 20 };
        SHOW(setrlimit(RLIMIT_AS, &limit));
        SHOW(mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        SAY("small: %d", map(4, PROT_READ, MAP_PRIVATE) != MAP_FAILED);
        _exit(0);
    }
    waitpid(child, &status, 0);
    show_status("limited", status);
}

/* MREMAP_DONTUNMAP, an old length of 0, and addresses of 32 bits. */
static void moving_and_staying(void)
{
    enum { DONTUNMAP = 4, LOW = 0x40 };
    char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;
    strcpy(p + PAGE, "moves");
    SHOW(mremap(p, 4 * PAGE, 4 * PAGE, DONTUNMAP));
    SHOW(mremap(p, 4 * PAGE, 5 * PAGE, DONTUNMAP | MREMAP_MAYMOVE));
    /* musl takes no address without MREMAP_FIXED */
    SHOW(syscall(SYS_mremap, p, 4 * PAGE, 4 * PAGE, DONTUNMAP | MREMAP_MAYMOVE, p + PAGE));
    SHOW(syscall(SYS_mremap, p, 4 * PAGE, 4 * PAGE, DONTUNMAP | MREMAP_MAYMOVE, 1));
    q = mremap(p, 4 * PAGE, 4 * PAGE, DONTUNMAP | MREMAP_MAYMOVE);
    SAY("%d: '%s', left '%s'", q != p && q != MAP_FAILED, q + PAGE, p + PAGE);
    strcpy(p + PAGE, "new");
    SAY("'%s', left '%s'", q + PAGE, p + PAGE);
    SHOW(mremap(q, 4 * PAGE, 4 * PAGE, DONTUNMAP | MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * PAGE) ==
         p + 4 * PAGE);
    SAY("'%s', left '%s'", p + 5 * PAGE, q + PAGE);
    SHOW(mremap(p, 0, PAGE, MREMAP_MAYMOVE));
    munmap(p, 8 * PAGE), munmap(q, 4 * PAGE);
    p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(p + PAGE, "shared");
    SHOW(mremap(p, 0, PAGE, 0));
    SHOW(mremap(p, 0, 0, MREMAP_MAYMOVE));
    q = mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE);
    SAY("%d: '%s'", q != p, q + PAGE);
    strcpy(q + PAGE, "the same");
    SAY("'%s'", p + PAGE);
    char *r = mremap(p + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE);
    SAY("'%s'", r);
    munmap(p, 4 * PAGE);
    SAY("'%s'", q + PAGE);
    p = mremap(q, 4 * PAGE, 4 * PAGE, DONTUNMAP | MREMAP_MAYMOVE);
    SAY("'%s', '%s'", p + PAGE, q + PAGE);
    p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | LOW, -1, 0);
    SHOW((uintptr_t)p >= 0x40000000 && (uintptr_t)p < 0x80000000);
    SHOW(mmap(p - 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | LOW, -1, 0) ==
         p - 4 * PAGE);
    SHOW((uintptr_t)mmap((void *)(1ul << 40), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | LOW,
                         -1, 0) < 0x80000000);
    SHOW(mmap(NULL, 1ul << 31, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | LOW, -1, 0));
    SHOW(mmap(NULL, 1ul << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | LOW, -1, 0));
}

int main(void)
{
    signals();
    anonymous();
    errors();
    large();
    moving();
    shrinking_over_holes();
    over_holes();
    until_refused();
    heap();
    forking();
    behind_the_end();
    files();
    stack();
    residence();
    in_sequence();
    limits();
    moving_and_staying();
    return 0;
}
