/* MAP_GROWSDOWN: memory that grows down to where it is touched, as far as its neighbours and the
 * limit for stacks let it. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>
#include <sys/resource.h>

enum {
    PAGE = 4096,
    GUARD = 256 * PAGE,
    ROOM = 64 * 1024 * 1024,
    READ_WRITE = PROT_READ | PROT_WRITE
};

static char *room; /* ROOM bytes of unmapped memory */

static char *at(long page) { return room + ROOM + page * PAGE; }

static void *map(long page, long pages, int protection, int flags)
{
    return mmap(at(page), pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags,
                -1, 0);
}

/* How a process ends that touches a page of the room; the first number of a page is the distance
 * from its end. */
static void touch(const char *what, long page, int writes)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        volatile char *p = at(page);
        if (writes)
            p[5] = 1;
        _exit(p[5] + 3);
    }
    waitpid(pid, &status, 0);
    show_status(what, status);
}

static void again(void) { munmap(room, ROOM); }

static void alone(void)
{
    map(-4, 4, READ_WRITE, MAP_GROWSDOWN);
    touch("its own page", -1, 1);
    touch("the page below", -5, 1);
    touch("the page below, read", -5, 0);
    touch("a thousand pages below", -1004, 1);
    touch("7 MiB below", -7 * 256, 1);
    touch("as far as the limit", -2048, 1);
    touch("further", -2049, 1);
    touch("above", 0, 1);
    setrlimit(RLIMIT_STACK, &(struct rlimit){ 64 * PAGE, RLIM_INFINITY });
    touch("as far as a small limit", -64, 1);
    touch("further than that", -65, 1);
    setrlimit(RLIMIT_STACK, &(struct rlimit){ 8 << 20, RLIM_INFINITY });
    mprotect(at(-4), 4 * PAGE, PROT_READ);
    touch("read-only, read", -10, 0);
    touch("read-only, written", -10, 1);
    again();
}

static void neighbours(void)
{
    static const struct {
        const char *what;
        int protection, flags;
    } below[] = { { "memory", READ_WRITE, 0 },
                  { "what may not be touched", PROT_NONE, 0 },
                  { "what grows as well", READ_WRITE, MAP_GROWSDOWN } };
    for (unsigned i = 0; i < 3; i++) {
        SAY("below is %s", below[i].what);
        map(-4, 4, READ_WRITE, MAP_GROWSDOWN);
        map(-1004, 4, below[i].protection, below[i].flags);
        touch("257 pages off", -1000 + 257, 1);
        touch("256 pages off", -1000 + 256, 1);
        touch("255 pages off", -1000 + 255, 1);
        touch("beside it", -1000, 1);
        again();
    }
}

static void calls(void)
{
    int ends[2];
    map(-4, 4, READ_WRITE, MAP_GROWSDOWN);
    SHOW(pipe(ends));
    SHOW(write(ends[1], "abc", 3));
    SHOW(read(ends[0], at(-300), 3));
    SHOW(at(-300)[1]);
    SHOW(read(ends[0], at(-4000), 0));
    SHOW(write(ends[1], at(-4000), 1));
    SHOW(mprotect(at(-300), PAGE, PROT_READ | PROT_GROWSDOWN));
    SHOW(mprotect(at(-2), PAGE, PROT_READ | PROT_GROWSDOWN));
    touch("protected from its start on", -200, 1);
    touch("but not above", -1, 1);
    again();
    map(-4, 4, READ_WRITE, 0);
    SHOW(mprotect(at(-2), PAGE, PROT_READ | PROT_GROWSDOWN));
    SHOW(mprotect(at(-2), PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP));
    SHOW(mprotect(at(-2), PAGE, PROT_READ | PROT_GROWSUP));
    SHOW(mprotect(at(-40), PAGE, PROT_READ | PROT_GROWSDOWN));
    SHOW(mprotect(at(-2), PAGE, PROT_READ | 16));
    again();
    int file = open("/proc/self/exe", O_RDONLY);
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, file, 0) == MAP_FAILED);
    SHOW(mmap(NULL, PAGE, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0) ==
         MAP_FAILED);
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
                                                                                               : 0);
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, file, 0) == MAP_FAILED ? -1
                                                                                            : 0);
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_NORESERVE | MAP_POPULATE, file, 0) ==
                 MAP_FAILED
             ? -1
             : 0);
}

/* Nothing is placed where it could not grow any more. */
static void placed(void)
{
    map(-4, 4, READ_WRITE, MAP_GROWSDOWN);
    char *near = mmap(at(-100), PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(near == at(-100));
    char *far = mmap(at(-4) - GUARD - PAGE, PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(far == at(-4) - GUARD - PAGE);
    munmap(far, PAGE);
    munmap(near, PAGE);
    char *own = mmap(NULL, PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
    for (int i = 0; i < 50; i++) {
        char *p = mmap(NULL, PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p < own && p + PAGE > own - GUARD)
            SAY("mapping %d lies in the way", i);
    }
    again();
}

int main(void)
{
    setrlimit(RLIMIT_STACK, &(struct rlimit){ 8 << 20, RLIM_INFINITY });
    room = mmap(NULL, ROOM + GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    again();
    alone();
    neighbours();
    calls();
    placed();
    return 0;
}
