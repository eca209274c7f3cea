/* memory TEST SEED: programs that touch memory. How much of it is there, mincore(2) says, and how
 * much of the machine's is free, sysinfo(2). Neither asks the code under test. */
#define _GNU_SOURCE
#include "labtest.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, MOST = 4096, AT_ONCE = 8 };
enum { READ, WRITE, EXECUTE };

static uint64_t seed;

#define AT_MOST(requirement, got, most, ...)                                                       \
    do {                                                                                           \
        long got_ = (got), most_ = (most);                                                         \
        if (got_ > most_)                                                                          \
            lab_fail(requirement, number("at most %ld", most_), number("%ld", got_), __VA_ARGS__); \
    } while (0)

/* A value in words: the format has one %ld. */
static const char *number(const char *format, long value)
{
    static char text[4][64];
    static unsigned next;
    snprintf(text[next++ % 4], sizeof text[0], format, value);
    return text[(next - 1) % 4];
}

/* ---- looking ---- */

/* How many of so many pages are there. */
static long there(const void *at, unsigned pages)
{
    static unsigned char vector[MOST];
    long n = 0;
    NEED(pages <= MOST && mincore((void *)at, pages * (size_t)PAGE, vector) == 0);
    for (unsigned i = 0; i < pages; i++)
        n += vector[i] & 1;
    return n;
}

/* Frames of the machine that are free. */
static long unused(void)
{
    struct sysinfo info;
    NEED(sysinfo(&info) == 0);
    return info.freeram / PAGE * info.mem_unit;
}

static char *map_as(unsigned pages, int protection, int flags)
{
    char *at = mmap(NULL, pages * (size_t)PAGE, protection, flags | MAP_ANONYMOUS, -1, 0);
    NEED(at != MAP_FAILED);
    return at;
}

static char *map(unsigned pages) { return map_as(pages, PROT_READ | PROT_WRITE, MAP_PRIVATE); }

static void unmap(void *at, unsigned pages) { NEED(munmap(at, pages * (size_t)PAGE) == 0); }

static volatile uint64_t *word(char *at, unsigned page)
{
    return (void *)(at + page * (size_t)PAGE);
}

/* What stands in a page of somebody: never 0. */
static uint64_t value(unsigned who, unsigned page)
{
    uint64_t x = (seed << 20 | who << 16 | page) * 0x9e3779b97f4a7c15ull;
    return (x ^ x >> 31) | 1;
}

static void fill(char *at, unsigned first, unsigned end, unsigned who)
{
    for (unsigned i = first; i < end; i++)
        *word(at, i) = value(who, i);
}

static void check(const char *requirement, char *at, unsigned first, unsigned end, unsigned who,
                  const char *did)
{
    for (unsigned i = first; i < end; i++)
        if (*word(at, i) != value(who, i))
            lab_fail(requirement, "what was written there",
                     *word(at, i) ? "something else" : "zero", "%s: the word in page %u of %u", did,
                     i, end);
}

/* ---- children ---- */

static void wait_for(pid_t pid)
{
    int status;
    NEED(waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        lab_fail("R7", "that the child goes on",
                 number("it was ended by signal %ld", WTERMSIG(status)),
                 "letting a child of fork work in memory");
    if (status)
        _exit(WEXITSTATUS(status)); /* the child has said why */
}

static pid_t fork_one(void)
{
    pid_t pid = fork();
    if (pid < 0)
        lab_fail("R6", "a child", lab_result(-errno), "fork()");
    return pid;
}

/* Does something in a child of fork, and waits for its end. */
static void in_child(void (*f)(void))
{
    pid_t pid = fork_one();
    if (!pid) {
        f();
        _exit(0);
    }
    wait_for(pid);
}

/* Processes take turns by a number that all of them see. */
static volatile unsigned *turn;

static void turns_start(void)
{
    turn = (void *)map_as(1, PROT_READ | PROT_WRITE, MAP_SHARED);
    *turn = 0;
}

static void turn_await(unsigned n)
{
    while (*turn != n)
        sched_yield();
}

/* Fills many frames. */
static void dirty_much(void)
{
    enum { PAGES = 1200 };
    char *a = map(PAGES);
    for (unsigned i = 0; i < PAGES; i++)
        memset(a + i * (size_t)PAGE, 0x5a, PAGE);
}

/* ---- R1, R5: pages come when they are touched ---- */

static char large[1024 * PAGE] __attribute__((aligned(PAGE)));

/* Touches pages of new memory here and there. */
static void touch_apart(char *a, unsigned pages, const char *what)
{
    enum { APART = 20 };
    unsigned touched = 0;
    AT_MOST("R1", there(a, pages), AT_ONCE, "%s of %u pages: pages that are there at once", what,
            pages);
    for (unsigned i = 0; i + APART <= pages; i += APART, touched++) {
        unsigned page = i + lab_below(APART / 2);
        char *at = a + page * (size_t)PAGE + lab_below(PAGE);
        EXPECT("R1", *(volatile char *)at, 0, "%s: reading page %u", what, page);
        *(volatile char *)at = 1;
        EXPECT("R1", there(a + page * (size_t)PAGE, 1), 1, "%s: whether page %u is there", what,
               page);
    }
    AT_MOST("R1", there(a, pages), AT_ONCE + touched,
            "%s: pages that are there when %u have been touched, far from each other", what,
            touched);
}

static void demand(void)
{
    enum { PAGES = 1024 };
    touch_apart(large, PAGES, "a program's variables");
    long before = unused();
    char *a = map(PAGES);
    touch_apart(a, PAGES, "mmap");
    AT_MOST("R1", before - unused(), PAGES / 20 + AT_ONCE + 24,
            "mmap: frames that %u pages have taken, of which one in 20 has been touched", PAGES);
    uintptr_t end = syscall(SYS_brk, 0), heap = (end + PAGE - 1) & -PAGE;
    NEED((uintptr_t)syscall(SYS_brk, heap + PAGES * PAGE) == heap + PAGES * PAGE);
    touch_apart((char *)heap, PAGES, "brk");
}

/* Touches one page after the other from first on. */
static void in_sequence(char *a, unsigned pages, bool up)
{
    enum { KEPT = 37 };
    unsigned faults = 0;
    const char *way = up ? "upwards" : "downwards";
    unsigned kept = up ? KEPT : pages - 1 - KEPT;
    *word(a, kept) = value(9, kept); /* lies in the way, and must stay */
    for (unsigned i = 0; i < pages; i++) {
        unsigned page = up ? i : pages - 1 - i;
        bool here = there(a + page * (size_t)PAGE, 1);
        faults += !here;
        EXPECT("R5", *word(a, page) == (page == kept ? value(9, kept) : 0), 1,
               "touching %u pages %s: whether page %u is what it was", pages, way, page);
        *word(a, page) = 1;
        if ((i & (i + 1)) == 0)
            AT_MOST("R5", there(a, pages), 2 * (i + 1) + 1 + AT_ONCE,
                    "touching pages %s: pages that are there after %u", way, i + 1);
    }
    AT_MOST("R5", faults, 128, "touching %u pages %s: how many were not there yet", pages, way);
}

static void sequence(void)
{
    enum { PAGES = 768, HOLE = 16 };
    in_child(dirty_much); /* frames that are not zero */
    char *a = map(2 * PAGES + HOLE);
    in_sequence(a, PAGES, true);
    in_sequence(a + (PAGES + HOLE) * (size_t)PAGE, PAGES, false);
}

/* ---- R2: zeroes ---- */

static void zero(void)
{
    enum { PAGES = 1000 };
    in_child(dirty_much);
    char *small = map(AT_ONCE), *a = map(PAGES);
    for (unsigned i = 0; i < AT_ONCE * PAGE; i++)
        EXPECT("R2", small[i], 0, "8 pages of new memory: byte %u", i);
    for (unsigned i = 0; i < PAGES; i++)
        for (unsigned k = 0; k < PAGE / 8; k++)
            EXPECT("R2", word(a, i)[k], 0,
                   "new memory, when a program that filled %u pages has "
                   "ended: word %u of page %u",
                   1200, k, i);
    fill(a, 0, 64, 1);
    unmap(a, 64);
    a = mmap(a, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (unsigned i = 0; i < 64; i++)
        EXPECT("R2", *word(a, i), 0, "memory mapped where other memory was: page %u", i);
}

/* ---- R3: what may not be touched ---- */

static sigjmp_buf back;
static volatile int caught, caught_code;
static char *volatile caught_at;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)context;
    caught = signal;
    caught_code = info->si_code;
    caught_at = info->si_addr;
    siglongjmp(back, 1);
}

static void catch_signals(void)
{
    static char alternate[65536];
    stack_t stack = { .ss_sp = alternate, .ss_size = sizeof alternate };
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    NEED(sigaltstack(&stack, NULL) == 0);
    NEED(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0);
}

static void touch(volatile char *at, int how)
{
    caught = caught_code = 0;
    caught_at = NULL;
    if (sigsetjmp(back, 1))
        return;
    if (how == READ)
        (void)*at;
    else if (how == WRITE)
        *at = 77;
    else
        ((void (*)(void))at)();
}

/* A touch ends in this signal (0: in none), which tells the code and the address. */
static void touching(const char *requirement, char *at, int how, int signal, int code,
                     const char *what)
{
    static const char *const hows[] = { "reading", "writing", "executing" };
    lab_now("%s %s", hows[how], what);
    touch(at, how);
    EXPECT(requirement, caught, signal, "%s %s: the signal", hows[how], what);
    if (!signal)
        return;
    EXPECT(requirement, caught_code, code, "%s %s: the signal's code", hows[how], what);
    EXPECT(requirement, caught_at - at, 0, "%s %s: how far the signal's address is from it",
           hows[how], what);
}

static char *read_only;

static void touch_read_only(void)
{
    touching("R3", read_only + 5, WRITE, SIGSEGV, SEGV_ACCERR, "read-only memory, in a child");
    EXPECT("R3", *word(read_only, 0) == value(1, 0), 1, "whether read-only memory is what it was");
}

static void segv(void)
{
    catch_signals();
    char *a = map(8), *hole = a + 3 * PAGE;
    unsigned at = lab_below(PAGE - 8);
    fill(a, 0, 8, 1);
    unmap(hole, 1);
    touching("R3", hole + at, READ, SIGSEGV, SEGV_MAPERR, "a hole");
    touching("R3", hole + at, WRITE, SIGSEGV, SEGV_MAPERR, "a hole");
    touching("R3", a + at, EXECUTE, SIGSEGV, SEGV_ACCERR, "memory that is not executable");
    touching("R3", (char *)touch, WRITE, SIGSEGV, SEGV_ACCERR, "the program's text");
    NEED(mprotect(a, PAGE, PROT_READ) == 0 && mprotect(a + PAGE, PAGE, PROT_NONE) == 0);
    read_only = a;
    touching("R3", a + at, READ, 0, 0, "read-only memory");
    touching("R3", a + at, WRITE, SIGSEGV, SEGV_ACCERR, "read-only memory");
    touching("R3", a + PAGE + at, READ, SIGSEGV, SEGV_ACCERR, "memory without any permission");
    in_child(touch_read_only);
    touching("R3", a + at, WRITE, SIGSEGV, SEGV_ACCERR, "read-only memory, after a fork");
    NEED(mprotect(a, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
    check("R3", a, 0, 2, 1, "protecting pages, and allowing them again");
    touching("R3", a + at, WRITE, 0, 0, "memory that is allowed again");
    char *new = map_as(4, PROT_READ, MAP_PRIVATE);
    touching("R3", new + at, WRITE, SIGSEGV, SEGV_ACCERR,
             "read-only memory that was never touched");
    EXPECT("R3", *(volatile char *)new, 0, "reading new read-only memory");
    touching("R3", new + at, WRITE, SIGSEGV, SEGV_ACCERR, "read-only memory that has been read");
    int fd = open("/proc/self/exe", O_RDONLY);
    off_t end = lseek(fd, 0, SEEK_END);
    char *file = mmap(NULL, end + 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    NEED(fd >= 0 && file != MAP_FAILED);
    touching("R3", file + at, WRITE, SIGSEGV, SEGV_ACCERR, "a file that is mapped read-only");
    touching("R3", file + (end + PAGE) / PAGE * PAGE + at, READ, SIGBUS, BUS_ADRERR,
             "a mapped file behind its end");
}

/* ---- R4: stacks ---- */

/* The end of the stack's region. */
static char *stack_end(void)
{
    char line[512];
    unsigned long start, end = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    NEED(maps);
    while (fgets(line, sizeof line, maps))
        if (strstr(line, "[stack]"))
            NEED(sscanf(line, "%lx-%lx", &start, &end) == 2);
    fclose(maps);
    NEED(end);
    return (char *)end;
}

static void grow_stack(void)
{
    enum { LIMIT = 256 };
    char *end = stack_end();
    unsigned at = lab_below(PAGE);
    NEED(setrlimit(RLIMIT_STACK, &(struct rlimit){ LIMIT * PAGE, LIMIT * PAGE }) == 0);
    long before = unused();
    touching("R4", end - LIMIT / 2 * PAGE, WRITE, 0, 0, "the stack 128 pages below its end");
    touching("R4", end - LIMIT * PAGE, WRITE, 0, 0, "the last page that the stack's limit allows");
    AT_MOST("R4", before - unused(), 40, "touching two pages of the stack: frames");
    touching("R4", end - LIMIT * PAGE - 1 - at, WRITE, SIGSEGV, SEGV_MAPERR,
             "the stack below its limit");
    touching("R4", end - 4 * LIMIT * PAGE + at, READ, SIGSEGV, SEGV_MAPERR,
             "the stack far below its limit");
}

static void stack(void)
{
    enum { GUARD = 256, BELOW = 4, GAP = 700, ALL = BELOW + GAP + 8 };
    catch_signals();
    in_child(grow_stack);
    char *a = map(ALL), *grows = a + (BELOW + GAP) * PAGE;
    unmap(a, ALL);
    NEED(mmap(a, BELOW * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
              0) == a);
    NEED(mmap(grows, 8 * PAGE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == grows);
    fill(a, 0, BELOW, 3);
    touching("R4", grows - 9 * PAGE, WRITE, 0, 0, "a stack (MAP_GROWSDOWN) 9 pages below it");
    touching("R4", a + (BELOW + GUARD) * PAGE, WRITE, 0, 0,
             "a stack 256 pages above what lies below");
    touching("R4", a + (BELOW + GUARD - 1) * PAGE + 9, WRITE, SIGSEGV, SEGV_MAPERR,
             "a stack 255 pages above what lies below");
    touching("R4", a + BELOW * PAGE, READ, SIGSEGV, SEGV_MAPERR, "right above other memory");
    check("R4", a, 0, BELOW, 3, "the memory below a stack");
}

/* ---- R6, R7, R8: fork ---- */

enum { FORKED = 1200, FEW = 72 };
static char *forked;
static long before_fork;

static void look_in_child(void)
{
    AT_MOST("R6", before_fork - unused(), FEW, "fork of a program that has %u pages: frames",
            FORKED);
    check("R6", forked, 0, FORKED, 1, "a child's memory");
    AT_MOST("R6", before_fork - unused(), FEW, "reading all %u pages in a child: frames", FORKED);
}

static void forks(void)
{
    forked = map(FORKED);
    fill(forked, 0, FORKED, 1);
    before_fork = unused();
    in_child(look_in_child);
    check("R6", forked, 0, FORKED, 1, "the parent's memory after a fork");
}

/* Three processes, each the parent of the next, write to pages of the memory that they had in
 * common, one after the other; then each looks at all pages. */
enum { FAMILY = 3, COMMON = 64 };
static unsigned rank[FAMILY]; /* who writes as which */
static unsigned char mine[FAMILY][COMMON];

static void member(char *a, unsigned who)
{
    turn_await(rank[who]);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < COMMON; i++)
            if (mine[who][i])
                *word(a, i) = value(who + 2, i);
    *turn += 1;
    turn_await(FAMILY + who);
    for (unsigned i = 0; i < COMMON; i++)
        if (*word(a, i) != value(mine[who][i] ? who + 2 : 1, i))
            lab_fail("R7", mine[who][i] ? "what it has written itself" : "what was there before",
                     "something else",
                     "three processes, each the child of another, write: what %s sees in page %u",
                     who == 0   ? "the first"
                     : who == 1 ? "its child"
                                : "its grandchild",
                     i);
    *turn += 1;
}

static void isolation(void)
{
    turns_start();
    char *a = map(COMMON);
    fill(a, 0, COMMON, 1);
    for (unsigned who = 0; who < FAMILY; who++)
        rank[who] = (who + seed) % FAMILY;
    for (unsigned i = 0; i < FAMILY * COMMON; i++)
        mine[i / COMMON][i % COMMON] = lab_below(3) == 0;
    pid_t pid = fork_one();
    if (pid) {
        member(a, 0);
        wait_for(pid);
        return;
    }
    pid = fork_one();
    member(a, pid ? 1 : 2);
    if (pid)
        wait_for(pid);
    _exit(0);
}

static void sole(void)
{
    enum { PAGES = 400, SHARED = 100, SLACK = 24 };
    turns_start();
    long first = unused();
    char *a = map(PAGES);
    fill(a, 0, PAGES, 1);
    pid_t pid = fork_one();
    if (!pid) {
        turn_await(1);
        _exit(0);
    }
    long before = unused();
    fill(a, 0, SHARED, 2);
    AT_MOST("R8", before - unused(), SHARED + SLACK,
            "writing to %u pages of %u, which a child has as well: frames", SHARED, PAGES);
    *turn = 1;
    wait_for(pid);
    before = unused();
    fill(a, SHARED, PAGES, 2);
    AT_MOST("R8", before - unused(), SLACK,
            "writing to %u pages that a child had too, which has ended: frames", PAGES - SHARED);
    check("R8", a, 0, PAGES, 2, "writing to pages that a child had too");
    for (unsigned i = 0; i < 3; i++) {
        NEED(mprotect(a, PAGES * PAGE, PROT_READ) == 0);
        NEED(mprotect(a, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
        fill(a, 0, PAGES, 3 + i);
    }
    check("R8", a, 0, PAGES, 5, "protecting pages, allowing them again and writing");
    unmap(a, PAGES);
    AT_MOST("R8", first - unused(), SLACK, "and when the memory is unmapped: frames that lack");
}

/* ---- R9: the kernel's copies ---- */

static char *buffer;
static int ends[2];

/* Has the kernel write `length` bytes of 'k' into memory. */
static long receive(char *to, size_t length)
{
    static char data[8 * PAGE];
    memset(data, 'k', sizeof data);
    NEED(pipe(ends) == 0 && write(ends[1], data, length) == (ssize_t)length);
    close(ends[1]);
    long n = read(ends[0], to, length);
    n = n < 0 ? -errno : n;
    close(ends[0]);
    return n;
}

static void receive_in_child(void)
{
    EXPECT("R9", receive(buffer + PAGE + 100, 2 * PAGE), 2 * PAGE,
           "read() into memory that the parent has as well");
    for (unsigned i = 0; i < 2 * PAGE; i++)
        EXPECT("R9", buffer[PAGE + 100 + i], 'k', "byte %u of what read() has brought", i);
    check("R9", buffer, 0, 2, 1, "what read() has not reached");
}

static void grow_by_read(void)
{
    char *deep = stack_end() - 100 * PAGE;
    EXPECT("R9", receive(deep, 3 * PAGE), 3 * PAGE, "read() into the stack, deeper than it was");
    EXPECT("R9", deep[3 * PAGE - 1], 'k', "the last byte of it");
}

static void calls(void)
{
    buffer = map(8);
    fill(buffer, 0, 8, 1);
    in_child(receive_in_child);
    check("R9", buffer, 0, 8, 1, "the parent's memory, when read() has written to the child's");
    in_child(grow_by_read);
    char *new = map(1024);
    EXPECT("R9", receive(new + 20 * PAGE + 50, 5 * PAGE), 5 * PAGE, "read() into new memory");
    EXPECT("R9", new[25 * PAGE + 49], 'k', "the last byte of it");
    EXPECT("R9", new[25 * PAGE + 50], 0, "the byte behind it");
    NEED(pipe(ends) == 0);
    EXPECT("R9", write(ends[1], new + 500 * PAGE, 4 * PAGE), 4 * PAGE, "write() out of new memory");
    EXPECT("R9", read(ends[0], buffer, 4 * PAGE), 4 * PAGE, "reading it");
    for (unsigned i = 0; i < 4 * PAGE; i++)
        EXPECT("R9", buffer[i], 0, "byte %u of new memory that write() has sent", i);
    fill(buffer, 0, 8, 1);
    NEED(mprotect(buffer + 4 * PAGE, PAGE, PROT_READ) == 0);
    EXPECT("R9", receive(buffer + 4 * PAGE + 8, 100), -EFAULT, "read() into read-only memory");
    check("R9", buffer, 4, 5, 1, "read-only memory into which read() should write");
    unmap(buffer + 6 * PAGE, 1);
    EXPECT("R9", receive(buffer + 6 * PAGE, 100), -EFAULT, "read() into a hole");
    long n = receive(buffer + 5 * PAGE, 2 * PAGE);
    EXPECT("R9", n == PAGE || n == -EFAULT, 1,
           "read() into a page and a hole behind it: whether it reports either the page or EFAULT");
    EXPECT("R9", buffer[5 * PAGE], 'k', "the page in front of the hole");
}

/* ---- R10, R11: frames ---- */

static void work(void)
{
    char *a = map(64);
    fill(a, 40, 46, 1); /* a sequence will find these there */
    fill(a, 0, 64, 1);
    in_child(dirty_much);
    fill(a, 0, 64, 2);
    NEED(mprotect(a, 32 * PAGE, PROT_READ) == 0);
    NEED(mprotect(a, 32 * PAGE, PROT_READ | PROT_WRITE) == 0);
    fill(a, 0, 64, 3);
    execl("/proc/self/exe", "memory", "nothing", "1", NULL);
    NEED(0);
}

static void nothing(void)
{
    char *a = map(300);
    fill(a, 0, 300, 1);
}

static void leaks(void)
{
    enum { WARM = 2, ROUNDS = 10, SLACK = 8 };
    long before = 0;
    for (unsigned i = 0; i < WARM + ROUNDS; i++) {
        if (i == WARM)
            before = unused();
        in_child(work);
    }
    usleep(20000);
    AT_MOST("R10", before - unused(), SLACK,
            "%u times fork, fork again, write, exec, exit: frames that lack", ROUNDS);
}

static char *vastness;
static unsigned vast_pages;

static void write_some(void)
{
    for (unsigned i = 0; i < 200; i++) {
        unsigned page = lab_below(vast_pages);
        *word(vastness, page) = value(2, page);
        EXPECT("R11", *word(vastness, page) == value(2, page), 1, "writing to page %u", page);
    }
}

static void eat(void)
{
    char *a = map_as(vast_pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
    for (unsigned i = 0; i < vast_pages; i++)
        *word(a, i) = 1;
}

static void vast(void)
{
    long free = unused();
    int status;
    vast_pages = free * 5 / 8;
    vastness = map(vast_pages);
    for (unsigned i = 0; i < vast_pages; i += 7)
        *word(vastness, i) = value(1, i);
    fill(vastness, 0, vast_pages, 1);
    in_child(write_some);
    check("R11", vastness, 0, vast_pages, 1, "five eighths of all memory, after a fork");
    unmap(vastness, vast_pages);
    vast_pages = free * 5 / 4;
    pid_t pid = fork_one();
    if (!pid) {
        eat();
        _exit(0);
    }
    NEED(waitpid(pid, &status, 0) == pid);
    EXPECT("R11", WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGKILL,
           "touching more memory than there is: the signal that ends the program");
    usleep(20000);
    AT_MOST("R11", free - unused(), 32, "and afterwards: frames that lack");
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "demand", demand },
        { "zero", zero },
        { "segv", segv },
        { "stack", stack },
        { "sequence", sequence },
        { "fork", forks },
        { "isolation", isolation },
        { "sole", sole },
        { "calls", calls },
        { "leaks", leaks },
        { "vast", vast },
        { "nothing", nothing },
        { NULL, NULL },
    };
    seed = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    return lab_main(argc, argv, tests);
}
