/* madvise: what it does at once, and what it says of memory that it means nothing for. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>

enum { PAGE = 4096, PAGES = 8, PROT_BOTH = PROT_READ | PROT_WRITE };
enum { POPULATE_READ = 22, POPULATE_WRITE, DONTNEED_LOCKED };

static char *map(int protection, int flags, int fd)
{
    return mmap(NULL, PAGES * PAGE, protection, flags, fd, 0);
}

static char *fresh(void) { return map(PROT_BOTH, MAP_PRIVATE | MAP_ANONYMOUS, -1); }

static int resident(char *at, int pages)
{
    unsigned char there[PAGES];
    int n = 0;
    if (mincore(at, pages * PAGE, there))
        return -1;
    for (int i = 0; i < pages; i++)
        n += there[i] & 1;
    return n;
}

static void populating(void)
{
    char *at = fresh();
    SHOW(madvise(at, PAGES * PAGE, POPULATE_READ));
    SHOW(resident(at, PAGES));
    at = fresh();
    SHOW(madvise(at, PAGES * PAGE, POPULATE_WRITE));
    SHOW(resident(at, PAGES));
    at = fresh();
    munmap(at + 3 * PAGE, PAGE);
    SHOW(madvise(at, PAGES * PAGE, POPULATE_WRITE));
    SHOW(resident(at, 3));
    SHOW(madvise(at + 3 * PAGE, PAGE, POPULATE_READ));
    mprotect(at, 3 * PAGE, PROT_READ);
    SHOW(madvise(at, 3 * PAGE, POPULATE_READ));
    SHOW(madvise(at, 3 * PAGE, POPULATE_WRITE));
    mprotect(at, 3 * PAGE, PROT_NONE);
    SHOW(madvise(at, 3 * PAGE, POPULATE_READ));
    SHOW(madvise(at, 3 * PAGE, POPULATE_WRITE));
    SHOW(madvise(at, 0, POPULATE_READ));
    SHOW(madvise(at + 1, PAGE, POPULATE_READ));
    int fd = open("populated", O_CREAT | O_RDWR, 0600);
    (void)!ftruncate(fd, 2 * PAGE);
    at = map(PROT_BOTH, MAP_SHARED, fd);
    SHOW(madvise(at, 2 * PAGE, POPULATE_READ));
    SHOW(madvise(at, 2 * PAGE, POPULATE_WRITE));
    SHOW(madvise(at, 3 * PAGE, POPULATE_READ));
    SHOW(madvise(at + 2 * PAGE, PAGE, POPULATE_WRITE));
    close(fd);
    unlink("populated");
}

/* What a child finds of some pages: their first bytes, `-`: no page. */
static void child_has(const char *when, const char *at, int pages)
{
    if (!fork()) {
        char found[PAGES + 1] = "";
        int p[2];
        (void)!pipe(p);
        for (int i = 0; i < pages; i++)
            found[i] = write(p[1], at + i * PAGE, 1) != 1 ? '-' : at[i * PAGE] ? at[i * PAGE] : '0';
        SAY("%s: %s", when, found);
        _exit(0);
    }
    wait(NULL);
}

static void children(void)
{
    char *at = fresh();
    for (int i = 0; i < PAGES; i++)
        at[i * PAGE] = 'a' + i;
    child_has("all", at, PAGES);
    SHOW(madvise(at + 2 * PAGE, 3 * PAGE, MADV_DONTFORK));
    child_has("without three", at, PAGES);
    SHOW(madvise(at + 3 * PAGE, PAGE, MADV_DOFORK));
    SHOW(madvise(at + 6 * PAGE, PAGE, MADV_WIPEONFORK));
    child_has("without two, one wiped", at, PAGES);
    at[3 * PAGE] = 'X';
    child_has("changed", at, PAGES);
    SAY("the parent has %c%c%c", at[2 * PAGE], at[3 * PAGE], at[6 * PAGE]);
    if (!fork()) { /* its children are without them as well, and may map something there */
        child_has("a child's child", at, PAGES);
        SHOW(mmap(at + 2 * PAGE, PAGE, PROT_BOTH, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                  -1, 0) == at + 2 * PAGE);
        at[2 * PAGE] = 'n';
        child_has("a child's child", at, PAGES);
        _exit(0);
    }
    wait(NULL);
    char *shared = map(PROT_BOTH, MAP_SHARED | MAP_ANONYMOUS, -1);
    shared[0] = 's';
    SHOW(madvise(shared, PAGE, MADV_DONTFORK));
    child_has("shared", shared, 2);
    SHOW(madvise(shared, PAGE, MADV_DOFORK));
    child_has("shared", shared, 2);
    SHOW(madvise((void *)PAGE, PAGE, MADV_DONTFORK));
}

static void removing(void)
{
    int fd = open("removed", O_CREAT | O_RDWR, 0600), only = open("removed", O_RDONLY);
    char byte = 'x';
    (void)!ftruncate(fd, PAGES * PAGE);
    char *file = map(PROT_BOTH, MAP_SHARED, fd), *copy = map(PROT_BOTH, MAP_PRIVATE, fd);
    for (int i = 0; i < PAGES; i++)
        file[i * PAGE] = 'a' + i;
    SHOW(madvise(file + PAGE, 2 * PAGE, MADV_REMOVE));
    SAY("%c%d%d%c", file[0], file[PAGE], file[2 * PAGE], file[3 * PAGE]);
    SHOW(pread(fd, &byte, 1, PAGE));
    SAY("read %d", byte);
    file[PAGE] = 'n';
    SHOW(pread(fd, &byte, 1, PAGE));
    SAY("read %c", byte);
    SHOW(madvise(copy, PAGE, MADV_REMOVE));
    SHOW(madvise(map(PROT_READ, MAP_SHARED, only), PAGE, MADV_REMOVE));
    char *shared = map(PROT_BOTH, MAP_SHARED | MAP_ANONYMOUS, -1), *own = fresh();
    for (int i = 0; i < PAGES; i++)
        shared[i * PAGE] = 'a' + i;
    child_has("shared", shared, PAGES);
    SHOW(madvise(shared + PAGE, 5 * PAGE, MADV_REMOVE));
    child_has("shared", shared, PAGES);
    shared[2 * PAGE] = 'w';
    child_has("shared", shared, PAGES);
    SHOW(madvise(own, PAGE, MADV_REMOVE));
    SHOW(mlock(shared, PAGE));
    SHOW(madvise(shared, PAGE, MADV_REMOVE));
    munlock(shared, PAGE);
    munmap(shared + PAGE, PAGE);
    SHOW(madvise(shared, 3 * PAGE, MADV_REMOVE));
    SAY("%d %d", shared[0], shared[2 * PAGE]);
    close(fd), close(only);
    unlink("removed");
}

static void refused(void)
{
    char *own = fresh(), *shared = map(PROT_BOTH, MAP_SHARED | MAP_ANONYMOUS, -1);
    int fd = open("refused", O_CREAT | O_RDWR, 0600);
    (void)!ftruncate(fd, PAGE);
    char *copy = map(PROT_BOTH, MAP_PRIVATE, fd);
    SHOW(madvise(own, PAGE, MADV_FREE));
    SHOW(madvise(shared, PAGE, MADV_FREE));
    SHOW(madvise(copy, PAGE, MADV_FREE));
    SHOW(madvise(own, PAGE, MADV_COLD));
    SHOW(madvise(shared, PAGE, MADV_PAGEOUT));
    own[0] = 'o';
    SHOW(mlock(own, PAGE));
    SHOW(madvise(own, PAGE, MADV_FREE));
    SHOW(madvise(own, PAGE, MADV_COLD));
    SHOW(madvise(own, PAGE, MADV_PAGEOUT));
    SHOW(madvise(own, PAGE, MADV_DONTNEED));
    SAY("%c", own[0]);
    SHOW(madvise(own, PAGE, DONTNEED_LOCKED));
    SAY("%d", own[0]);
    munlock(own, PAGE);
    SHOW(madvise(own, PAGE, MADV_DONTDUMP));
    SHOW(madvise(own, PAGE, MADV_DODUMP));
    SHOW(madvise(own, 0, 5));
    SHOW(madvise(own, PAGE, 26));
    SHOW(madvise(own, PAGE, -1));
    close(fd);
    unlink("refused");
}

int main(void)
{
    populating();
    children();
    removing();
    refused();
    return 0;
}
