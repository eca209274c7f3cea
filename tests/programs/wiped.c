/* MADV_WIPEONFORK and MADV_KEEPONFORK. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sys/mman.h>

enum { PAGE = 4096, PAGES = 6 };

static char *mapped(int flags)
{
    return mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

static void show(const char *who, const char *m)
{
    printf("%s:", who);
    for (int i = 0; i < PAGES; i++)
        printf(" %d", m[i * PAGE]);
    putchar('\n');
    fflush(stdout);
}

static void forks(char *m)
{
    for (int i = 0; i < PAGES; i++)
        m[i * PAGE] = i + 1;
    pid_t pid = fork();
    if (!pid) {
        show("child", m);
        m[PAGE] = 9;
        if (!fork()) { /* it is handed on */
            show("grandchild", m);
            _exit(0);
        }
        wait(NULL);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    show("parent", m);
}

int main(void)
{
    char *m = mapped(MAP_PRIVATE), *shared = mapped(MAP_SHARED);
    SHOW(madvise(m + PAGE, 3 * PAGE, MADV_WIPEONFORK));
    forks(m);
    SHOW(madvise(m + 2 * PAGE, PAGE, MADV_KEEPONFORK));
    forks(m);
    SHOW(madvise(m, PAGES * PAGE, MADV_WIPEONFORK));
    forks(m);
    SHOW(madvise(m, PAGES * PAGE, MADV_KEEPONFORK));
    forks(m);
    SHOW(madvise(shared, PAGE, MADV_WIPEONFORK));
    SHOW(madvise(shared, PAGE, MADV_KEEPONFORK));
    SHOW(madvise(m + 1, PAGE, MADV_WIPEONFORK));
    int fd = open("/proc/self/exe", O_RDONLY);
    char *file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SHOW(madvise(file, PAGE, MADV_WIPEONFORK));
    munmap(m + PAGE, PAGE);
    SHOW(madvise(m, 3 * PAGE, MADV_WIPEONFORK));
    return 0;
}
