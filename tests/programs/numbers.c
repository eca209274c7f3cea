/* Offsets, lengths, counts and addresses at the ends of what they can be: no sum of two of them
 * wraps. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGE 4096ul
static const uint64_t numbers[] = { 0,
                                    1,
                                    PAGE - 1,
                                    PAGE,
                                    1ul << 31,
                                    1ul << 32,
                                    1ul << 46,
                                    0x7ffffffff000,
                                    1ul << 47,
                                    1ul << 62,
                                    INT64_MAX - PAGE + 1,
                                    INT64_MAX,
                                    1ul << 63,
                                    -1ul << 47,
                                    -PAGE,
                                    -PAGE + 1,
                                    -1ul };
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static char *at, *buffer;
static int fd;

static const char *end_of(long result) { return result == -1 ? error_name(errno) : "done"; }

/* Prints one line for a call: its result with each number. */
#define EACH(call)                               \
    do {                                         \
        printf("%s:", #call);                    \
        for (int i_ = 0; i_ < NUMBERS; i_++) {   \
            uint64_t x = numbers[i_];            \
            errno = 0;                           \
            printf(" %s", end_of((long)(call))); \
        }                                        \
        putchar('\n');                           \
        fflush(stdout);                          \
    } while (0)

static void *map(uint64_t address, uint64_t length, int flags, uint64_t offset)
{
    void *p = (void *)syscall(SYS_mmap, address, length, PROT_READ, flags,
                              flags & MAP_ANONYMOUS ? -1 : fd, offset);
    if (p != MAP_FAILED)
        munmap(p, length);
    return p;
}

static void memory(void)
{
    EACH(map(0, x, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, 0));
    EACH(x < 1ul << 32 ? 0
         : map(x & -PAGE, PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, 0) == MAP_FAILED
             ? -1
             : 0);
    EACH(map(0, 2 * PAGE, MAP_SHARED, x));
    EACH(map(0, x, MAP_SHARED, -PAGE));
    EACH(syscall(SYS_munmap, x, PAGE));
    EACH(syscall(SYS_mprotect, at, x, PROT_READ));
    EACH(syscall(SYS_mprotect, x, PAGE, PROT_READ));
    EACH(syscall(SYS_madvise, at, x, MADV_NORMAL));
    EACH(syscall(SYS_madvise, x, PAGE, MADV_NORMAL));
    EACH(syscall(SYS_msync, at, x, MS_ASYNC));
    EACH(syscall(SYS_mincore, x, PAGE, buffer));
    EACH(x < 1ul << 47 ? 0 : syscall(SYS_mremap, at, PAGE, x, MREMAP_MAYMOVE, 0));
    EACH(x < 1ul << 47
             ? 0
             : syscall(SYS_mremap, at, x, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, x & -PAGE));
    EACH(x < 1ul << 46 ? 0 : syscall(SYS_brk, x) < (1l << 46) ? 0 : -1);
}

static void files(void)
{
    EACH(x == INT64_MAX ? 0 : syscall(SYS_pread64, fd, buffer, 1, x));
    EACH(x < 1ul << 63 ? 0 : syscall(SYS_lseek, fd, x, SEEK_SET));
    EACH(x < 1ul << 63 ? 0 : syscall(SYS_lseek, fd, x, SEEK_END));
    EACH(syscall(SYS_ftruncate, fd, x & 1ul << 63));
    EACH(x > 1ul << 40 && x < 1ul << 63 ? 0 : syscall(SYS_sendfile, fd, fd, &(off_t){ x }, 0));
    for (short whence = SEEK_SET; whence <= SEEK_END; whence++) {
        EACH(fcntl(
            fd, F_SETLK,
            &(struct flock){ .l_type = F_RDLCK, .l_whence = whence, .l_start = x, .l_len = 1 }));
        EACH(fcntl(
            fd, F_SETLK,
            &(struct flock){ .l_type = F_RDLCK, .l_whence = whence, .l_start = 1, .l_len = x }));
        EACH(fcntl(fd, F_SETLK,
                   &(struct flock){
                       .l_type = F_RDLCK, .l_whence = whence, .l_start = INT64_MAX, .l_len = x }));
        fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET });
    }
    EACH(syscall(SYS_readv, fd, &(struct iovec){ buffer, x }, 0));
    struct iovec two[2] = { { buffer, 1 }, { buffer, 0 } };
    EACH((two[1].iov_len = x,
          (int64_t)x >= 0 && x > 1ul << 31 ? 0 : syscall(SYS_readv, fd, two, 2)));
    EACH(syscall(SYS_readv, fd, two, x < 2 ? x : x > 1024 ? (x & UINT32_MAX) | 1ul << 20 : 1));
}

static void others(void)
{
    EACH(syscall(SYS_poll, x, 1u << 20, 0));
    EACH(syscall(SYS_select, x > 1024 ? x : 0, 0, 0, 0, &(struct timeval){ 0, 0 }));
    EACH(syscall(SYS_getgroups, x, 0) < 0 ? -1 : 0);
    EACH(syscall(SYS_nanosleep, x, 0));
    EACH(syscall(SYS_nanosleep, &(struct timespec){ 0, x < 1000000 ? 0 : x }, 0) && errno == EINVAL
             ? -1
             : 0);
    EACH(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, x));
    EACH(syscall(SYS_rt_sigprocmask, SIG_BLOCK, x, 0, 8));
    EACH(syscall(SYS_rt_sigaction, SIGUSR1, 0, x, 8));
    EACH(syscall(SYS_sigaltstack, 0, x));
    EACH(syscall(SYS_set_robust_list, x, 24));
    EACH(syscall(SYS_set_robust_list, 0, x));
    EACH(syscall(SYS_getcwd, x, 1));
    EACH(syscall(SYS_getcwd, buffer, x < PAGE ? x : PAGE) < 0 ? -1 : 0);
    EACH(syscall(SYS_uname, x));
    EACH(syscall(SYS_pipe2, x, 0));
    EACH(syscall(SYS_wait4, -1, x, WNOHANG, x));
    EACH(syscall(SYS_setrlimit, RLIMIT_CORE, x));
    EACH(syscall(SYS_open, x, O_RDONLY));
    EACH(syscall(SYS_execve, x, x, x));
    EACH(syscall(SYS_stat, "/", x));
    EACH(syscall(SYS_getdents64, fd, buffer, x));
    EACH(syscall(SYS_futex, x, 1, 1, 0, 0, 0));
}

int main(void)
{
    at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    buffer = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(at + PAGE, 3 * PAGE);
    munmap(buffer + PAGE, 3 * PAGE);
    fd = open("numbers.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink("numbers.tmp");
    memory();
    files();
    others();
    return 0;
}
