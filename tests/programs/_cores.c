/* Core files, for tests/test_cores.py. Without arguments: what becomes of children that end by
 * signals, in a directory of their own; the output is the same as on Linux if its core_pattern is
 * `core`. With one: it ends as that says, in functions whose names a debugger is to show. */
#define _GNU_SOURCE
#include "oracle.h"
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { PAGE = 4096, LARGE = 64 << 20 };

static char *volatile heap_text;
static volatile int inner_value = 4711;
static volatile int ready;

static __attribute__((noinline)) void inner_fault(volatile int *at)
{
    inner_value++;
    *at = inner_value;
    inner_value++;
}

static __attribute__((noinline)) int outer_fault(volatile int *at)
{
    inner_fault(at);
    return inner_value;
}

static __attribute__((noinline)) void *idle_thread(void *unused)
{
    ready++;
    for (;;)
        pause();
    return unused;
}

static __attribute__((noinline)) void *busy_thread(void *unused)
{
    ready++;
    for (;;)
        inner_value += 2;
    return unused;
}

static volatile int *nowhere(void)
{
    return mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void unlimited(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
}

static int in_threads(void)
{
    pthread_t thread;
    heap_text = malloc(100);
    strcpy(heap_text, "text in the heap");
    pthread_create(&thread, NULL, idle_thread, NULL);
    pthread_create(&thread, NULL, busy_thread, NULL);
    while (ready < 2)
        usleep(1000);
    return outer_fault(nowhere());
}

static __attribute__((noinline)) int too_deep(volatile char *above)
{
    volatile char here[1024];
    here[0] = above[0] + 1;
    if (!inner_value)
        return 0;
    return too_deep(here) + here[0];
}

/* ---- children that end ---- */

static void nothing(void) {}
static void fault(void) { outer_fault(nowhere()); }
static void aborts(void) { abort(); }
static void deep(void) { too_deep((char[]){ 1 }); }
static void no_limit(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    abort();
}
static void small_limit(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 4095, 4095 });
    abort();
}
static void some_limit(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 5 * PAGE, 5 * PAGE });
    abort();
}
static void no_memory(void)
{
    setrlimit(RLIMIT_AS, &(struct rlimit){ PAGE, PAGE });
    abort();
}
static void not_dumpable(void)
{
    prctl(PR_SET_DUMPABLE, 0);
    abort();
}
static void no_descriptors(void)
{
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, 0 });
    abort();
}
/* memory that is not touched is not in the file, nor on the disk */
static void huge(void)
{
    char *at = mmap(NULL, 1ul << 32, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        _exit(1);
    at[1 << 30] = 1;
    abort();
}
/* what is not to be dumped takes no room in the file either */
static void with_large(int advice)
{
    char *at = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED || madvise(at, LARGE, advice))
        _exit(1);
    at[LARGE / 2] = 1;
    abort();
}
static void large(void) { with_large(MADV_NORMAL); }
static void large_hidden(void) { with_large(MADV_DONTDUMP); }
static void *aborting_thread(void *unused)
{
    abort();
    return unused;
}
static void threads(void)
{
    pthread_t thread;
    for (int i = 0; i < 5; i++)
        pthread_create(&thread, NULL, i % 2 ? idle_thread : busy_thread, NULL);
    while (ready < 5)
        usleep(1000);
    pthread_create(&thread, NULL, aborting_thread, NULL);
    pause();
}
static void in_vfork(void)
{
    pid_t child = vfork();
    if (!child)
        _exit(0);
    abort();
}

/* What the child leaves: its status; the size of the core file, if that is a sound one. */
static void show(const char *what, int status)
{
    Elf64_Ehdr head = { 0 };
    struct stat st;
    int fd = open("core", O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    const char *file = "no file";
    if (fd >= 0 && !fstat(fd, &st)) {
        int n = read(fd, &head, sizeof head);
        file = !S_ISREG(st.st_mode) ? "other"
               : n == sizeof head && !memcmp(head.e_ident, ELFMAG, SELFMAG) &&
                       head.e_type == ET_CORE
                   ? "core"
                   : "no core";
        /* how far, depends on how large the processor's registers are; Linux does not count holes
         */
        if (S_ISREG(st.st_mode) && st.st_size <= 16 * PAGE)
            SAY("  %s, mode %o", st.st_size ? "cut" : "empty", st.st_mode & 07777);
        if (S_ISREG(st.st_mode) && st.st_size >= LARGE)
            SAY("  large");
    }
    if (fd >= 0)
        close(fd);
    SAY("%s: signal %d%s, %s", what, WTERMSIG(status), WCOREDUMP(status) ? " dumped" : "", file);
}

static void one(const char *what, void (*end)(void))
{
    int status;
    siginfo_t info;
    pid_t child = fork();
    if (!child) {
        unlimited();
        end();
        _exit(0);
    }
    waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    waitpid(child, &status, 0);
    show(what, status);
    if (info.si_code != (WCOREDUMP(status)     ? CLD_DUMPED
                         : WIFSIGNALED(status) ? CLD_KILLED
                                               : CLD_EXITED) ||
        info.si_status != (WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)))
        SAY("  waitid says %d %d", info.si_code, info.si_status);
    unlink("core");
    rmdir("core");
}

static int signal_now;
static void raises(void) { raise(signal_now); }
static void waits_for_signal(void)
{
    for (;;)
        pause();
}

static void signals(void)
{
    static const int all[] = { SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,  SIGFPE, SIGSEGV,
                               SIGXCPU, SIGXFSZ, SIGSYS,  SIGTERM, SIGKILL, SIGHUP, SIGUSR1 };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        signal_now = all[i];
        one("raised", raises);
    }
    /* from outside, while it waits */
    pid_t child = fork();
    int status;
    if (!child) {
        unlimited();
        waits_for_signal();
    }
    usleep(20000);
    kill(child, SIGQUIT);
    waitpid(child, &status, 0);
    show("sent", status);
    unlink("core");
}

/* ---- what is in the way ---- */

static void in_the_way(void)
{
    symlink("target", "core");
    one("a link", aborts);
    SAY("target %s", access("target", F_OK) ? "untouched" : "made");
    close(open("target", O_CREAT | O_WRONLY, 0600));
    symlink("target", "core");
    one("a link to a file", aborts);
    struct stat st = { 0 };
    stat("target", &st);
    SAY("target has %d bytes", (int)st.st_size);
    link("target", "core");
    one("two names", aborts);
    stat("target", &st);
    SAY("target has %d bytes", (int)st.st_size);
    unlink("target");
    mkfifo("core", 0600);
    one("a fifo", aborts);
    mkdir("core", 0700);
    one("a directory", aborts);
    int fd = open("core", O_CREAT | O_WRONLY, 0644);
    SHOW(write(fd, "old contents", 12));
    fchmod(fd, 0644);
    close(fd);
    one("a file that others may read", aborts);
    fd = open("core", O_CREAT | O_WRONLY, 0600);
    SHOW(write(fd, "old contents", 12));
    close(fd);
    one("a file", aborts);
    umask(0277);
    one("umask", aborts);
    umask(022);
    mkdir("closed", 0500);
    chdir("closed");
    if (geteuid())
        one("a closed directory", aborts);
    chdir("..");
    rmdir("closed");
}

/* ---- a tracer ---- */

static void traced(void)
{
    unsigned long message = 0;
    int status;
    pid_t child = fork();
    if (!child) {
        unlimited();
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        abort();
    }
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT);
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    SAY("traced: %x", status);
    ptrace(PTRACE_CONT, child, 0, SIGABRT);
    waitpid(child, &status, 0);
    ptrace(PTRACE_GETEVENTMSG, child, 0, &message);
    SAY("traced: %x, message %lx", status, message);
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    show("traced", status);
    unlink("core");
}

/* A kill in the middle: the process ends soon, by its first signal. */
static void killed(void)
{
    for (int i = 0; i < 20; i++) {
        int status;
        pid_t child = fork();
        if (!child) {
            unlimited();
            char *at = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
            if (at != MAP_FAILED)
                abort();
            _exit(1);
        }
        usleep(1000 * i);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        if (WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGABRT)
            SAY("killed: %x", status);
        unlink("core");
    }
    SAY("killed");
}

/* ---- who hinders those that write: no more is to be seen of it than that all of them end ---- */

static void many_regions(void)
{
    for (int i = 0; i < 3000; i++)
        mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    abort();
}

static void many_threads(void)
{
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 4 * PAGE);
    for (int i = 0; i < 150; i++)
        pthread_create(&thread, &small, i % 3 ? idle_thread : busy_thread, NULL);
    abort();
}

static void *execs(void *unused)
{
    execl("/bin/true", "true", NULL);
    return unused;
}

static void *dies(void *unused)
{
    inner_fault(nowhere());
    return unused;
}

static void *ends(void *unused)
{
    syscall(SYS_exit, 0);
    return unused;
}

static void *forks(void *unused)
{
    for (int i = 0; i < 20; i++)
        if (!fork())
            _exit(0);
    return unused;
}

/* Threads that end, execute, fork, and die of their own at the same time. */
static void racing(void)
{
    void *(*const work[])(void *) = { execs, ends, forks, dies, dies, ends };
    pthread_t thread;
    int order = getpid();
    for (int i = 0; i < 6; i++)
        pthread_create(&thread, NULL, work[(i * 5 + order) % 6], NULL);
    if (order % 3)
        abort();
    pause();
}

/* Shares the memory of the one that dies, and takes all of it away that it can spare. */
static int unmaps(void *unused)
{
    for (int i = 0; i < 300; i++) {
        char *at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(at - 64 * PAGE, 66 * PAGE);
    }
    (void)unused;
    return 0;
}

static void shared(void)
{
    static char stack[8 * PAGE] __attribute__((aligned(16)));
    clone(unmaps, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    abort();
}

/* false: the child has not ended in half a minute. */
static int ended(pid_t child)
{
    for (int i = 0; i < 3000; i++) {
        int status;
        pid_t got = waitpid(child, &status, WNOHANG);
        if (got < 0 || (got && !WIFSTOPPED(status)))
            return 1;
        if (got)
            ptrace(PTRACE_DETACH, child, 0, 0);
        kill(child, SIGCONT);
        usleep(10000);
    }
    return 0;
}

static int hinder(pid_t child)
{
    static const int signals[] = { SIGSTOP, SIGCONT, SIGTERM, SIGSEGV, SIGTSTP, SIGCONT, SIGALRM };
    for (int i = 0; i < 60; i++) {
        kill(child, signals[i % 7]);
        if (i % 5 == 0 && !ptrace(PTRACE_ATTACH, child, 0, 0)) {
            if (waitpid(child, NULL, WNOHANG) == child && i % 2)
                ptrace(PTRACE_CONT, child, 0, 0);
            ptrace(PTRACE_DETACH, child, 0, 0);
        }
        if (i % 7 == 0)
            usleep(500);
    }
    return ended(child);
}

static int hinders(void)
{
    void (*const work[])(void) = { many_regions, many_threads, racing, shared, deep, racing };
    alarm(100);
    for (int i = 0; i < 36; i++) {
        pid_t child = fork();
        if (!child) {
            unlimited();
            alarm(0);
            work[i % 6]();
            _exit(0);
        }
        if (!hinder(child))
            SAY("%d does not end", i);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    SAY("all have ended");
    return 0;
}

static int ends_as(const char *how)
{
    unlimited();
    if (!strcmp(how, "fault"))
        return outer_fault(nowhere());
    if (!strcmp(how, "threads"))
        return in_threads();
    if (!strcmp(how, "deep"))
        return too_deep((char[]){ 1 });
    if (!strcmp(how, "large")) {
        char *at = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        memset(at, 7, 4 << 20);
        return outer_fault(nowhere());
    }
    abort();
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/coresXXXXXX";
    if (argc > 1)
        return strcmp(argv[1], "hinders") ? ends_as(argv[1]) : hinders();
    if (!mkdtemp(directory) || chdir(directory))
        return 1;
    one("exits", nothing);
    signals();
    one("fault", fault);
    one("stack", deep);
    one("no limit", no_limit);
    one("small limit", small_limit);
    one("some limit", some_limit);
    one("no memory", no_memory);
    one("not dumpable", not_dumpable);
    one("no descriptors", no_descriptors);
    one("huge", huge);
    one("large", large);
    one("large, not to be dumped", large_hidden);
    one("threads", threads);
    one("after vfork", in_vfork);
    in_the_way();
    traced();
    killed();
    chdir("/");
    return rmdir(directory);
}
