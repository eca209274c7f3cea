/* exhaust WHAT [FILE...]: takes all there is of something. That must end in the proper error or a
 * clean death, and the system must go on. Prints how it ended. */
#define _GNU_SOURCE
#include "oracle.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))
enum { MANY = 5000 };

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

static void nobody(unsigned processes)
{
    struct rlimit l = { processes, processes };
    if (setrlimit(RLIMIT_NPROC, &l) || setgid(1000) || setuid(1000))
        exit(9);
}

static int64_t begun[MANY]; /* when each fork was begun, in nanoseconds */

/* Children that wait, until there can be no more. */
static int forks(void)
{
    static pid_t children[MANY];
    int n = 0;
    while (n < MANY && (begun[n] = now_ns(), children[n] = fork()) > 0)
        n++;
    if (n < MANY && children[n] == 0) {
        pause();
        _exit(0);
    }
    int error = errno;
    for (int i = 0; i < n; i++)
        kill(children[i], SIGKILL);
    for (int i = 0; i < n; i++)
        waitpid(children[i], NULL, 0);
    errno = error;
    return n;
}

static void fork_limited(void)
{
    nobody(20);
    int n = forks();
    SAY("%d %s", n, error_name(errno));
}

static void fork_all(void)
{
    int n = forks();
    SAY("%s %s", n > 100 ? "many" : "few", error_name(errno));
}

/* Most of the memory that the kernel keeps of each process is memory that PM has lent it meanwhile.
 */
static void fork_cost(void)
{
    enum { SOME = 50 };
    int n = forks();
    int64_t first = begun[SOME] - begun[0], last = begun[n] - begun[n - SOME];
    if (last <= 3 * first)
        SAY("at last as at first");
    else
        SAY("%d forks take %ld us at first, %ld at last", SOME, first / 1000, last / 1000);
}

/* Each process forks, and none ever waits. */
static void bomb(void)
{
    pid_t leader = fork();
    if (leader == 0) {
        setpgid(0, 0);
        nobody(MANY);
        for (;;)
            fork();
    }
    sleep(1);
    while (kill(-leader, SIGKILL) == 0)
        waitpid(leader, NULL, WNOHANG);
    SAY("over: %s", error_name(errno));
}

static void touch_all(void)
{
    for (;;) {
        char *p = malloc(1 << 20);
        if (!p)
            exit(3);
        memset(p, 1, 1 << 20);
    }
}

static void memory_touched(void)
{
    pid_t pid = fork();
    int status;
    if (!pid)
        touch_all();
    waitpid(pid, &status, 0);
    show_status("hog", status);
}

/* A program gets as much memory as /proc/meminfo calls available, to a few pages for its tables. */
static void memory_available(void)
{
    enum { STEP = 16, SLACK = 256 };
    char line[100];
    long available = 0, got = 0, n;
    int ends[2], status;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "MemAvailable: %ld", &available);
    fclose(f);
    pipe(ends);
    pid_t pid = fork();
    if (!pid) {
        char *m = mmap(NULL, 64ul << 30, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (n = 0;; n++) {
            m[n * 4096] = 1;
            if (n % STEP == 0)
                write(ends[1], &n, sizeof n);
        }
    }
    close(ends[1]);
    while (read(ends[0], &n, sizeof n) == sizeof n)
        got = n * 4;
    waitpid(pid, &status, 0);
    show_status("hog", status);
    fprintf(stderr, "available %ld KiB, got %ld KiB\n", available, got);
    SAY("%s", got > available                             ? "more than it said"
              : got < available - available / 200 - SLACK ? "less than it said"
                                                          : "what it said");
    SAY("%s", available >= 5120 ? "5 MiB at least" : "less than 5 MiB");
}

static void memory_limited(void)
{
    struct rlimit l = { 16 << 20, 16 << 20 };
    setrlimit(RLIMIT_AS, &l);
    size_t n = 0;
    while (n < 100 && malloc(1 << 20))
        n++;
    SAY("%s %s", n < 17 ? "limited" : "not limited", error_name(errno));
}

static void descriptors(void)
{
    int n = 0;
    while (n < 100000 && dup(0) >= 0)
        n++;
    int error = errno;
    struct rlimit l;
    getrlimit(RLIMIT_NOFILE, &l);
    SAY("%d %s", n + 3 == (int)l.rlim_cur, error_name(error));
    SHOW(open("/", O_RDONLY));
    int ends[2];
    SHOW(pipe(ends));
    SHOW(fcntl(0, F_DUPFD, 0));
}

static void pipes(void)
{
    enum { CHILDREN = 40 };
    int ends[2], report[2], error;
    pid_t pid[CHILDREN];
    SHOW(pipe(report));
    for (int i = 0; i < CHILDREN; i++) { /* each process has its own descriptors */
        if ((pid[i] = fork()) == 0) {
            while (pipe(ends) == 0)
                ;
            error = errno;
            if (write(report[1], &error, sizeof error))
                pause();
        }
        error = pid[i] < 0 ? errno : 0;
        if (pid[i] < 0 || read(report[0], &error, sizeof error) != sizeof error ||
            (error != EMFILE && error != ENFILE && error != ENOMEM))
            SAY("child %d: %s", i, error_name(error));
    }
    for (int i = 0; i < CHILDREN; i++) {
        kill(pid[i], SIGKILL);
        waitpid(pid[i], NULL, 0);
    }
    SHOW(pipe(ends));
}

static void *sleeper(void *unused)
{
    pause();
    return unused;
}

static void threads(void)
{
    pthread_t t;
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 16384);
    int n = 0, error;
    while (!(error = pthread_create(&t, &a, sleeper, NULL)) && n < MANY)
        n++;
    SAY("%s %s", n > 100 ? "many" : "few", error_name(error));
}

/* As deep as names go, by the working directory. */
static void deep(void)
{
    int n = 0;
    SHOW(mkdir("deep", 0700) || chdir("deep"));
    while (n < 1000 && mkdir("d", 0700) == 0 && chdir("d") == 0)
        n++;
    SAY("%d", n);
    static char path[10000];
    memset(path, '/', sizeof path - 1);
    SHOW(chdir(path));
    for (int i = 0; i < 2400; i++)
        memcpy(path + 4 * i, "d/./", 4);
    SHOW(chdir(path));
    SHOW(getcwd(path, sizeof path) != NULL);
    for (int i = 0; i < n; i++)
        if (chdir("..") || rmdir("d")) {
            SAY("stopped at %d: %s", i, error_name(errno));
            break;
        }
    SHOW(chdir(".."));
    SHOW(rmdir("deep"));
}

static void arguments(void)
{
    static char word[1 << 20], *list[100001], *none[1];
    memset(word, 'x', sizeof word - 1);
    char *one[] = { "true", word, NULL };
    SHOW(execve("/bin/true", one, none));
    word[1 << 10] = 0;
    for (int i = 0; i < 100000; i++)
        list[i] = word;
    SHOW(execve("/bin/true", list, none));
    SHOW(execve("/bin/true", none, list));
}

/* Timers of the shortest interval there is; another program must still get its work done. */
static void timers(void)
{
    pid_t pid[4];
    for (int i = 0; i < 4; i++) {
        if ((pid[i] = fork()))
            continue;
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
        struct itimerspec often = { { 0, 1 }, { 0, 1 } };
        timer_t t;
        signal(SIGUSR1, i % 2 ? SIG_IGN : SIG_DFL);
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_SETMASK, &set, NULL);
        for (int n = 0; n < 60; n++)
            if (timer_create(CLOCK_MONOTONIC, &event, &t) || timer_settime(t, 0, &often, NULL))
                _exit(1);
        for (;;)
            pause();
    }
    volatile unsigned long n = 0;
    for (int i = 0; i < 20; i++)
        usleep(1000);
    while (n < 30000000)
        n++;
    for (int i = 0; i < 4; i++) {
        kill(pid[i], SIGKILL);
        waitpid(pid[i], NULL, 0);
    }
    SAY("worked");
}

static void disk(void)
{
    static char block[65536];
    memset(block, 7, sizeof block);
    int kept = open("kept", O_WRONLY | O_CREAT, 0600);
    SHOW(write(kept, block, sizeof block));
    SHOW(fsync(kept));
    int fd = open("full", O_WRONLY | O_CREAT, 0600);
    while (write(fd, block, sizeof block) > 0)
        ;
    SAY("%s", error_name(errno));
    while (write(fd, block, 1) > 0)
        ;
    SAY("%s", error_name(errno));
    SHOW(write(kept, block, sizeof block) < 0 ? -errno : 1);
    int directories = 0;
    char name[20];
    while (directories < 1000 &&
           (snprintf(name, sizeof name, "dir%d", directories), mkdir(name, 0700)) == 0)
        directories++;
    SAY("%s", directories == 1000 ? "no end of directories" : error_name(errno));
    while (directories)
        snprintf(name, sizeof name, "dir%d", --directories), rmdir(name);
    SHOW(fsync(fd) < 0 ? errno != ENOSPC && errno != EIO : 0);
    SHOW(ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET));
    SHOW(write(fd, block, sizeof block));
    SHOW(unlink("full"));
    close(kept);
    int again = open("kept", O_RDONLY);
    memset(block, 0, sizeof block);
    SHOW(read(again, block, sizeof block));
    SAY("%d", block[0] == 7 && !memcmp(block, block + 1, sizeof block - 1));
    SHOW(unlink("kept"));
}

static sigjmp_buf after_bus;

static void on_bus(int sig, siginfo_t *info, void *context)
{
    (void)context;
    siglongjmp(after_bus, sig * 10 + info->si_code);
}

/* Stores through a mapping over a hole, page by page from `at` on: how far they came. */
static int store_pages(volatile char *map, volatile int at, int end)
{
    int signal = sigsetjmp(after_bus, 1);
    if (signal)
        SAY("signal %d, code %d", signal / 10, signal % 10);
    else
        for (; at < end; at++)
            map[at * 4096 + at] = at + 1;
    return at;
}

/* Stores to a hole when the disk is full. Stores that succeeded are in the file, and nothing else
 * is lost. */
static void hole(void)
{
    enum { PAGES = 256 };
    static char block[65536], page[4096];
    struct sigaction a = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
    int fd = open("hole", O_RDWR | O_CREAT, 0600), full = open("full", O_WRONLY | O_CREAT, 0600),
        wrong = 0;
    sigaction(SIGBUS, &a, NULL);
    SHOW(ftruncate(fd, PAGES * 4096));
    while (write(full, block, sizeof block) > 0 || write(full, block, 512) > 0)
        ;
    char *map = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int stored = store_pages(map, 0, PAGES);
    SAY("%s", stored < PAGES ? "in the middle" : "to the end");
    SHOW(msync(map, PAGES * 4096, MS_SYNC));
    SHOW(fsync(fd));
    SHOW(unlink("full") || close(full));
    SHOW(store_pages(map, stored, PAGES));
    SHOW(munmap(map, PAGES * 4096) || fsync(fd));
    for (int i = 0; i < PAGES; i++)
        wrong += pread(fd, page, 4096, i * 4096) != 4096 || page[i] != (char)(i + 1);
    SAY("wrong pages: %d", wrong);
    SHOW(unlink("hole") || close(fd));
}

static long taken(const struct statfs *s) { return s->f_blocks - s->f_bfree; }

/* Fills the disk with a file, which is removed: how many bytes went into it. */
static long filled(void)
{
    static char block[65536];
    struct stat st;
    int fd = open("full", O_WRONLY | O_CREAT, 0600);
    while (write(fd, block, sizeof block) > 0 || write(fd, block, 512) > 0)
        ;
    fstat(fd, &st);
    unlink("full");
    close(fd);
    return st.st_size;
}

/* The room that close() of a removed file gives back can be used at once, and df shows it. */
static void removed(void)
{
    enum { ROUNDS = 4 };
    struct statfs before, after;
    int less = 0, wrong = 0;
    long first = filled();
    statfs(".", &before);
    for (int round = 0; round < ROUNDS; round++) {
        less += filled() != first;
        statfs(".", &after);
        wrong += taken(&after) != taken(&before) || after.f_ffree != before.f_ffree;
    }
    SAY("refused: %d, miscounted: %d", less, wrong);
}

enum { CHURNED = 2 << 20, CHURNERS = 4 };
static char *churned;

static void *churn(void *which)
{
    unsigned k = (uintptr_t)which, seed = k;
    char name[16], *at = churned + k * CHURNED;
    snprintf(name, sizeof name, "churn%u", k);
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    for (int round = 0; round < 40; round++) {
        ftruncate(fd, CHURNED);
        mmap(at, CHURNED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
        for (int page = 0; page < CHURNED / 8; page += 4096)
            at[rand_r(&seed) % (CHURNED / 8)] =
                1; /* pages beside these are lent too, and stay clean */
        if (rand_r(&seed) % 3 == 0)
            unlink(name);
        close(fd);
        fd = open(name, O_RDWR | O_CREAT | (rand_r(&seed) % 2 ? O_TRUNC : 0), 0600);
    }
    unlink(name);
    return NULL;
}

/* Files that are mapped, cut and removed by several threads at once leave nothing. */
static void churning(void)
{
    struct statfs before, after;
    int status;
    statfs(".", &before);
    if (!fork()) {
        pthread_t threads[CHURNERS];
        churned = mmap(NULL, CHURNERS * CHURNED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (uintptr_t k = 0; k < CHURNERS; k++)
            pthread_create(&threads[k], NULL, churn, (void *)k);
        for (int k = 0; k < CHURNERS; k++)
            pthread_join(threads[k], NULL);
        _exit(0);
    }
    wait(&status);
    show_status("child", status);
    statfs(".", &after);
    SAY("lost: %ld", taken(&after) - taken(&before));
}

/* A mapping of more than the file server can lend at a time, in two processes. */
static void mapped_much(void)
{
    struct statfs fs;
    statfs(".", &fs);
    long size = MIN((long)(fs.f_bfree * fs.f_bsize / 4 * 3), 24l << 20) & ~4095l, wrong = 0;
    int fd = open("much", O_RDWR | O_CREAT, 0600), status;
    uint32_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), word;
    SHOW(ftruncate(fd, size));
    for (long at = 0; at < size / 4; at += 1024)
        map[at] = at;
    if (!fork()) {
        for (long at = 0; at < size / 4; at += 1024)
            map[at]++;
        _exit(0);
    }
    wait(&status);
    show_status("child", status);
    for (long at = 0; at < size / 4; at += 1024)
        wrong += map[at] != at + 1 || pread(fd, &word, 4, at * 4) != 4 || word != at + 1;
    SAY("%s, wrong: %ld", size > 4 << 20 ? "much" : "little", wrong);
    SHOW(unlink("much"));
}

/* Places of a folder where nothing can be. */
static void beyond(void)
{
    static const off_t places[] = {
        1, 3, 4095, 65535, 65538, 1 << 20, 1l << 32, (1l << 32) + 3, 1l << 45, 0x7ffffffffffffff0
    };
    static char entries[4096];
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
        if (lseek(fd, places[i], SEEK_SET) == places[i] &&
            syscall(SYS_getdents64, fd, entries, sizeof entries) < 0)
            SAY("%ld: %s", (long)places[i], error_name(errno));
    SAY("looked");
}

/* A call that takes very long: the same memory a thousand times. Another program has its turn
 * meanwhile. */
static void transfer(void)
{
    enum { SIZE = 8 << 20, PARTS = 1024 };
    static struct iovec parts[PARTS];
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    for (int i = 0; i < PARTS; i++)
        parts[i] = (struct iovec){ memory, SIZE };
    int zero = open("/dev/zero", O_RDWR);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    ssize_t n = readv(zero, parts, PARTS);
    clock_gettime(CLOCK_MONOTONIC, &b);
    SAY("%s", n <= 0 ? error_name(errno) : b.tv_sec - a.tv_sec > 5 ? "too long" : "done");
}

/* Files that are no programs. */
static void execute(char **files)
{
    for (; *files; files++) {
        char *arguments[] = { *files, NULL };
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            alarm(5);
            execve(*files, arguments, arguments + 1);
            SAY("%s: %s", *files, error_name(errno));
            _exit(99);
        }
        waitpid(pid, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 99)
            show_status(*files, status);
    }
}

static int load_signal(volatile char *at)
{
    int signal = sigsetjmp(after_bus, 1);
    if (!signal)
        (void)*at;
    return signal;
}

/* Whether each page of files can be read, through shared and private mappings and as a buffer. */
static void touch(char **files)
{
    struct sigaction a = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
    sigaction(SIGBUS, &a, NULL);
    for (; *files; files++) {
        int fd = open(*files, O_RDWR);
        off_t size = lseek(fd, 0, SEEK_END);
        char c;
        for (off_t at = 0; at < size; at += 4096) {
            SAY("read at %ld: %s", (long)at,
                pread(fd, &c, 1, at) < 0 ? error_name(errno) : "a byte");
            for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
                char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
                int signal = load_signal(map + at);
                SAY("mapping %d: signal %d, code %d", flags, signal / 10, signal % 10);
                munmap(map, size);
            }
        }
    }
}

/* Wrong bytes in the tables at the beginning of a disk. */
static void damage(const char *device, unsigned long seed)
{
    int fd = open(device, O_RDWR);
    uint8_t byte;
    if (fd < 0)
        perror(device), exit(1);
    srand(seed);
    for (unsigned n = seed % 4 == 0 ? 1 : seed % 4 == 1 ? 10 : 300; n; n--) {
        unsigned area = rand() % 3, at = area == 0 && seed % 3 == 0 ? 11 + rand() % 80
                                         : area == 1                ? 512 + rand() % 65536
                                                                    : rand() % (2 << 20);
        if (at < 512 && seed % 3)
            continue;
        if (pread(fd, &byte, 1, at) != 1)
            perror(device), exit(1);
        byte = rand() % 2 ? byte ^ 1 << rand() % 8 : rand();
        if (pwrite(fd, &byte, 1, at) != 1)
            perror(device), exit(1);
    }
    fsync(fd);
}

static const struct {
    const char *name;
    void (*run)(void);
} all[] = {
    { "fork-limited", fork_limited },
    { "fork-all", fork_all },
    { "fork-cost", fork_cost },
    { "bomb", bomb },
    { "memory-touched", memory_touched },
    { "memory-available", memory_available },
    { "memory-limited", memory_limited },
    { "descriptors", descriptors },
    { "pipes", pipes },
    { "threads", threads },
    { "deep", deep },
    { "arguments", arguments },
    { "timers", timers },
    { "disk", disk },
    { "hole", hole },
    { "removed", removed },
    { "churning", churning },
    { "mapped-much", mapped_much },
    { "beyond", beyond },
    { "transfer", transfer },
};

int main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "execute"))
        execute(argv + 2);
    if (argc > 2 && !strcmp(argv[1], "touch"))
        touch(argv + 2);
    if (argc > 3 && !strcmp(argv[1], "damage"))
        damage(argv[2], strtoul(argv[3], NULL, 0));
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        if (argc > 1 && !strcmp(argv[1], all[i].name)) {
            all[i].run();
            return 0;
        }
    return argc > 2 ? 0 : 2;
}
