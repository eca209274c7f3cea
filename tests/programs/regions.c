/* Many regions in one space: made, found, split, joined, protected, unmapped and shared with a
 * child, ten thousand and more at a time. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>

enum { PAGE = 4096, MANY = 10200, SPAN = 2 * MANY };

static char *base;

/* Pages of the area: every other one is mapped. */
static char *page(int i) { return base + 2l * i * PAGE; }

static int lines(const char *with)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    int n = 0;
    while (f && fgets(line, sizeof line, f)) {
        unsigned long start = strtoul(line, NULL, 16);
        n += start >= (unsigned long)base && start < (unsigned long)base + (long)SPAN * PAGE &&
             strstr(line, with) != NULL;
    }
    if (f)
        fclose(f);
    return n;
}

static void show(const char *what)
{
    SAY("%s: %d regions, %d writable, %d not readable", what, lines(" "), lines(" rw-p "),
        lines(" ---p "));
}

static unsigned draw(void)
{
    static unsigned long state = 88172645463325252ul;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state >> 16;
}

/* Takes the area as one region, and makes holes in it in no order. */
static void holes(void)
{
    static int order[MANY];
    int failed = 0;
    for (int i = 0; i < MANY; i++)
        order[i] = i;
    for (int i = MANY - 1; i > 0; i--) {
        int j = draw() % (i + 1), was = order[i];
        order[i] = order[j];
        order[j] = was;
    }
    for (int i = 0; i < MANY; i++)
        failed += munmap(page(order[i]) + PAGE, PAGE) != 0;
    SAY("holes that failed: %d", failed);
}

static void touch(void)
{
    int wrong = 0;
    for (int i = 0; i < MANY; i += 10)
        *page(i) = (char)i;
    for (int i = 0; i < MANY; i += 10)
        wrong += *page(i) != (char)i;
    SAY("wrong bytes: %d", wrong);
}

/* One page fits into a hole, three fit into none. */
static void gaps(void)
{
    char *p = page(MANY / 2) + PAGE;
    SAY("exactly there: %d", mmap(p, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p);
    SHOW(munmap(p, PAGE));
    p = mmap(page(5), 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SAY("elsewhere: %d", p + 3 * PAGE <= base || p >= base + (long)SPAN * PAGE);
    SHOW(munmap(p, 3 * PAGE));
    p = mmap(page(7), 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
             0);
    SAY("in the way: %d %s", p == MAP_FAILED, error_name(errno));
}

static void child(void)
{
    pid_t p = fork();
    if (!p) {
        int wrong = 0;
        for (int i = 0; i < MANY; i += 10)
            wrong += *page(i) != (char)i;
        *page(10) = 77;
        SAY("in the child: %d regions, %d wrong bytes", lines(" "), wrong);
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(p, &status, 0);
    SAY("status %d, byte %d", status, *page(10));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* with a hole at either end, so that nothing else joins it */
    base = mmap(NULL, (SPAN + 2l) * PAGE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    munmap(base, PAGE);
    base += PAGE;
    munmap(base + (long)SPAN * PAGE, PAGE);
    show("one");
    holes();
    show("holes");
    gaps();
    SHOW(mprotect(page(0) + PAGE, 2 * PAGE, PROT_READ));
    for (int i = 1; i < MANY; i += 2)
        if (mprotect(page(i), PAGE, PROT_NONE))
            SAY("mprotect failed at %d", i);
    show("protected");
    for (int i = 0; i < MANY; i++)
        if (mmap(page(i) + PAGE, PAGE, i % 2 ? PROT_NONE : PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
            SAY("mmap failed at %d", i);
    show("filled");
    SHOW(mprotect(page(100), 2000l * PAGE, PROT_READ));
    show("one in the middle");
    SHOW(mprotect(page(0), (long)SPAN * PAGE, PROT_READ | PROT_WRITE));
    show("all the same");
    touch();
    holes();
    child();
    SHOW(munmap(page(MANY / 4), (long)MANY * PAGE));
    show("half");
    SHOW(munmap(base, (long)SPAN * PAGE));
    show("none");
    return 0;
}
