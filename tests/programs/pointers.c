/* Wild pointers in every argument that takes one: the result of each kind. The only effect may be
 * an error. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

enum { PAGE = 4096 };
#define P 0x5050505050l /* stands for the pointer in the table */

static struct stat st;
static struct timespec soon = { 0, 1000 };
static struct timeval at_once;
static struct pollfd one_fd;
static struct itimerval no_timer;
static uint64_t set, word;
static char text[256];
static struct iovec vector;
static char *no_words[1];

enum { DIR = 100, FILE_FD, ZERO_FD, READ_END, WRITE_END };
enum {
    IN = 1,       /* only read by the call: a page that is read-only does */
    NOT_NULL = 2, /* NULL would wait, or end the program */
    /* the call uses the part of a buffer that is there: not tested with a buffer that is half there
     */
    PARTLY = 4,
    VECTOR = 8, /* the pointer goes into `vector` */
};

static const struct {
    const char *what;
    long number, a[6];
    int flags;
} calls[] = {
    { "read", SYS_read, { ZERO_FD, P, 100 }, PARTLY },
    { "read of a file", SYS_read, { FILE_FD, P, 100 }, PARTLY },
    { "write to a file", SYS_write, { FILE_FD, P, 100 }, IN | PARTLY },
    { "write to a pipe", SYS_write, { WRITE_END, P, 100 }, IN | PARTLY },
    { "pread", SYS_pread64, { FILE_FD, P, 100, 0 }, PARTLY },
    { "pwrite", SYS_pwrite64, { FILE_FD, P, 100, 0 }, IN | PARTLY },
    { "readv: the array", SYS_readv, { ZERO_FD, P, 2 }, IN },
    { "writev: the array", SYS_writev, { FILE_FD, P, 2 }, IN },
    { "readv: a buffer", SYS_readv, { ZERO_FD, (long)&vector, 1 }, VECTOR | PARTLY },
    { "writev: a buffer", SYS_writev, { FILE_FD, (long)&vector, 1 }, VECTOR | PARTLY | IN },
    { "open", SYS_open, { P, O_RDONLY }, IN },
    { "openat", SYS_openat, { AT_FDCWD, P, O_RDONLY }, IN },
    { "stat: path", SYS_stat, { P, (long)&st }, IN },
    { "stat: result", SYS_stat, { (long)"/", P }, 0 },
    { "lstat: result", SYS_lstat, { (long)"/", P }, 0 },
    { "fstat", SYS_fstat, { FILE_FD, P }, 0 },
    { "fstat of a pipe", SYS_fstat, { READ_END, P }, 0 },
    { "fstatat: path", SYS_newfstatat, { AT_FDCWD, P, (long)&st, 0 }, IN },
    { "fstatat: result", SYS_newfstatat, { AT_FDCWD, (long)"/", P, 0 }, 0 },
    { "poll", SYS_poll, { P, 1, 0 }, 0 },
    { "ppoll: time", SYS_ppoll, { (long)&one_fd, 0, P, 0, 8 }, IN | NOT_NULL },
    { "ppoll: mask", SYS_ppoll, { (long)&one_fd, 0, (long)&soon, P, 8 }, IN },
    { "select: set", SYS_select, { 64, P, 0, 0, (long)&at_once }, 0 },
    { "select: time", SYS_select, { 0, 0, 0, 0, P }, NOT_NULL | IN },
    { "pselect: time", SYS_pselect6, { 0, 0, 0, 0, P, 0 }, NOT_NULL | IN },
    { "sigaction: new", SYS_rt_sigaction, { SIGUSR1, P, 0, 8 }, IN },
    { "sigaction: old", SYS_rt_sigaction, { SIGUSR1, 0, P, 8 }, 0 },
    { "sigprocmask: new", SYS_rt_sigprocmask, { SIG_BLOCK, P, 0, 8 }, IN },
    { "sigprocmask: old", SYS_rt_sigprocmask, { SIG_BLOCK, 0, P, 8 }, 0 },
    { "sigpending", SYS_rt_sigpending, { P, 8 }, 0 },
    { "sigtimedwait: set", SYS_rt_sigtimedwait, { P, 0, (long)&soon, 8 }, IN },
    { "sigtimedwait: time", SYS_rt_sigtimedwait, { (long)&set, 0, P, 8 }, IN | NOT_NULL },
    { "sigaltstack: new", SYS_sigaltstack, { P, 0 }, IN },
    { "sigaltstack: old", SYS_sigaltstack, { 0, P }, 0 },
    { "ioctl", SYS_ioctl, { READ_END, 0x541b, P }, 0 },
    { "access", SYS_access, { P, R_OK }, IN },
    { "pipe", SYS_pipe, { P }, NOT_NULL },
    { "nanosleep", SYS_nanosleep, { P, 0 }, IN },
    { "clock_nanosleep", SYS_clock_nanosleep, { 0, 0, P, 0 }, IN },
    { "getitimer", SYS_getitimer, { 0, P }, 0 },
    { "setitimer: new", SYS_setitimer, { 0, P, 0 }, IN },
    { "setitimer: old", SYS_setitimer, { 0, (long)&no_timer, P }, 0 },
    { "uname", SYS_uname, { P }, 0 },
    { "fcntl: lock", SYS_fcntl, { FILE_FD, F_GETLK, P }, 0 },
    { "getcwd", SYS_getcwd, { P, 100 }, PARTLY },
    { "chdir", SYS_chdir, { P }, IN },
    { "mkdir", SYS_mkdir, { P, 0700 }, IN },
    { "rmdir", SYS_rmdir, { P }, IN },
    { "creat", SYS_creat, { P, 0600 }, IN },
    { "link: old", SYS_link, { P, (long)"/nowhere/a" }, IN },
    { "link: new", SYS_link, { (long)"/", P }, IN },
    { "rename: old", SYS_rename, { P, (long)"/nowhere/a" }, IN },
    { "rename: new", SYS_rename, { (long)"/nowhere/a", P }, IN },
    { "unlink", SYS_unlink, { P }, IN },
    { "unlinkat", SYS_unlinkat, { AT_FDCWD, P, 0 }, IN },
    { "symlink: target", SYS_symlink, { P, (long)"/nowhere/a" }, IN },
    { "symlink: name", SYS_symlink, { (long)"a", P }, IN },
    { "readlink: path", SYS_readlink, { P, (long)text, sizeof text }, IN },
    { "readlink: result", SYS_readlink, { (long)"/proc/self/exe", P, 100 }, PARTLY },
    { "chmod", SYS_chmod, { P, 0600 }, IN },
    { "chown", SYS_chown, { P, -1, -1 }, IN },
    { "truncate", SYS_truncate, { P, 0 }, IN },
    { "utimensat: path", SYS_utimensat, { AT_FDCWD, P, 0, 0 }, IN | NOT_NULL },
    { "utimensat: times", SYS_utimensat, { FILE_FD, 0, P, 0 }, IN },
    { "statfs: path", SYS_statfs, { P, (long)text }, IN },
    { "statfs: result", SYS_statfs, { (long)"/", P }, 0 },
    { "fstatfs", SYS_fstatfs, { FILE_FD, P }, 0 },
    { "gettimeofday", SYS_gettimeofday, { P, 0 }, 0 },
    { "clock_gettime", SYS_clock_gettime, { CLOCK_MONOTONIC, P }, 0 },
    { "clock_gettime of a process", SYS_clock_gettime, { -6 /* its own */, P }, 0 },
    { "clock_getres", SYS_clock_getres, { CLOCK_MONOTONIC, P }, 0 },
    { "times", SYS_times, { P }, NOT_NULL },
    { "getrlimit", SYS_getrlimit, { RLIMIT_NOFILE, P }, 0 },
    { "setrlimit", SYS_setrlimit, { RLIMIT_CORE, P }, IN },
    { "prlimit: new", SYS_prlimit64, { 0, RLIMIT_CORE, P, 0 }, IN },
    { "prlimit: old", SYS_prlimit64, { 0, RLIMIT_CORE, 0, P }, 0 },
    { "getrusage", SYS_getrusage, { RUSAGE_SELF, P }, 0 },
    { "sysinfo", SYS_sysinfo, { P }, 0 },
    { "getresuid: first", SYS_getresuid, { P, (long)&word, (long)&word }, 0 },
    { "getresuid: last", SYS_getresuid, { (long)&word, (long)&word, P }, 0 },
    { "futex wait", SYS_futex, { P, 0, 12345, (long)&soon }, IN },
    { "futex time", SYS_futex, { (long)&word, 0, 0, P }, NOT_NULL | IN },
    { "getdents", SYS_getdents64, { DIR, P, 1000 }, PARTLY },
    { "getrandom", SYS_getrandom, { P, 100, 0 }, PARTLY },
    { "sendfile: position", SYS_sendfile, { WRITE_END, FILE_FD, P, 10 }, NOT_NULL },
    { "mincore", SYS_mincore, { 0x20000000, PAGE, P }, PARTLY },
    { "execve: path", SYS_execve, { P, (long)no_words, (long)no_words }, IN },
    { "execve: arguments", SYS_execve, { (long)"/bin/true", P, (long)no_words }, IN | NOT_NULL },
    { "execve: environment", SYS_execve, { (long)"/bin/true", (long)no_words, P }, IN | NOT_NULL },
    { "timer_create: event", SYS_timer_create, { CLOCK_MONOTONIC, P, (long)&word }, IN | NOT_NULL },
    { "timer_create: id", SYS_timer_create, { CLOCK_MONOTONIC, 0, P }, 0 },
    { "rt_sigqueueinfo", SYS_rt_sigqueueinfo, { -1, SIGUSR1, P }, IN },
    { "sigsuspend", SYS_rt_sigsuspend, { P, 8 }, IN },
    { "sched_setparam", SYS_sched_setparam, { 0, P }, IN | NOT_NULL },
};

static const struct {
    const char *name;
    uint64_t at;
    int but;
} kinds[] = {
    { "null", 0, NOT_NULL },
    { "first page", 0x10, 0 },
    { "unmapped", 0x20001000, 0 },
    { "none", 0x20003000, 0 },
    { "read-only", 0x20005000, IN },
    { "end", 0x20001000 - 1, PARTLY },
    { "last", 0x7fffffffeff8, 0 },
    { "hole", 0x800000000000, 0 },
    { "kernel", 0xffff800000100000, 0 },
    { "top", -1ul, 0 },
};

static void place(uint64_t at, int protection)
{
    if (mmap((void *)at, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED)
        perror("mmap"), exit(1);
}

static void descriptor(int fd, int as)
{
    if (fd < 0 || dup2(fd, as) < 0)
        perror("descriptor"), exit(1);
    close(fd);
}

static void prepare(void)
{
    int ends[2];
    place(0x20000000, PROT_READ | PROT_WRITE);
    place(0x20003000, PROT_NONE);
    place(0x20005000, PROT_READ);
    FILE *f = tmpfile();
    for (int i = 0; i < 200; i++)
        putc('a', f);
    fflush(f);
    descriptor(dup(fileno(f)), FILE_FD);
    descriptor(open("/", O_RDONLY), DIR);
    descriptor(open("/dev/zero", O_RDWR), ZERO_FD);
    if (pipe(ends) < 0)
        exit(1);
    descriptor(ends[0], READ_END);
    descriptor(ends[1], WRITE_END);
    fcntl(WRITE_END, F_SETFL, O_NONBLOCK);
}

int main(void)
{
    prepare();
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        printf("%s:", calls[i].what);
        for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            long a[6];
            if (kinds[k].but & calls[i].flags)
                continue;
            memset((void *)0x20000000, 'x', PAGE); /* a path here has no end */
            lseek(FILE_FD, 0, SEEK_SET);
            lseek(DIR, 0, SEEK_SET);
            for (int n = 0; n < 6; n++)
                a[n] = calls[i].a[n] == P ? (long)kinds[k].at : calls[i].a[n];
            if (calls[i].flags & VECTOR)
                vector = (struct iovec){ (void *)kinds[k].at, 100 };
            fflush(stdout);
            errno = 0;
            syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
            printf(" %s %s", kinds[k].name, error_name(errno));
        }
        putchar('\n');
    }
    return 0;
}
