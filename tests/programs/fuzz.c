/* fuzz SEED CALLS [show]: system calls at random, made by children that may die of them. Nothing
 * may happen to the system.
 *
 * Half of the calls have the shape of a real one (the table `shapes`: here is a descriptor, there a
 * path), each argument being spoilt now and then; the others have any number and any arguments. A
 * child goes on after fork in both processes. What a child does depends on the seed alone, but for
 * what time, other processes and its own threads do to it; `show` prints each call before it is
 * made. Now and then a child returns from a signal through a frame that it has spoilt, one in eight
 * first takes all that it can get of something, and one in four makes its calls in several threads
 * at once, which share descriptors and memory.
 *
 * Children work in folders of /tmp, / and /boot, which are removed after them. One in four is root,
 * locked into its folder by chroot, and spared the calls that are root's right to harm the system
 * with; the others are ordinary users, and may do whatever they can. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    MEMORY = 64 * PAGE, /* what pointers often point to */
    NUMBERS = 461,
    USER = 1000,
    PROCESSES = 24,
    CALLS_CHILD = 4000, /* of one child, its own children included */
    PATIENCE_MS = 200,  /* without a call */
    THREADS = 3,        /* of a child, beside its first */
    FIRST_FD = 3,
    FDS = 24,
};

/* f descriptor, d directory descriptor, p path, b memory, s size, i small number, x flags, o
 * offset, t time, v iovec, m page, S signal, P process, e iovec of mostly empty elements, c their
 * number, R head of a list of robust locks, h its size, H huge size, U address of a socket, u its
 * length, M struct msghdr, W several of them, B words to sleep on, F a command of fcntl, 0 zero,
 * n nothing special */
static const struct {
    short number;
    const char *arguments;
} shapes[] = {
    { SYS_read, "fbs" },
    { SYS_write, "fbs" },
    { SYS_open, "pxx" },
    { SYS_close, "f" },
    { SYS_stat, "pb" },
    { SYS_fstat, "fb" },
    { SYS_lstat, "pb" },
    { SYS_poll, "bii" },
    { SYS_lseek, "foi" },
    { SYS_mmap, "msiifo" },
    { SYS_mprotect, "msi" },
    { SYS_munmap, "ms" },
    { SYS_brk, "m" },
    { SYS_rt_sigaction, "Sbbi" },
    { SYS_rt_sigprocmask, "ibbi" },
    { SYS_ioctl, "fib" },
    { SYS_ioctl, "fTb" },
    { SYS_pread64, "fbso" },
    { SYS_pwrite64, "fbso" },
    { SYS_readv, "fvi" },
    { SYS_writev, "fvi" },
    { SYS_access, "pi" },
    { SYS_pipe, "b" },
    { SYS_select, "ibbbt" },
    { SYS_sched_yield, "" },
    { SYS_mremap, "mssim" },
    { SYS_msync, "msi" },
    { SYS_remap_file_pages, "msiii" },
    { SYS_mincore, "msb" },
    { SYS_madvise, "msi" },
    { SYS_dup, "f" },
    { SYS_dup2, "ff" },
    { SYS_nanosleep, "tb" },
    { SYS_getitimer, "ib" },
    { SYS_alarm, "i" },
    { SYS_setitimer, "ibb" },
    { SYS_sendfile, "ffbs" },
    { SYS_msgget, "ix" },
    { SYS_msgsnd, "ibix" },
    { SYS_msgrcv, "ibiix" },
    { SYS_msgctl, "iib" },
    { SYS_semget, "iix" },
    { SYS_shmget, "isx" },
    { SYS_shmat, "imx" },
    { SYS_shmdt, "m" },
    { SYS_shmctl, "iib" },
    { SYS_mq_open, "pxxb" },
    { SYS_mq_unlink, "p" },
    { SYS_mq_timedsend, "fbiit" },
    { SYS_mq_timedreceive, "fbsbt" },
    { SYS_mq_notify, "fb" },
    { SYS_mq_getsetattr, "fbb" },
    { SYS_semop, "ibi" },
    { SYS_semtimedop, "ibit" },
    { SYS_semctl, "iiib" },
    { SYS_semctl, "iiii" },
    { SYS_fork, "" },
    { SYS_wait4, "Pbib" },
    { SYS_execve, "pbb" },
    { SYS_kill, "PS" },
    { SYS_uname, "b" },
    { SYS_fcntl, "fib" },
    { SYS_fcntl, "fii" },
    { SYS_fcntl, "fFo" },
    { SYS_fcntl, "fFi" },
    { SYS_flock, "fi" },
    { SYS_fsync, "f" },
    { SYS_truncate, "po" },
    { SYS_ftruncate, "fo" },
    { SYS_getdents64, "fbs" },
    { SYS_getdents64, "dbs" },
    { SYS_getcwd, "bs" },
    { SYS_chdir, "p" },
    { SYS_fchdir, "d" },
    { SYS_rename, "pp" },
    { SYS_mkdir, "px" },
    { SYS_rmdir, "p" },
    { SYS_creat, "px" },
    { SYS_link, "pp" },
    { SYS_unlink, "p" },
    { SYS_symlink, "pp" },
    { SYS_readlink, "pbs" },
    { SYS_chmod, "px" },
    { SYS_fchmod, "fx" },
    { SYS_chown, "pii" },
    { SYS_fchown, "fii" },
    { SYS_umask, "x" },
    { SYS_gettimeofday, "bb" },
    { SYS_getrlimit, "ib" },
    { SYS_setrlimit, "ib" },
    { SYS_getrusage, "ib" },
    { SYS_sysinfo, "b" },
    { SYS_times, "b" },
    { SYS_setpgid, "PP" },
    { SYS_setsid, "" },
    { SYS_getgroups, "ib" },
    { SYS_setgroups, "ib" },
    { SYS_setresuid, "iii" },
    { SYS_getresuid, "bbb" },
    { SYS_rt_sigpending, "bi" },
    { SYS_rt_sigtimedwait, "bbti" },
    { SYS_rt_sigqueueinfo, "PSb" },
    { SYS_rt_sigsuspend, "bi" },
    { SYS_sigaltstack, "bb" },
    { SYS_mknod, "pxi" },
    { SYS_statfs, "pb" },
    { SYS_fstatfs, "fb" },
    { SYS_getpriority, "iP" },
    { SYS_setpriority, "iPi" },
    { SYS_sched_setaffinity, "Psb" },
    { SYS_sched_getaffinity, "Psb" },
    { SYS_sched_setattr, "Pbi" },
    { SYS_sched_getattr, "Pbsi" },
    { SYS_mlock, "ms" },
    { SYS_mlock2, "msi" },
    { SYS_munlock, "ms" },
    { SYS_mlockall, "i" },
    { SYS_munlockall, "" },
    { SYS_prctl, "ibbbb" },
    { SYS_capget, "bb" },
    { SYS_capset, "bb" },
    { SYS_arch_prctl, "Ab" },
    { SYS_chroot, "p" },
    { SYS_gettid, "" },
    { SYS_tkill, "PS" },
    { SYS_futex, "biitbi" },
    { SYS_set_tid_address, "b" },
    { SYS_clock_gettime, "ib" },
    { SYS_clock_nanosleep, "iitb" },
    { SYS_timer_create, "ibb" },
    { SYS_timer_settime, "iibb" },
    { SYS_timer_delete, "i" },
    { SYS_tgkill, "PPS" },
    { SYS_utimensat, "dpbx" },
    { SYS_waitid, "iPbib" },
    { SYS_openat, "dpxx" },
    { SYS_mkdirat, "dpx" },
    { SYS_newfstatat, "dpbx" },
    { SYS_unlinkat, "dpx" },
    { SYS_renameat, "dpdp" },
    { SYS_renameat2, "dpdpi" },
    { SYS_linkat, "dpdpx" },
    { SYS_symlinkat, "pdp" },
    { SYS_readlinkat, "dpbs" },
    { SYS_fchmodat, "dpx" },
    { SYS_faccessat, "dpi" },
    { SYS_pselect6, "ibbbtb" },
    { SYS_ppoll, "bitbi" },
    { SYS_set_robust_list, "bs" },
    { SYS_fallocate, "fxos" },
    { SYS_dup3, "ffx" },
    { SYS_pipe2, "bx" },
    { SYS_preadv, "fvio" },
    { SYS_pwritev, "fvio" },
    { SYS_prlimit64, "Pibb" },
    { SYS_getrandom, "bsi" },
    { SYS_copy_file_range, "fbfbsi" },
    { SYS_statx, "dpxxb" },
    { SYS_setxattr, "ppbsi" },
    { SYS_fsetxattr, "fpbsi" },
    { SYS_lgetxattr, "ppbs" },
    { SYS_fgetxattr, "fpbs" },
    { SYS_listxattr, "pbs" },
    { SYS_flistxattr, "fbs" },
    { SYS_removexattr, "pp" },
    { SYS_fremovexattr, "fp" },
    { SYS_splice, "fbfbsi" },
    { SYS_tee, "ffsi" },
    { SYS_vmsplice, "fvii" },
    { SYS_name_to_handle_at, "dpbbx" },
    { SYS_open_by_handle_at, "dbx" },
    { SYS_memfd_create, "px" },
    { SYS_fallocate, "fioo" },
    { SYS_lseek, "foi" },
    { SYS_openat2, "dpbs" },
    { SYS_execveat, "dpbbi" },
    { SYS_preadv2, "fvioix" },
    { SYS_pwritev2, "fvioix" },
    { SYS_eventfd, "i" },
    { SYS_eventfd2, "ii" },
    { SYS_inotify_init, "" },
    { SYS_inotify_init1, "i" },
    { SYS_inotify_add_watch, "fpx" },
    { SYS_inotify_rm_watch, "fi" },
    { 434 /* pidfd_open */, "Pi" },
    { 438 /* pidfd_getfd */, "ffi" },
    { SYS_kcmp, "PPiff" },
    { SYS_kcmp, "PPifb" },
    { SYS_getdents, "fbs" },
    { SYS_getdents, "dbs" },
    { SYS_ustat, "ib" },
    { SYS_sysfs, "ipb" },
    { 424 /* pidfd_send_signal */, "fSbi" },
    { SYS_epoll_create, "i" },
    { SYS_epoll_create1, "i" },
    { SYS_epoll_ctl, "fifb" },
    { SYS_epoll_wait, "fbii" },
    { SYS_epoll_pwait, "fbiibi" },
    { 441 /* epoll_pwait2 */, "fbitbi" },
    { SYS_timerfd_create, "ii" },
    { SYS_timerfd_settime, "fibb" },
    { SYS_timerfd_gettime, "fb" },
    { SYS_signalfd, "fbi" },
    { SYS_signalfd4, "fbii" },
    { SYS_socket, "iii" },
    { SYS_socketpair, "iiib" },
    { SYS_shutdown, "fi" },
    { SYS_bind, "fbi" },
    { SYS_bind, "fUu" },
    { SYS_listen, "fi" },
    { SYS_connect, "fUu" },
    { SYS_connect, "fbi" },
    { SYS_accept4, "fbbx" },
    { SYS_accept, "fnn" },
    { SYS_sendmsg, "fMx" },
    { SYS_recvmsg, "fMx" },
    { SYS_sendmmsg, "fWix" },
    { SYS_recvmmsg, "fWixt" },
    { SYS_sendto, "fbsxUu" },
    { SYS_sendto, "fbsxbi" },
    { SYS_recvfrom, "fbsxbb" },
    { SYS_sendto, "fbsnnn" },
    { SYS_getsockname, "fbb" },
    { SYS_getpeername, "fbb" },
    { SYS_getsockopt, "fiibb" },
    { SYS_setsockopt, "fiibs" },
    { SYS_epoll_create1, "i" },
    { SYS_epoll_ctl, "fifb" },
    { SYS_epoll_wait, "fbii" },
    { SYS_process_vm_readv, "Pvivii" },
    { SYS_process_vm_writev, "Pvivii" },
    { SYS_ptrace, "QPbb" },
    { SYS_ptrace, "QPSi" },
    { SYS_utime, "pb" },
    { SYS_utimes, "pb" },
    { SYS_futimesat, "dpb" },
    { SYS_fadvise64, "foii" },
    { SYS_readahead, "foi" },
    { SYS_sync_file_range, "fooi" },
    { SYS_syncfs, "f" },
    { SYS_readv, "fec" },
    { SYS_writev, "fec" },
    { SYS_preadv, "feco" },
    { SYS_set_robust_list, "Rh" },
    { 449 /* futex_waitv */, "Bi0ti" },
    { 449 /* futex_waitv */, "Bxitx" },
    { SYS_mincore, "mHb" },
    { SYS_madvise, "mHi" },
    { SYS_mremap, "msHim" },
    { SYS_msync, "mHi" },
    { SYS_getrandom, "bHi" },
    { SYS_read, "fbH" },
    { SYS_mkdirat, "dpx" },
    { SYS_clone, "xbbbb" },
    { SYS_unshare, "x" },
    { SYS_membarrier, "ii" },
    { SYS_syslog, "ibs" },
    { SYS_exit, "i" },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static const char *const paths[] = {
    "a",
    "b",
    "c/d",
    "c",
    "./a/..",
    "c/../b",
    "link",
    "pipe",
    "",
    ".",
    "..",
    "/",
    "/dev/null",
    "/dev/zero",
    "/dev/tty",
    "/dev/full",
    "/dev/ttyS0",
    "/dev/ptmx",
    "/dev/pts/0",
    "/proc/self/maps",
    "/proc/self/smaps",
    "/proc/self/smaps_rollup",
    "/proc/self/oom_score_adj",
    "/proc/self/fd",
    "/proc/self/exe",
    "/proc/1/stat",
    "/proc/minnow/threads",
    "/proc",
    "/dev",
    "/bin/sh",
    "/bin/true",
    "/tmp",
    "a_long_name_that_needs_more_than_one_directory_entry_on_a_FAT",
    "/etc/passwd",
    "/boot",
    "/proc/self/cwd/a",
    "/proc/self/fd/3",
    "user.a",
    "trusted.b",
    "security.c",
};
enum { PATHS = sizeof paths / sizeof paths[0] };
static const char *const folders[] = { "/tmp/fuzz", "/fuzz", "/boot/fuzz" };
enum { FOLDERS = sizeof folders / sizeof folders[0] };

static struct shared {
    volatile long calls; /* of this child and its children */
} * shared;
static char *memory;
static int show, is_root;

static _Thread_local uint64_t state;
static uint64_t any(void) /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dul;
}
static uint64_t below(uint64_t n) { return any() % n; }
static int one_in(unsigned n) { return below(n) == 0; }

static uint64_t pointer(void)
{
    switch (below(16)) {
    case 0: return 0;
    case 1: return 1 + below(PAGE);                         /* the page at zero */
    case 2: return 0xffff800000000000ul + below(1ul << 32); /* the kernel's */
    case 3: return 0xffffffff80000000ul + below(1ul << 24);
    case 4:
        return 0x800000000000ul + below(1ul << 48); /* nobody's */
    /* the last that a program could have */
    case 5: return 0x7fffffffe000ul + below(2 * PAGE);
    case 6: return -below(64);
    /* crosses into what is not there */
    case 7: return (uint64_t)memory + MEMORY - below(64);
    case 8: return (uint64_t)memory + MEMORY + below(16 * PAGE);
    case 9: return (uint64_t)memory + below(MEMORY / PAGE) * PAGE - below(64);
    default: return (uint64_t)memory + below(MEMORY) / 8 * 8;
    }
}

static uint64_t wild(void)
{
    switch (below(10)) {
    case 0: return 0;
    case 1: return below(16);
    case 2: return any();
    case 3: return -below(200);
    case 4: return 1ul << below(64);
    case 5: return (1ul << below(64)) - 1;
    case 6: return below(PAGE);
    case 7: return below(1024) * PAGE;
    default: return pointer();
    }
}

static uint64_t sized(void)
{
    static const uint64_t sizes[] = { 0,         1,         7,        8,    16,        128,
                                      144,       511,       512,      4095, 4096,      4097,
                                      65536,     1 << 20,   1u << 31, -1u,  1ul << 32, 1ul << 47,
                                      1ul << 62, 1ul << 63, -1ul };
    return one_in(2) ? below(3 * PAGE) : sizes[below(sizeof sizes / sizeof sizes[0])];
}

static uint64_t path(void)
{
    char *p = memory + below(MEMORY / PAGE - 2) * PAGE;
    if (one_in(16)) { /* too long */
        memset(p, one_in(2) ? 'a' : '/', 4200);
        return (uint64_t)p;
    }
    if (one_in(16))
        return pointer();
    /* ends at the last byte of a page, or without its end */
    if (one_in(4)) {
        const char *name = paths[below(PATHS)];
        size_t n = strlen(name) + !one_in(4);
        return (uint64_t)memcpy(p + PAGE - n, name, n);
    }
    return (uint64_t)paths[below(PATHS)];
}

static uint64_t vector(void)
{
    struct iovec *v = (void *)(memory + below(MEMORY / PAGE - 8) * PAGE);
    for (unsigned i = below(16); i; i--)
        v[i] = (struct iovec){ (void *)pointer(), one_in(4) ? sized() : below(300) };
    return (uint64_t)v;
}

static uint64_t mostly_empty(void)
{
    struct iovec *v = (void *)(memory + below(8) * PAGE);
    memset(v, 0, 1024 * sizeof *v);
    v[below(1024)] = v[1023] = (struct iovec){ (void *)pointer(),
                                               one_in(4) ? sized() : below(MEMORY) };
    return (uint64_t)v;
}

/* Addresses of sockets, of few names. */
static uint64_t address(void)
{
    struct sockaddr_un *a = (void *)(memory + below(MEMORY / PAGE) * PAGE + 128);
    a->sun_family = one_in(16) ? below(46) : AF_UNIX;
    memset(a->sun_path, 0, sizeof a->sun_path);
    a->sun_path[one_in(2)] = 'r' + below(4);
    return (uint64_t)a;
}

/* Control messages of sockets: some right, some not. Returns their bytes. */
static size_t control(char *at)
{
    size_t length = 0;
    for (unsigned i = below(3); i; i--) {
        struct cmsghdr *c = (void *)(at + length);
        unsigned words = below(8);
        c->cmsg_len = one_in(16) ? wild() : CMSG_LEN(words * sizeof(int));
        c->cmsg_level = one_in(16) ? below(8) : SOL_SOCKET;
        c->cmsg_type = one_in(4) ? below(4) : SCM_RIGHTS;
        for (unsigned w = 0; w < words; w++)
            ((int *)CMSG_DATA(c))[w] = one_in(32) ? wild() : below(24);
        length += CMSG_SPACE(words * sizeof(int));
    }
    return length;
}

static void header_fill(struct msghdr *h)
{
    *h = (struct msghdr){ .msg_iov = (void *)vector(), .msg_iovlen = below(16) };
    if (one_in(2))
        h->msg_name = (void *)address(), h->msg_namelen = one_in(4) ? below(200) : 4;
    if (one_in(8)) {
        h->msg_control = (void *)pointer(), h->msg_controllen = below(300);
    } else if (one_in(2)) {
        h->msg_control = (char *)h + 512;
        h->msg_controllen = control(h->msg_control);
    }
}

static uint64_t header(void)
{
    struct msghdr *h = (void *)(memory + below(MEMORY / PAGE) * PAGE + 512);
    header_fill(h);
    return (uint64_t)h;
}

/* Those of sendmmsg and recvmmsg, the last of which may stand at the end of memory. */
static uint64_t headers(void)
{
    struct mmsghdr *h = (void *)(memory + (1 + below(MEMORY / PAGE - 1)) * PAGE -
                                 (one_in(2) ? 2048 : 4 * sizeof *h));
    for (unsigned i = 0; i < 4; i++)
        header_fill(&h[i].msg_hdr);
    return (uint64_t)h;
}

/* Lists that go round, or wherever memory leads. */
static uint64_t robust(void)
{
    uint64_t *head = (void *)(memory + below(MEMORY / PAGE) * PAGE),
             *other = (void *)(memory + below(MEMORY / PAGE) * PAGE + 64);
    head[0] = one_in(4) ? pointer() : (uint64_t)other;
    head[1] = one_in(4) ? wild() : 8;
    head[2] = one_in(2) ? 0 : pointer();
    other[0] = one_in(4) ? pointer() : (uint64_t)(one_in(2) ? other : head);
    return (uint64_t)head;
}

/* What futex_waitv is given. */
static uint64_t words(void)
{
    struct {
        uint64_t value, address;
        uint32_t flags, reserved;
    } *w = (void *)(memory + (1 + below(MEMORY / PAGE - 1)) * PAGE - 128 * sizeof *w);
    for (unsigned i = 0; i < 128; i++) {
        volatile uint32_t *at = (void *)(memory + below(MEMORY / 4) * 4);
        w[i].address = one_in(40) ? wild() : (uint64_t)at;
        w[i].value = one_in(40) ? any() : *at;
        w[i].flags = 2 | (one_in(2) ? 128 : 0);
        w[i].reserved = one_in(99);
    }
    return (uint64_t)w;
}

static uint64_t moment(void) /* short */
{
    struct timespec *t = (void *)(memory + below(MEMORY / PAGE) * PAGE);
    *t = (struct timespec){ 0, below(100000) };
    return one_in(8) ? pointer() : (uint64_t)t;
}

static uint64_t argument(char kind)
{
    if (one_in(10))
        return wild();
    switch (kind) {
    case 'f': return FIRST_FD + below(FDS);
    case 'd': return one_in(2) ? (uint64_t)AT_FDCWD : FIRST_FD + below(FDS);
    case 'p': return path();
    case 'b': return pointer();
    case 's': return sized();
    case 'i': return below(20) - 2;
    case 'x': return one_in(2) ? below(01000) : any() & ((1ul << below(32)) - 1);
    case 'o': return one_in(4) ? wild() : below(1 << 18);
    case 't': return moment();
    case 'v': return vector();
    case 'e': return mostly_empty();
    case 'c': return one_in(4) ? below(1100) : 1024;
    case 'U': return address();
    case 'u': return one_in(8) ? below(200) : 4;
    case 'M': return header();
    case 'W': return headers();
    case 'R': return robust();
    case 'B': return words();
    case '0': return 0;
    case 'h': return one_in(8) ? below(48) : 24;
    case 'H': return one_in(2) ? below(1ul << 47) : below(1ul << 31) * PAGE;
    case 'm': return (uint64_t)memory + below(2 * MEMORY / PAGE) * PAGE;
    case 'S': return below(66);
    case 'F': return 1024 + below(16); /* fcntl: what Linux alone has */
    case 'T': /* terminals; the second half has sizes in it: those of pseudo terminals */
        return below(2) ? 0x5400 + below(80) : (below(2) ? 0x80045430 : 0x40045430) + below(10);
    case 'A': return 0x1000 + below(8); /* arch_prctl */
    case 'P': {
        uint64_t which = below(8);
        return which < 3    ? (uint64_t)getpid()
               : which == 3 ? (uint64_t)-getpid()
               : which == 4 ? 0
                            : below(40) - 1;
    }
    case 'Q': return one_in(4) ? 0x4200 + below(16) : below(26); /* ptrace */
    default: return wild();
    }
}

/* Calls by which only root can, and would, spoil the system. */
static int spared(long n, const uint64_t *a)
{
    switch (n) {
    case SYS_reboot:
    case SYS_mount:
    case SYS_umount2:
    case SYS_pivot_root:
    case SYS_swapon:
    case SYS_swapoff:
    case SYS_settimeofday:
    case SYS_clock_settime:
    case SYS_adjtimex:
    case SYS_clock_adjtime:
    case SYS_sethostname:
    case SYS_setdomainname:
    case SYS_kexec_load:
    case SYS_init_module:
    case SYS_finit_module:
    case SYS_delete_module:
    case SYS_acct:
    case SYS_process_vm_writev:
    case SYS_vhangup:
    case SYS_setns:
    case SYS_unshare:
    case SYS_kexec_file_load:
    case SYS_bpf:
    case SYS_ioperm:
    case SYS_iopl:
    case SYS_fork: /* the children could not be found again */
    case SYS_pidfd_send_signal:
    case SYS_setpriority:
    case SYS_prlimit64:
    case SYS_sched_setscheduler:
    case SYS_sched_setparam:
    case SYS_sched_setattr:
    case SYS_syslog: return is_root;
    case SYS_mknod: return is_root && (S_ISBLK(a[1]) || S_ISCHR(a[1]));
    case SYS_mknodat: return is_root && (S_ISBLK(a[2]) || S_ISCHR(a[2]));
    case SYS_ptrace: /* nobody would resume who has PTRACE_TRACEME */
        return is_root || !(uint32_t)a[0];
    case SYS_vfork: /* the child would return into the parent's stack */ return 1;
    case SYS_clone:
    case SYS_clone3: return is_root || !one_in(8); /* seldom ends well */
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_rt_sigqueueinfo:
    case SYS_rt_tgsigqueueinfo: return is_root || !one_in(16);
    case SYS_exit:
    case SYS_exit_group:
    case SYS_execve:
    case SYS_execveat: return !one_in(16); /* ends the child too soon */
    default: return 0;
    }
}

static void ignore(int signal) { (void)signal; }

/* Changes some words of the frame of a signal: registers, flags, segments, masks, the state of the
 * FPU and where it is. */
static void spoil(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    ucontext_t *u = context;
    uint64_t *words = (void *)u, *fp = (void *)u->uc_mcontext.fpregs;
    enum { FP_WORDS = 832 / 8 };
    for (unsigned i = 1 + below(3); i; i--)
        switch (below(6)) {
        case 0: words[below(sizeof *u / sizeof *words)] = wild(); break;
        case 1: u->uc_mcontext.fpregs = (void *)(wild() + below(64)); break;
        case 2: u->uc_mcontext.gregs[REG_EFL] = any(); break;
        case 3: u->uc_mcontext.gregs[REG_CSGSFS] = any(); break;
        case 4: fp[below(FP_WORDS)] = wild(); break;
        /* sizes, features and the header of XSAVE */
        default: fp[(one_in(2) ? 464 : 512) / 8 + below(6)] = wild(); break;
        }
}

static void return_spoilt(void)
{
    struct sigaction a = { .sa_sigaction = spoil, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &a, NULL);
    shared->calls++;
    raise(SIGUSR1);
}

/* Takes one more of something. false: there is no more. */
static int take(unsigned what, unsigned i)
{
    static char block[65536];
    static const union sigval nothing;
    char name[16];
    int ends[2];
    timer_t timer;
    struct sigevent silent = { .sigev_notify = SIGEV_NONE };
    switch (what) {
    case 0:
        if (pipe2(ends, O_NONBLOCK) < 0)
            return 0;
        while (write(ends[1], block, sizeof block) > 0)
            ;
        return 1;
    case 1: return open("a", O_RDWR) >= 0;
    case 2: snprintf(name, sizeof name, "n%u", i); return mknod(name, S_IFREG | 0600, 0) == 0;
    case 3:
        return mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
    case 4: return sigqueue(getpid(), SIGRTMIN, nothing) == 0;
    case 5: return timer_create(CLOCK_MONOTONIC, &silent, &timer) == 0;
    case 6: return write(FIRST_FD + FDS, block, sizeof block) > 0;
    case 7:
        return fcntl(FIRST_FD + FDS, F_SETLK,
                     &(struct flock){ .l_type = F_WRLCK, .l_start = 2 * i, .l_len = 1 }) == 0;
    default: {
        if (is_root)
            return 0;
        pid_t pid = fork();
        if (pid == 0) {
            poll(&(struct pollfd){ .fd = FIRST_FD + FDS, .events = POLLPRI }, 1, 1000);
            _exit(0);
        }
        return pid > 0;
    }
    }
}
enum { TAKEN = 9, TAKE_MAX = 20000 };

/* Takes all that there is of something. The child keeps it until it ends. */
static void hoard(void)
{
    sigset_t queued;
    unsigned what = below(TAKEN);
    sigemptyset(&queued);
    sigaddset(&queued, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &queued, NULL);
    dup2(open("h", O_RDWR | O_CREAT, 0600), FIRST_FD + FDS);
    for (unsigned i = 0; i < TAKE_MAX && take(what, i); i++)
        shared->calls += i % 16 == 0; /* the parent sees that it goes on */
}

static _Thread_local sigjmp_buf back;
static void fault(int signal)
{
    (void)signal;
    mmap(memory, MEMORY, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    siglongjmp(back, 1);
}

/* A call that waits is interrupted soon, and a fault is survived. The child spoils this from time
 * to time, so it is done again and again. */
static void hurry(void)
{
    struct sigaction a = { .sa_handler = ignore }, f = { .sa_handler = fault };
    struct itimerval soon = { { 0, 3000 }, { 0, 3000 } };
    sigset_t none;
    sigemptyset(&none);
    sigaction(SIGALRM, &a, NULL);
    sigaction(SIGSEGV, &f, NULL);
    sigaction(SIGBUS, &f, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
}

static void open_things(void)
{
    static const char *const things[] = { "/proc/self/maps", "/dev/zero",    "/dev/null",
                                          "/dev/full",       "/dev/urandom", "/proc/minnow/threads",
                                          "/proc/self/smaps" };
    int ends[2];
    for (unsigned i = 0; i < sizeof things / sizeof things[0]; i++)
        open(things[i], i == 1 || i == 2 ? O_RDWR : O_RDONLY);
    open("/dev/tty1", O_RDWR | O_NONBLOCK | O_NOCTTY);
    int master = open("/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY);
    if (master >= 0 && ioctl(master, TIOCSPTLCK, &(int){ 0 }) == 0)
        ioctl(master, TIOCGPTPEER, O_RDWR | O_NONBLOCK | O_NOCTTY);
    if (pipe2(ends, O_NONBLOCK) == 0 && pipe(ends) == 0)
        dup(ends[1]);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0)
        socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0);
    socket(AF_UNIX, SOCK_STREAM, 0);
    socket(AF_UNIX, SOCK_DGRAM, 0);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
}

static void open_files(void)
{
    open("a", O_RDWR | O_CREAT, 0666);
    open("b", O_RDWR | O_CREAT | O_APPEND, 0666);
    mkdir("c", 0777);
    if (!is_root || one_in(2))
        open(".", O_RDONLY | O_DIRECTORY);
    symlink("a", "link");
    mkfifo("pipe", 0666);
}

/* Makes calls until the child has made its share. */
static void make_calls(void)
{
    static _Thread_local unsigned turn;
    sigsetjmp(back, 0);
    for (; shared->calls < CALLS_CHILD; turn++) {
        uint64_t a[6];
        if (turn % 64 == 0)
            hurry();
        if (one_in(2000))
            return_spoilt();
        long n = one_in(100) ? (long)wild() : (long)below(NUMBERS);
        const char *kinds = "";
        if (one_in(2)) {
            unsigned shape = below(SHAPES);
            n = shapes[shape].number;
            kinds = shapes[shape].arguments;
        }
        for (int i = 0; i < 6; i++)
            a[i] = argument(*kinds ? *kinds++ : 'n');
        if (spared(n, a))
            continue;
        __atomic_add_fetch(&shared->calls, 1, __ATOMIC_RELAXED);
        if (show)
            dprintf(show, "%d: %ld(%lx, %lx, %lx, %lx, %lx, %lx)\n", (int)gettid(), n, a[0], a[1],
                    a[2], a[3], a[4], a[5]);
        if (syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]) == 0 &&
            (n == SYS_fork || n == SYS_clone || n == SYS_clone3))
            state ^= (uint64_t)getpid() << 20;
    }
}

/* The alarm clock of the process wakes only one of its threads. */
static void *thread(void *seed)
{
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
    struct itimerspec soon = { { 0, 5000000 }, { 0, 5000000 } };
    timer_t timer;
    event.sigev_notify_thread_id = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        timer_settime(timer, 0, &soon, NULL);
    state = (uint64_t)seed;
    make_calls();
    return NULL;
}

static _Noreturn void child(const char *folder)
{
    const struct rlimit processes = { PROCESSES, PROCESSES };
    mkdir(folder, 0777);
    chmod(folder, 0777);
    setsid();
    signal(SIGPIPE, SIG_IGN);
    open_things();
    if (chdir(folder) < 0 ||
        (is_root ? chroot(folder)
                 : setrlimit(RLIMIT_NPROC, &processes) | setgid(USER) | setuid(USER)) < 0)
        _exit(1);
    open_files();
    if (one_in(8))
        hoard();
    hurry(); /* no thread's clock rings before there is a handler */
    if (one_in(4))
        for (unsigned i = 1 + below(THREADS); i; i--) {
            pthread_t started;
            pthread_create(&started, NULL, thread, (void *)(any() | 1));
        }
    make_calls();
    _exit(0);
}

static int remove_one(const char *name, const struct stat *s, int kind, struct FTW *f)
{
    (void)s, (void)kind, (void)f;
    return remove(name), 0;
}

/* Kills whoever the child has left behind. One of those may stop all processes of USER in the
 * moment in which the sweeping one has become one of them: it is sent on again. */
static void sweep(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (setuid(USER) == 0)
            kill(-1, SIGKILL);
        _exit(0);
    }
    for (; pid > 0 && waitpid(pid, NULL, WNOHANG) == 0; usleep(1000))
        kill(pid, SIGCONT);
}

/* -> 1 when it died of a signal */
static int run_child(uint64_t seed, unsigned number)
{
    int status = 0;
    const char *folder = folders[number % FOLDERS];
    shared->calls = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        return usleep(10000), 0;
    if (pid == 0) {
        state = (seed << 32 | number) * 0x9e3779b97f4a7c15ul | 1;
        is_root = number % 4 == 0;
        show = show ? fcntl(2, F_DUPFD, 200) : 0;
        int nothing = open("/dev/null", O_RDWR);
        for (int i = 0; i < FIRST_FD; i++)
            dup2(nothing, i);
        close(nothing);
        child(folder);
    }
    for (long seen = 0, waited = 0; waitpid(pid, &status, WNOHANG) == 0; usleep(1000)) {
        if (shared->calls != seen)
            seen = shared->calls, waited = 0;
        else if (++waited > PATIENCE_MS)
            kill(pid, SIGKILL);
    }
    sweep();
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return WIFSIGNALED(status);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: fuzz SEED CALLS [show]\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 0);
    long wanted = atol(argv[2]), made = 0;
    unsigned children = 0, died = 0;
    show = argc > 3;
    memory = mmap((void *)0x10000000, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                  -1, 0);
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || shared == MAP_FAILED)
        return 1;
    umask(0);
    while (made < wanted) {
        died += run_child(seed, children++);
        long calls = shared->calls;
        made += calls > 0 && calls < 2 * CALLS_CHILD ? calls : 0;
    }
    printf("seed %lu: %ld calls, %u children, %u died of signals\n", seed, made, children, died);
    return 0;
}
