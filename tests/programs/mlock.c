/* mlock and its family: ranges, holes, limits, what is counted, what becomes of locked memory. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { PAGE = 4096, PAGES = 16 };

/* VmLck of this process, in KiB; -1: not told. */
static long locked(void)
{
    char text[4096] = "";
    int fd = open("/proc/self/status", O_RDONLY);
    read(fd, text, sizeof text - 1);
    close(fd);
    char *at = strstr(text, "VmLck:");
    return at ? atol(at + 6) : -1;
}

static unsigned resident(void *at, unsigned pages)
{
    unsigned char there[PAGES];
    unsigned n = 0;
    mincore(at, pages * PAGE, there);
    for (unsigned i = 0; i < pages; i++)
        n += there[i] & 1;
    return n;
}

static char *map(int protection, int flags)
{
    return mmap(NULL, PAGES * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void ranges(void)
{
    char *at = map(PROT_READ | PROT_WRITE, 0);
    SHOW(locked());
    SHOW(mlock(at + 100, PAGE));
    SHOW(locked());
    SHOW(resident(at, 2));
    SHOW(mlock(at, 3 * PAGE));
    SHOW(locked());
    SHOW(munlock(at + PAGE, 1));
    SHOW(locked());
    SHOW(mlock(at, 0));
    SHOW(munlock(at, PAGES * PAGE));
    SHOW(locked());
    SHOW(munmap(at + 4 * PAGE, PAGE));
    SHOW(mlock(at + 2 * PAGE, 4 * PAGE));
    SHOW(locked());
    SHOW(munlock(at + 2 * PAGE, 4 * PAGE));
    SHOW(mlock(at + 4 * PAGE, PAGE));
    SHOW(mlock(at + 14 * PAGE, 64 * PAGE));
    SHOW(locked());
    SHOW(munlock(at, 4 * PAGE));
    SHOW(mlock((void *)-PAGE, 2 * PAGE));
    SHOW(munlock((void *)-PAGE, 2 * PAGE));
    SHOW(munmap(at, PAGES * PAGE));
    SHOW(locked());
}

static void kinds(void)
{
    char *none = map(PROT_NONE, 0), *reader = map(PROT_READ, 0), *at = map(PROT_WRITE, 0);
    SHOW(mlock(none, PAGE));
    SHOW(mlock(reader, 2 * PAGE));
    SHOW(resident(reader, 2));
    SHOW(locked());
    SHOW(syscall(SYS_mlock2, at, 4 * PAGE, 1));
    SHOW(locked());
    at[0] = 1;
    SHOW(syscall(SYS_mlock2, at, PAGE, 2));
    SHOW(syscall(SYS_mlock2, at + 4 * PAGE, PAGE, 0));
    SHOW(resident(at + 4 * PAGE, 1));
    SHOW(madvise(at, PAGE, MADV_DONTNEED));
    SHOW(msync(at, PAGE, MS_INVALIDATE));
    SHOW(mprotect(at, PAGE, PROT_READ));
    SHOW(locked());
    SHOW(at[0]);
    SHOW(munlockall());
    SHOW(locked());
    SHOW(madvise(at, PAGE, MADV_DONTNEED));
    munmap(none, PAGES * PAGE);
    munmap(reader, PAGES * PAGE);
    munmap(at, PAGES * PAGE);
    at = map(PROT_READ | PROT_WRITE, MAP_LOCKED);
    SHOW(locked());
    SHOW(resident(at, PAGES));
    at = mremap(at, PAGES * PAGE, 4 * PAGES * PAGE, MREMAP_MAYMOVE);
    SHOW(locked());
    SHOW(resident(at + 2 * PAGES * PAGE, PAGES));
    if (!fork()) {
        SHOW(locked());
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    SHOW(munmap(at, 4 * PAGES * PAGE));
    SHOW(locked());
}

static void all(void)
{
    SHOW(mlockall(0));
    SHOW(mlockall(4));
    SHOW(mlockall(8 | MCL_CURRENT));
    SHOW(mlockall(MCL_FUTURE));
    char *at = map(PROT_READ | PROT_WRITE, 0);
    SHOW(locked());
    SHOW(resident(at, PAGES));
    SHOW(mlockall(MCL_FUTURE | 4));
    char *later = map(PROT_READ | PROT_WRITE, 0);
    SHOW(locked());
    SHOW(mlockall(MCL_CURRENT));
    SHOW(locked() > 128);
    SHOW(resident(later, PAGES));
    munmap(at, PAGES * PAGE);
    at = map(PROT_READ | PROT_WRITE, 0);
    SHOW(munlockall());
    SHOW(locked());
    munmap(at, PAGES * PAGE);
    munmap(later, PAGES * PAGE);
}

/* As a user: within RLIMIT_MEMLOCK. */
static void limits(void)
{
    struct rlimit four = { 4 * PAGE + 100, 4 * PAGE + 100 }, none = { 0, 0 };
    char *at = map(PROT_READ | PROT_WRITE, 0);
    setrlimit(RLIMIT_MEMLOCK, &four);
    setuid(1000);
    SHOW(mlock(at, 5 * PAGE));
    SHOW(mlock(at, 4 * PAGE));
    SHOW(mlock(at + PAGE, 3 * PAGE));
    SHOW(mlock(at + PAGE, 4 * PAGE));
    SHOW(locked());
    SHOW((long)map(PROT_READ, MAP_LOCKED));
    SHOW(mlockall(MCL_CURRENT));
    SHOW(mlockall(MCL_FUTURE));
    SHOW((long)map(PROT_READ, 0));
    SHOW(munlock(at, 2 * PAGE));
    SHOW(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    SHOW(sbrk(8 * PAGE) == (void *)-1);
    SHOW(munlockall());
    setrlimit(RLIMIT_MEMLOCK, &none);
    SHOW(mlock(at, PAGE));
    SHOW(mlock(at, 0));
    SHOW(mlockall(MCL_CURRENT));
    SHOW(munlock(at, PAGE));
    SHOW((long)map(PROT_READ, MAP_LOCKED));
}

int main(void)
{
    ranges();
    kinds();
    all();
    limits();
    return 0;
}
