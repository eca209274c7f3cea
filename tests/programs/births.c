/* clone's thread numbers in memory: of parent and child, with pages that are shared, copied, or
 * were never touched. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static char stack[65536] __attribute__((aligned(16)));

static long born(unsigned long flags, int *parent, int *child)
{
    return syscall(SYS_clone, flags | SIGCHLD, 0, parent, child, 0);
}

static void copies(const char *pages, int *parent, int *child)
{
    pid_t pid = born(CLONE_CHILD_SETTID | CLONE_PARENT_SETTID, parent, child);
    if (!pid) {
        SAY("%s: child's number in the child %d", pages, *child == getpid());
        _exit(*parent == getpid());
    }
    int status;
    waitpid(pid, &status, 0);
    SAY("%s: parent's number in the parent %d, in the child %d; the child's in the parent %d",
        pages, *parent == pid, WEXITSTATUS(status), *child == pid);
}

static int shares(void *numbers)
{
    int *n = numbers, pid = syscall(SYS_getpid);
    return (n[0] == pid) | (n[1] == pid) << 1;
}

static int nothing(void *unused) { return unused != NULL; }

static void show_signal(const char *what)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    int sig = sigtimedwait(&set, NULL, &(struct timespec){ 20, 0 });
    SAY("%s: %s", what, sig == SIGUSR1 ? "SIGUSR1" : sig == SIGCHLD ? "SIGCHLD" : "none");
    waitpid(-1, NULL, __WALL);
}

/* A process chooses the signal of its child's end: the signal comes to that process, and not at the
 * end of another program. */
static void ends(void)
{
    int ends[2];
    char number[12];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (!syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0))
        _exit(0);
    show_signal("the same programs");
    if (!syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0))
        execl("/bin/true", "true", NULL), _exit(1);
    show_signal("the child has become another one");
    pipe(ends);
    if (!syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0))
        close(ends[1]), _exit(read(ends[0], number, 1));
    snprintf(number, sizeof number, "%d", ends[1]);
    execl("/proc/self/exe", "births", number, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        close(atoi(argv[1]));
        show_signal("the parent has become another one");
        return 0;
    }
    int *fresh = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    copies("never touched", fresh, fresh + 2048);
    copies("touched", fresh, fresh + 1);
    int *both = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = born(CLONE_CHILD_SETTID | CLONE_PARENT_SETTID, both, both + 1024);
    if (!pid)
        _exit(both[1024] == getpid());
    int status;
    waitpid(pid, &status, 0);
    SAY("shared: %d %d %d", both[0] == pid, both[1024] == pid, WEXITSTATUS(status));

    int *numbers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid = clone(shares, stack + sizeof stack,
                CLONE_VM | CLONE_CHILD_SETTID | CLONE_PARENT_SETTID | SIGCHLD, numbers, numbers,
                NULL, numbers + 1);
    waitpid(pid, &status, 0);
    SAY("one space: %d %d %d", numbers[0] == pid, numbers[1] == pid, WEXITSTATUS(status));
    numbers[1] = 7;
    pid = clone(nothing, stack + sizeof stack, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL,
                NULL, NULL, numbers + 1);
    waitpid(pid, &status, 0);
    SAY("cleared at the end: %d", numbers[1]);
    numbers[1] = 7;
    pid = clone(nothing, stack + sizeof stack,
                CLONE_VM | CLONE_VFORK | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, NULL,
                numbers + 1);
    waitpid(pid, &status, 0);
    SAY("after vfork: %d", numbers[1]);
    ends();
    return 1;
}
