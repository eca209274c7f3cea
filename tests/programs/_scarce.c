/* scarce WHAT: uid 1000 takes all of something that the kernel or PM has for programs, and then
 * does what needs a little more of it. Prints how that ended. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { USER = 1000, PAGE = 4096 };

static void nobody(void)
{
    if (setgid(USER) || setuid(USER))
        exit(9);
}

/* ---- mappings that move to where no page table is, and there is no memory for one ---- */

enum { TAKEN = 16 << 20, TIMES = 64, SPARSE = 4000, SPAN = 2 << 20, LARGE = 12 << 20, MOVES = 40 };
#define FAR     0x100000000000ul
#define FURTHER 0x300000000000ul
#define GIB     (1ul << 30)

static char *populated(void *at, size_t size, int flags)
{
    void *m = mmap(at, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | flags, -1, 0);
    return m == MAP_FAILED ? NULL : m;
}

/* Pages are brought by MAP_POPULATE, which fails in silence: who touches one that is not there
 * ends.
 */
static void moves(void)
{
    static char *taken[TIMES];
    nobody();
    char *small = populated(NULL, PAGE, 0), *large = populated(NULL, LARGE, 0), *now;
    int moved = 0, refused = 0, other = 0, lost = 0;
    small[0] = 7;
    for (size_t i = 0; i < LARGE; i += PAGE)
        large[i] = 1 + i / PAGE % 100;
    for (int i = 0; i < TIMES; i++)
        taken[i] = populated(NULL, TAKEN, MAP_NORESERVE);
    for (long i = 0; i < SPARSE; i++)
        populated((void *)(FAR + i * SPAN), PAGE, MAP_FIXED_NOREPLACE);
    for (long i = 0; i < MOVES; i++) {
        char **what = i % 4 ? &small : &large;
        size_t size = i % 4 ? PAGE : LARGE;
        now = mremap(*what, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(FURTHER + i * GIB));
        if (now != MAP_FAILED)
            *what = now, moved++;
        else if (errno == ENOMEM)
            refused++;
        else
            other++;
    }
    munmap((void *)FAR, (size_t)SPARSE * SPAN);
    for (int i = 0; i < TIMES; i++)
        if (taken[i])
            munmap(taken[i], TAKEN);
    lost += small[0] != 7;
    for (size_t i = 0; i < LARGE; i += PAGE)
        lost += large[i] != (char)(1 + i / PAGE % 100);
    SAY("%s, other errors: %d, lost: %d",
        refused ? "refused"
        : moved ? "moved"
                : "neither",
        other, lost);
}

/* ---- a table of descriptors that two processes share, and an exec that is to part them ---- */

enum { OWN = 4000, HELPERS = 24, TRIES = 10 };

static void limit_raise(void)
{
    struct rlimit l;
    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
}

/* Takes all that the kernel has for open files, and what comes back. */
static void take_on(void)
{
    for (int fd = 3; fd < OWN + 3; fd++)
        close(fd);
    for (;;)
        if (open("/dev/null", O_RDONLY) < 0)
            usleep(1000);
}

static void parted(void)
{
    pid_t helpers[HELPERS];
    int shared = 0, last = -1, status;
    nobody();
    limit_raise();
    for (int i = 0; i < OWN; i++)
        last = dup(0);
    for (int i = 0; i < HELPERS; i++)
        if (!(helpers[i] = fork()))
            take_on();
    sleep(3);
    for (int i = 0; i < TRIES; i++, last--) {
        char number[16];
        sprintf(number, "%d", last);
        pid_t child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
        if (!child) {
            usleep(100000);
            execl("/proc/self/exe", "scarce", "closes", number, NULL);
            _exit(7);
        }
        waitpid(child, &status, 0);
        shared += WIFEXITED(status) && WEXITSTATUS(status) == 0 && fcntl(last, F_GETFD) < 0;
    }
    for (int i = 0; i < HELPERS; i++)
        if (helpers[i] > 0)
            kill(helpers[i], SIGKILL);
    while (wait(&status) > 0)
        ;
    SAY("still shared: %d", shared);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "closes"))
        return close(atoi(argv[2])) != 0;
    if (argc == 2 && !strcmp(argv[1], "moves"))
        moves();
    if (argc == 2 && !strcmp(argv[1], "parted"))
        parted();
    return argc < 2;
}
