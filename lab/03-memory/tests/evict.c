/* evict TEST SEED: a file whose server, the lender, has few frames. The lender counts how often it
 * was asked for a page, and Belady's algorithm, which knows what comes, says how often it must be
 * asked at least. Of each 16 pages the tests touch one: so a cluster is a page. */
#define _GNU_SOURCE
#include "labtest.h"
#include "../../gate/gate.h"
#include "../../lender/lender.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <minnow/protocol.h>

enum { PAGE = 4096, CLUSTER = 16, ALL = LENDER_PAGES / CLUSTER };

static uint64_t seed;
static int lender = -1;
static char *file;

static const char *number(const char *format, long value)
{
    static char text[4][64];
    static unsigned next;
    snprintf(text[next++ % 4], sizeof text[0], format, value);
    return text[(next - 1) % 4];
}

#define AT_MOST(requirement, got, most, ...)                                                       \
    do {                                                                                           \
        long got_ = (got), most_ = (most);                                                         \
        if (got_ > most_)                                                                          \
            lab_fail(requirement, number("at most %ld", most_), number("%ld", got_), __VA_ARGS__); \
    } while (0)

/* ---- the lender ---- */

static struct lender_counts counts(void)
{
    struct lender_counts c;
    NEED(ioctl(lender, LENDER_COUNTS, &c) == 0);
    return c;
}

/* Maps the lender's file, of which so many pages may be there at a time. */
static void open_lender(unsigned frames)
{
    int gate = open("/dev/gate", O_RDWR);
    struct gate_call open_file = { .service = "lender", .op = FS_OPEN };
    NEED(gate >= 0 && (lender = ioctl(gate, GATE_CALL, &open_file)) >= 0);
    close(gate);
    NEED(ioctl(lender, LENDER_RESET, &(struct lender_reset){ seed, frames }) == 0);
    file = mmap(NULL, LENDER_PAGES * (size_t)PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, lender, 0);
    NEED(file != MAP_FAILED);
}

/* Gives the file up: the lender has all its pages again. */
static void close_lender(void)
{
    NEED(munmap(file, LENDER_PAGES * (size_t)PAGE) == 0);
    struct lender_counts c = counts();
    EXPECT("R16", c.lent, 0, "pages that the lender lacks when nobody maps its file any more");
    EXPECT("R16", c.nonsense, 0, "pages that the lender was given back and had not lent");
    close(lender);
}

/* The first word of cluster i, and what it was in the beginning. */
static volatile uint64_t *word(unsigned i) { return (void *)(file + i * CLUSTER * (size_t)PAGE); }
static uint64_t first(unsigned i) { return lender_word(seed, i * CLUSTER); }

static void look(const char *requirement, unsigned i, uint64_t value)
{
    if (*word(i) != value)
        lab_fail(requirement, "what was written there last", "something else",
                 "reading page %u of a mapped file", i * CLUSTER);
}

/* ---- R12: the bound ---- */

enum { FRAMES = 24, HOT = 12, COLD = 64, PHASES = 3, TOUCHES = 1200, PAGES = PHASES * HOT + COLD };

/* What is touched: seven times in eight one of a few pages, which are others in each phase, and
 * else the next one of many. */
static void make_trace(unsigned char *trace)
{
    unsigned char page[PAGES];
    unsigned cold = 0;
    for (unsigned i = 0; i < PAGES; i++)
        page[i] = i;
    for (unsigned i = PAGES - 1; i; i--) {
        unsigned k = lab_below(i + 1), was = page[i];
        page[i] = page[k];
        page[k] = was;
    }
    for (unsigned i = 0; i < TOUCHES; i++)
        trace[i] = lab_below(8) < 7 ? page[i * PHASES / TOUCHES * HOT + lab_below(HOT)]
                                    : page[PHASES * HOT + cold++ % COLD];
}

/* When a page is touched next, from `from` on. */
static unsigned next_touch(const unsigned char *trace, unsigned from, unsigned page)
{
    while (from < TOUCHES && trace[from] != page)
        from++;
    return from;
}

/* How often Belady's algorithm fetches a page: what is touched again last is evicted. */
static unsigned optimum(const unsigned char *trace)
{
    unsigned char held[FRAMES];
    unsigned n = 0, fetched = 0;
    for (unsigned i = 0; i < TOUCHES; i++) {
        unsigned k = 0, last = 0;
        while (k < n && held[k] != trace[i])
            k++;
        if (k < n)
            continue;
        fetched++;
        for (unsigned j = 0; n == FRAMES && j < n; j++) {
            unsigned next = next_touch(trace, i, held[j]);
            if (next >= last)
                last = next, k = j;
        }
        held[k] = trace[i];
        n += n < FRAMES;
    }
    return fetched;
}

static void chance(void)
{
    static unsigned char trace[TOUCHES];
    make_trace(trace);
    long best = optimum(trace);
    open_lender(FRAMES);
    for (unsigned i = 0; i < TOUCHES; i++)
        look("R16", trace[i], first(trace[i]));
    long fetched = counts().fetched;
    NEED(fetched >= best);
    AT_MOST(
        "R12", fetched * 100 / best, 138,
        "touching %u pages, %u of which can be there: pages fetched, %ld, in hundredths of what "
        "Belady's algorithm fetches, %ld",
        TOUCHES, FRAMES, fetched, best);
    close_lender();
}

/* ---- R13: of the server that wants its pages ---- */

static long major_faults(void)
{
    struct rusage usage;
    NEED(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_majflt;
}

static void others(void)
{
    enum { OTHERS = 8 };
    const char *name = "/tmp/others";
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    NEED(fd >= 0 && ftruncate(fd, OTHERS * CLUSTER * PAGE) == 0);
    for (unsigned i = 0; i < OTHERS * CLUSTER; i++)
        NEED(pwrite(fd, &i, sizeof i, i * PAGE) == sizeof i);
    char *other = mmap(NULL, OTHERS * CLUSTER * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    NEED(other != MAP_FAILED);
    for (unsigned i = 0; i < OTHERS * CLUSTER; i++)
        NEED(*(volatile unsigned *)(other + i * PAGE) == i);
    open_lender(8);
    for (unsigned i = 0; i < 60; i++)
        look("R16", i, first(i));
    AT_MOST("R13", counts().refused, 60,
            "touching 60 pages one after the other, 8 of which can be there: how often the lender "
            "had to "
            "say that no frame is left");
    long before = major_faults();
    for (unsigned i = 0; i < OTHERS * CLUSTER; i++)
        NEED(*(volatile unsigned *)(other + i * PAGE) == i);
    EXPECT("R13", major_faults() - before, 0,
           "the lender wanted its pages: faults for which another server was asked again");
    close_lender();
    NEED(munmap(other, OTHERS * CLUSTER * PAGE) == 0 && unlink(name) == 0);
    close(fd);
}

/* ---- R14: clean before dirty ---- */

static void clean(void)
{
    enum { HALF = 12, DIRTY = 100 };
    uint64_t value[HALF];
    unsigned n = 0;
    open_lender(2 * HALF);
    for (unsigned i = 0; i < 2 * HALF; i++) { /* dirty and clean ones, as the seed has it */
        bool writes = lab_below(2) ? n < HALF : i - n >= HALF;
        if (writes)
            *word(DIRTY + n) = value[n] = i + 1000, n++;
        else
            look("R16", i - n, first(i - n));
    }
    NEED(n == HALF);
    for (unsigned i = 0; i < HALF; i++)
        look("R16", 20 + i, first(20 + i));
    AT_MOST("R14", counts().written, 0,
            "12 pages written and 12 read, then 12 others read: pages evicted that were dirty");
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < HALF; i++)
            look("R16", 20 + i, first(20 + i));
    long before = counts().fetched;
    for (unsigned i = 0; i < HALF / 2; i++) {
        look("R16", 40 + i, first(40 + i));
        for (unsigned k = 0; k < HALF; k++)
            look("R16", 20 + k, first(20 + k));
    }
    AT_MOST("R14", counts().fetched - before, HALF / 2 + 2,
            "12 clean pages in use, 12 dirty ones that are not, and 6 new ones: pages fetched");
    for (unsigned i = 0; i < 3 * HALF; i++)
        *word(DIRTY + n + i) = 2000 + i;
    for (unsigned i = 0; i < 3 * HALF; i++)
        look("R14", DIRTY + n + i, 2000 + i);
    for (unsigned i = 0; i < n; i++)
        look("R14", DIRTY + i, value[i]);
    close_lender();
}

/* ---- R15: locked pages ---- */

static void locked(void)
{
    enum { CAN = 16, LOCKED = 6 };
    open_lender(CAN);
    for (unsigned i = 0; i < LOCKED; i++)
        NEED(mlock((void *)word(i * 3), PAGE) == 0);
    for (unsigned i = 0; i < 150; i++) {
        unsigned k = 20 + lab_below(60);
        look("R16", k, first(k));
    }
    long before = counts().fetched;
    for (unsigned i = 0; i < LOCKED; i++)
        look("R16", i * 3, first(i * 3));
    EXPECT("R15", counts().fetched - before, 0,
           "touching 6 locked pages, after 150 touches of others: pages fetched");
    for (unsigned i = 0; i < LOCKED; i++)
        NEED(munlock((void *)word(i * 3), PAGE) == 0);
    for (unsigned i = 0; i < 3 * CAN; i++)
        look("R16", 100 + i, first(100 + i));
    before = counts().fetched;
    for (unsigned i = 0; i < LOCKED; i++)
        look("R16", i * 3, first(i * 3));
    EXPECT("R15", counts().fetched - before, LOCKED,
           "touching the 6 pages, which are locked no more, after 48 touches of others: pages "
           "fetched");
    for (unsigned i = 0; i < CAN; i++)
        NEED(mlock((void *)word(120 + i), PAGE) == 0);
    lab_now("touching a page when all that can be there are locked");
    look("R15", 200, first(200));
    for (unsigned i = 0; i < CAN; i++)
        NEED(munlock((void *)word(120 + i), PAGE) == 0);
    close_lender();
}

/* ---- R16: clusters come and go ---- */

enum { CHURN = 48 };

/* Reads and writes pages of the file, which hold what *last says. */
static void churn_some(uint64_t *last, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        unsigned k = lab_below(CHURN);
        look("R16", k, last[k]);
        if (lab_below(3) == 0)
            *word(k) = last[k] = lab_random();
    }
}

/* A file on the disk of memory, that becomes shorter and goes while it is mapped. */
static void come_and_go(void)
{
    enum { LENGTH = 5 * CLUSTER * PAGE };
    int fd = open("/tmp/goes", O_RDWR | O_CREAT | O_TRUNC, 0600);
    NEED(fd >= 0 && ftruncate(fd, LENGTH) == 0);
    char *a = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(a != MAP_FAILED);
    for (unsigned i = 0; i < LENGTH; i += PAGE)
        a[i] = 1;
    NEED(ftruncate(fd, lab_below(LENGTH)) == 0);
    NEED(munmap(a, LENGTH) == 0 && unlink("/tmp/goes") == 0);
    close(fd);
}

static void churn(void)
{
    static uint64_t last[CHURN];
    for (unsigned round = 0; round < 3; round++) {
        open_lender(9 + 5 * round);
        for (unsigned i = 0; i < CHURN; i++)
            last[i] = first(i);
        churn_some(last, 80);
        pid_t pid = fork(); /* its memory is a copy, the file is not */
        NEED(pid >= 0);
        if (!pid) {
            come_and_go();
            churn_some(last, 40);
            for (unsigned i = 0; i < CHURN; i++)
                *word(i) = i;
            _exit(0);
        }
        int status;
        NEED(waitpid(pid, &status, 0) == pid);
        if (status)
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
        for (unsigned i = 0; i < CHURN; i++)
            last[i] = i;
        churn_some(last, 80);
        come_and_go();
        churn_some(last, 40);
        close_lender();
    }
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "chance", chance }, { "others", others }, { "clean", clean },
        { "locked", locked }, { "churn", churn },   { NULL, NULL },
    };
    seed = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    return lab_main(argc, argv, tests);
}
