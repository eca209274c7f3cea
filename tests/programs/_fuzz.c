/* fuzz SEED CALLS [show]: random system calls with random arguments, made by children that may die of them. Nothing may
 * happen to the system. The sequence depends on the seed alone, so that what went wrong can be done again; `show` prints
 * each call before it is made. Started as root, children of odd number give that up. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEMORY = 64 * 4096, CALLS_END = 460, PATIENCE = 30 /* milliseconds without progress */ };

static char *memory;                         /* what pointers often point to */
static volatile unsigned long *done;         /* calls so far, shared with the children */
static int show;

static uint64_t state;
static uint64_t next(void)                   /* xorshift64 */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t argument(void)
{
    static const char *const paths[] = { "/tmp/fuzz/a", "/tmp/fuzz/b", "/tmp/fuzz", "/dev/null", "/dev/zero", "/proc/self/maps", "",
                                         "/tmp/fuzz/a/../b", "/proc/1/stat", "/dev/tty", "/bin/sh", "/" };
    switch (next() % 12) {
    case 0:  return 0;
    case 1:  return next() % 16;
    case 2:  return next();
    case 3:  return -(next() % 200);
    case 4:  return (uint64_t)memory + next() % MEMORY;
    case 5:  return (uint64_t)memory + next() % MEMORY / 8 * 8;
    case 6:  return (uint64_t)memory + MEMORY - next() % 32;
    case 7:  return (uint64_t)paths[next() % (sizeof paths / sizeof paths[0])];
    case 8:  return 1ul << next() % 64;
    case 9:  return next() % 4096;
    case 10: return 0xffff800000000000ul + next() % 0x100000000;
    default: return next() % 1024 * 4096;
    }
}

/* What would end, stop or blind the run itself, or the system of whoever tries this on Linux. */
static int spared(long n)
{
    static const short no[] = {
        SYS_exit, SYS_exit_group, SYS_reboot, SYS_pause, SYS_rt_sigsuspend, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
        SYS_rt_tgsigqueueinfo, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_ptrace, SYS_umount2, SYS_mount, SYS_pivot_root,
        SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_swapon, SYS_swapoff,
        SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_acct, SYS_sync, SYS_unshare, SYS_setns,
    };
    for (unsigned i = 0; i < sizeof no / sizeof no[0]; i++)
        if (no[i] == n)
            return 1;
    return 0;
}

static _Noreturn void child(unsigned number, unsigned long calls)
{
    signal(SIGPIPE, SIG_IGN);
    if (number % 2 && (setgid(1000) < 0 || setuid(1000) < 0))
        _exit(1);
    while (*done < calls) {
        uint64_t a[6];
        long n = next() % CALLS_END;
        for (int i = 0; i < 6; i++)
            a[i] = argument();
        ++*done;
        if (spared(n))
            continue;
        if (show)
            dprintf(show, "%u: %ld(%lx, %lx, %lx, %lx, %lx, %lx)\n", number, n, a[0], a[1], a[2], a[3], a[4], a[5]);
        syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    _exit(0);
}

static void run_child(unsigned number, unsigned long calls)
{
    int ends[2];
    if (pipe(ends) < 0) {
        perror("pipe");
        exit(1);
    }
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    if (!pid) {
        setsid();
        if (show)
            show = fcntl(2, F_DUPFD, 200);
        dup2(ends[0], 0);
        dup2(open("/dev/null", O_WRONLY), 1);
        dup2(1, 2);
        child(number, calls);
    }
    close(ends[0]);
    close(ends[1]);
    unsigned long seen = *done;
    for (int waited = 0; waitpid(pid, NULL, WNOHANG) == 0; waited++) {
        usleep(1000);
        if (waited < PATIENCE)
            continue;
        if (*done == seen)
            kill(pid, SIGKILL);   /* it waits for something */
        seen = *done;
        waited = 0;
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: fuzz SEED CALLS [show]\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 0);
    unsigned long calls = strtoul(argv[2], NULL, 0);
    unsigned children = 0;
    show = argc > 3;
    memory = mmap((void *)0x10000000, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || done == MAP_FAILED)
        return 1;
    mkdir("/tmp/fuzz", 0777);
    while (*done < calls) {
        chmod("/tmp/fuzz", 0777);
        state = seed * 0x9e3779b97f4a7c15ul + ++children;
        for (int i = 0; i < 10; i++)
            next();
        run_child(children, calls);
        unlink("/tmp/fuzz/a");
        unlink("/tmp/fuzz/b");
    }
    printf("seed %lu: %lu calls, %u children\n", seed, *done, children);
    return 0;
}
