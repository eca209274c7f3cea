/* The benchmark: guest instructions per operation, by the time-stamp counter of a machine that
 * counts them (tests/vm --count). The same program runs on Linux. Each line: name, tab, ticks per
 * operation, tab, changes of address space per operation (where /proc/minnow/system tells them,
 * else "-"). Arguments: names of the rows wanted, all without. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* of linux/futex.h, which musl does not have */
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_PRIVATE_FLAG = 128 };
enum { PAGE = 4096, PAGES = 64, DIR_ENTRIES = 1000 };

static int epolls[2], active;
static pid_t quiet;
static int zero, null, file, pipe_ends[2], there[2], back[2], poll_pipes[10][2];
static char buffer[65536];
static char **program_arguments;

static unsigned long ticks(void)
{
    unsigned low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return low | (unsigned long)high << 32;
}

/* One of the kernel's counters; -1 where there are none. */
static long counter(const char *name)
{
    FILE *f = fopen("/proc/minnow/system", "r");
    char line[128], found[64];
    long n, value = -1;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%63s %ld", found, &n) == 2 && strcmp(found, name) == 0)
            value = n;
    if (f)
        fclose(f);
    return value;
}

static long space_switches(void) { return counter("space_switches"); }

static void op_getppid(void) { syscall(SYS_getppid); }
static void op_getpid(void) { syscall(SYS_getpid); }
static void op_clock_raw(void)
{
    struct timespec t;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}
static void op_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
}
static void op_read_zero(void)
{
    if (read(zero, buffer, 1) != 1)
        abort();
}
static void op_write_null(void)
{
    if (write(null, buffer, 1) != 1)
        abort();
}
static void op_open_close(void) { close(open("/tmp/bench.file", O_RDONLY)); }
static void op_stat(void)
{
    struct stat s;
    if (stat("/tmp/bench.file", &s))
        abort();
}
static void op_fstat(void)
{
    struct stat s;
    if (fstat(file, &s))
        abort();
}
static void op_pipe_self(void)
{
    if (write(pipe_ends[1], buffer, 1) != 1 || read(pipe_ends[0], buffer, 1) != 1)
        abort();
}
static void op_pipe_round(void)
{
    if (write(there[1], buffer, 1) != 1 || read(back[0], buffer, 1) != 1)
        abort();
}
static void op_pread4k(void)
{
    if (pread(file, buffer, 4096, 0) != 4096)
        abort();
}
static void op_pread64k(void)
{
    if (pread(file, buffer, 65536, 0) != 65536)
        abort();
}
static void op_pwrite4k(void)
{
    if (pwrite(file, buffer, 4096, 0) != 4096)
        abort();
}
static void op_pwrite64k(void)
{
    if (pwrite(file, buffer, 65536, 0) != 65536)
        abort();
}
static void op_pipe_64k(void)
{
    if (write(pipe_ends[1], buffer, 65536) != 65536 || read(pipe_ends[0], buffer, 65536) != 65536)
        abort();
}

static char name[64];
static unsigned number;
static void op_create_tmp(void)
{
    sprintf(name, "/tmp/b.d/f%u", number++);
    close(open(name, O_CREAT | O_WRONLY, 0644));
}
static void op_unlink_tmp(void)
{
    sprintf(name, "/tmp/b.d/f%u", --number);
    if (unlink(name))
        abort();
}
static void op_create_ext2(void)
{
    sprintf(name, "/root/b.d/f%u", number++);
    close(open(name, O_CREAT | O_WRONLY, 0644));
}
static void op_unlink_ext2(void)
{
    sprintf(name, "/root/b.d/f%u", --number);
    if (unlink(name))
        abort();
}

static void op_readdir(void)
{
    DIR *d = opendir("/tmp/b.many");
    unsigned n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    if (n != DIR_ENTRIES + 2)
        abort();
}

static void op_poll10(void)
{
    struct pollfd p[10];
    for (int i = 0; i < 10; i++)
        p[i] = (struct pollfd){ poll_pipes[i][0], POLLIN, 0 };
    if (poll(p, 10, 0) != 0)
        abort();
}

static void op_select10(void)
{
    fd_set set;
    struct timeval now = { 0, 0 };
    FD_ZERO(&set);
    for (int i = 0; i < 10; i++)
        FD_SET(poll_pipes[i][0], &set);
    if (select(poll_pipes[9][0] + 1, &set, NULL, NULL, &now) != 0)
        abort();
}

static void op_eventfd(void)
{
    uint64_t n = 1;
    if (write(active, &n, 8) != 8 || read(active, &n, 8) != 8)
        abort();
}

static void epoll_one(int e)
{
    struct epoll_event event;
    if (epoll_wait(e, &event, 1, 0) != 1)
        abort();
}

static void op_epoll_1(void) { epoll_one(epolls[0]); }
static void op_epoll_1000(void) { epoll_one(epolls[1]); }

static void op_fork(void)
{
    pid_t p = fork();
    if (!p)
        _exit(0);
    waitpid(p, NULL, 0);
}

static void op_fork_exec(void)
{
    pid_t p = fork();
    if (!p) {
        execv(program_arguments[0], (char *[]){ "bench", "-true", NULL });
        _exit(1);
    }
    waitpid(p, NULL, 0);
}

static void op_vfork_exec(void)
{
    pid_t p = vfork();
    if (!p) {
        execv(program_arguments[0], (char *[]){ "bench", "-true", NULL });
        _exit(1);
    }
    waitpid(p, NULL, 0);
}

static void *nothing(void *a) { return a; }
static void op_thread(void)
{
    pthread_t t;
    pthread_create(&t, NULL, nothing, NULL);
    pthread_join(t, NULL);
}

static volatile int turn;
static volatile int stop_partner;
static void futex_pass(int mine, int other)
{
    turn = other;
    syscall(SYS_futex, &turn, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
    while (turn != mine)
        syscall(SYS_futex, &turn, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, other, NULL);
}
static void *futex_partner(void *a)
{
    while (turn != 1)
        syscall(SYS_futex, &turn, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL);
    while (!stop_partner)
        futex_pass(1, 0);
    return a;
}
static void op_futex(void) { futex_pass(0, 1); }

static pthread_t partner;
static void begin_futex(void) { pthread_create(&partner, NULL, futex_partner, NULL); }
static void end_futex(void)
{
    stop_partner = 1;
    turn = 1;
    syscall(SYS_futex, &turn, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
    pthread_join(partner, NULL);
}

static void on_signal(int s) { (void)s; }
static void op_signal(void) { raise(SIGUSR1); }

static char *fresh;
static unsigned fresh_page;
static void op_touch(void) { fresh[fresh_page++ * PAGE] = 1; }

static int sockets[2], semaphores, queue, terminal[2];
static pid_t answering;

static void begin_unix(void)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
        abort();
}
static void end_unix(void) { close(sockets[0]), close(sockets[1]); }

static void op_unix_64k(void)
{
    if (write(sockets[1], buffer, 65536) != 65536 ||
        recv(sockets[0], buffer, 65536, MSG_WAITALL) != 65536)
        abort();
}

static void begin_unix_round(void)
{
    begin_unix();
    if ((answering = fork()))
        return;
    close(sockets[0]);
    char c;
    while (read(sockets[1], &c, 1) == 1)
        if (write(sockets[1], &c, 1) != 1)
            break;
    _exit(0);
}
static void end_unix_round(void)
{
    end_unix();
    waitpid(answering, NULL, 0);
}
static void op_unix_round(void)
{
    if (write(sockets[0], buffer, 1) != 1 || read(sockets[0], buffer, 1) != 1)
        abort();
}

static void begin_semaphore(void)
{
    if ((semaphores = semget(IPC_PRIVATE, 1, 0600)) < 0)
        abort();
}
static void end_semaphore(void) { semctl(semaphores, 0, IPC_RMID); }
static void op_semaphore(void)
{
    struct sembuf up = { 0, 1, 0 }, down = { 0, -1, 0 };
    if (semop(semaphores, &up, 1) || semop(semaphores, &down, 1))
        abort();
}

static void begin_queue(void)
{
    struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 64 };
    queue = mq_open("/bench", O_CREAT | O_RDWR, 0600, &attributes);
    if (queue < 0)
        abort();
}
static void end_queue(void) { mq_close(queue), mq_unlink("/bench"); }
static void op_queue(void)
{
    if (mq_send(queue, buffer, 64, 0) || mq_receive(queue, buffer, 64, NULL) != 64)
        abort();
}

static void begin_terminal(void)
{
    terminal[0] = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal[0] < 0 || unlockpt(terminal[0]))
        abort();
    terminal[1] = open(ptsname(terminal[0]), O_RDWR | O_NOCTTY);
}
static void end_terminal(void) { close(terminal[1]), close(terminal[0]); }
static void op_terminal(void)
{
    char c = 'x';
    if (write(terminal[0], &c, 1) != 1 || read(terminal[0], &c, 1) != 1)
        abort();
}

static void op_map_file(void)
{
    char *area = mmap(NULL, 65536, PROT_READ, MAP_SHARED, file, 0);
    for (int i = 0; i < 65536; i += PAGE)
        (void)*(volatile char *)(area + i);
    munmap(area, 65536);
}

#define PLAIN(name, op, count)      \
    {                               \
        name, op, count, NULL, NULL \
    }
static const struct row {
    const char *name;
    void (*op)(void);
    int count;
    void (*begin)(void), (*end)(void); /* what only this row needs, or NULL */
} rows[] = {
    PLAIN("getppid", op_getppid, 200),
    PLAIN("getpid", op_getpid, 200),
    PLAIN("clock_gettime raw", op_clock_raw, 200),
    PLAIN("clock_gettime vDSO", op_clock, 200),
    PLAIN("read 1 byte of /dev/zero", op_read_zero, 200),
    PLAIN("write 1 byte to /dev/null", op_write_null, 200),
    PLAIN("open + close (tmpfs)", op_open_close, 100),
    PLAIN("stat", op_stat, 100),
    PLAIN("fstat", op_fstat, 100),
    PLAIN("pipe write + read, one process", op_pipe_self, 100),
    PLAIN("pipe round trip, two processes", op_pipe_round, 100),
    PLAIN("read 4 KiB, cached", op_pread4k, 50),
    PLAIN("read 64 KiB, cached", op_pread64k, 20),
    PLAIN("write 4 KiB, cached", op_pwrite4k, 50),
    PLAIN("write 64 KiB, cached", op_pwrite64k, 20),
    PLAIN("create (tmpfs)", op_create_tmp, 50),
    PLAIN("unlink (tmpfs)", op_unlink_tmp, 50),
    PLAIN("create (ext2)", op_create_ext2, 50),
    PLAIN("unlink (ext2)", op_unlink_ext2, 50),
    PLAIN("readdir of 1,000 entries", op_readdir, 5),
    PLAIN("64 KiB through a pipe", op_pipe_64k, 20),
    PLAIN("poll 10", op_poll10, 50),
    PLAIN("select 10", op_select10, 50),
    PLAIN("eventfd write + read", op_eventfd, 50),
    PLAIN("epoll_wait, 1 watched", op_epoll_1, 50),
    PLAIN("epoll_wait, 1 of 1,000 ready", op_epoll_1000, 50),
    PLAIN("fork + exit + wait", op_fork, 10),
    PLAIN("fork + execve + wait", op_fork_exec, 10),
    PLAIN("vfork + execve + wait", op_vfork_exec, 10),
    PLAIN("pthread_create + join", op_thread, 10),
    { "futex ping-pong", op_futex, 100, begin_futex, end_futex },
    PLAIN("signal to self, handled", op_signal, 50),
    PLAIN("anonymous page touched", op_touch, PAGES),
    { "AF_UNIX round trip, two processes", op_unix_round, 100, begin_unix_round, end_unix_round },
    { "64 KiB through AF_UNIX", op_unix_64k, 20, begin_unix, end_unix },
    { "SysV semaphore up + down", op_semaphore, 50, begin_semaphore, end_semaphore },
    { "mq_send + mq_receive of 64 bytes", op_queue, 50, begin_queue, end_queue },
    { "pty, 1 byte echoed", op_terminal, 50, begin_terminal, end_terminal },
    PLAIN("64 KiB of a file mapped and read", op_map_file, 20),
};

static int wanted(const char *row)
{
    if (!program_arguments[1])
        return 1;
    for (char **a = program_arguments + 1; *a; a++)
        if (strcmp(*a, row) == 0)
            return 1;
    return 0;
}

static void print(const char *row, unsigned long t, long switches, int count)
{
    if (switches >= 0)
        printf("%s\t%lu\t%.1f\n", row, t / count, (double)switches / count);
    else
        printf("%s\t%lu\t-\n", row, t / count);
}

static void run(const struct row *r)
{
    if (!wanted(r->name))
        return;
    if (r->begin)
        r->begin();
    if (r->op != op_touch && r->op != op_unlink_tmp && r->op != op_unlink_ext2)
        for (int i = 0; i < 3; i++)
            r->op(); /* caches are warm */
    long s0 = space_switches();
    unsigned long t0 = ticks();
    for (int i = 0; i < r->count; i++)
        r->op();
    unsigned long t1 = ticks();
    long s1 = space_switches();
    print(r->name, t1 - t0, s0 < 0 ? -1 : s1 - s0, r->count);
    if (r->end)
        r->end();
}

/* After fork each first write to a page copies it; the child lives meanwhile. */
static void run_cow(void)
{
    int wait_here[2];
    if (!wanted("copy-on-write fault after fork") || pipe(wait_here))
        return;
    char *cow_area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    memset(cow_area, 1, PAGES * PAGE);
    pid_t p = fork();
    if (!p) {
        close(wait_here[1]);
        (void)!read(wait_here[0], buffer, 1);
        _exit(0);
    }
    unsigned long t0 = ticks();
    for (int i = 0; i < PAGES; i++)
        *(volatile char *)(cow_area + i * PAGE) = 2;
    unsigned long t1 = ticks();
    close(wait_here[1]);
    close(wait_here[0]);
    waitpid(p, NULL, 0);
    print("copy-on-write fault after fork", t1 - t0, -1, PAGES);
}

/* ---- costs that may grow with the number of things: rows "X among N things" ---- */

enum { AMONG = 50 };

/* A page mapped, and unmapped, in a space of so many regions. */
static void run_regions(const char *row, long regions)
{
    if (!wanted(row))
        return;
    char *area = mmap(NULL, regions * PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (long i = 0; i < regions; i += 2)
        if (mprotect(area + i * PAGE, PAGE, PROT_READ))
            abort();
    long s0 = space_switches();
    unsigned long t0 = ticks();
    for (int i = 0; i < AMONG; i++)
        munmap(mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), PAGE);
    unsigned long t1 = ticks();
    long s1 = space_switches();
    print(row, t1 - t0, s0 < 0 ? -1 : s1 - s0, AMONG);
    munmap(area, regions * PAGE);
}

static pid_t echo_partner(void)
{
    if (pipe(there) || pipe(back))
        abort();
    pid_t p = fork();
    if (p)
        return p;
    close(there[1]);
    char c;
    while (read(there[0], &c, 1) == 1)
        if (write(back[1], &c, 1) != 1)
            break;
    _exit(0);
}

/* Two epolls, one with a ready eventfd, one with 999 more that are not: those are open in another
 * process, so that they are not in the way of other rows. */
static void prepare_epolls(void)
{
    struct rlimit descriptors = { 2048, 4096 };
    struct epoll_event in = { EPOLLIN, { .u64 = 1 } };
    int made[2], one = eventfd(1, 0), fd;
    active = eventfd(0, 0);
    if (pipe(made))
        abort();
    for (int i = 0; i < 2; i++)
        if ((epolls[i] = epoll_create1(0)) < 0 || epoll_ctl(epolls[i], EPOLL_CTL_ADD, one, &in))
            abort();
    if (!(quiet = fork())) {
        setrlimit(RLIMIT_NOFILE, &descriptors);
        for (int i = 1; i < 1000; i++)
            if ((fd = eventfd(0, 0)) < 0 || epoll_ctl(epolls[1], EPOLL_CTL_ADD, fd, &in))
                abort();
        close(made[1]);
        pause();
    }
    close(made[1]);
    if (read(made[0], buffer, 1) != 0)
        abort();
    close(made[0]);
}

static void prepare(void)
{
    zero = open("/dev/zero", O_RDONLY);
    null = open("/dev/null", O_WRONLY);
    file = open("/tmp/bench.file", O_CREAT | O_RDWR | O_TRUNC, 0644);
    if (zero < 0 || null < 0 || file < 0 || write(file, buffer, sizeof buffer) != sizeof buffer ||
        pipe(pipe_ends))
        abort();
    for (int i = 0; i < 10; i++)
        if (pipe(poll_pipes[i]))
            abort();
    mkdir("/tmp/b.d", 0755);
    mkdir("/root/b.d", 0755);
    mkdir("/tmp/b.many", 0755);
    for (int i = 0; i < DIR_ENTRIES; i++) {
        sprintf(name, "/tmp/b.many/entry%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0644));
    }
    prepare_epolls();
    fresh = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGUSR1, on_signal);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "-true") == 0)
        return 0;
    program_arguments = argv;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int kind = personality(0xffffffff);
    if (!(kind & ADDR_NO_RANDOMIZE)) {
        /* from the kernel's first instruction to here, waits for the disk left out */
        if (counter("uptime_ns") > 0)
            printf("boot\t%ld\t-\n", counter("uptime_ns") - counter("idle_ns"));
        /* a page table more or less is two per cent of a fork */
        if (personality(kind | ADDR_NO_RANDOMIZE) >= 0)
            execv("/proc/self/exe", argv);
    }
    prepare();
    pid_t echo = echo_partner();
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        number = number > 1000000 ? 0 : number;
        run(&rows[i]);
    }
    run_cow();
    run_regions("mmap + munmap among 1,000 regions", 1000);
    run_regions("mmap + munmap among 10,000 regions", 10000);
    kill(echo, SIGKILL);
    kill(quiet, SIGKILL);
    waitpid(echo, NULL, 0);
    waitpid(quiet, NULL, 0);
    return 0;
}
