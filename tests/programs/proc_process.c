/* What /proc tells of a process besides its memory's map: the fields of stat and status and how
 * they agree, signals that wait, and how likely a process is to be chosen when memory runs out. */
#define _GNU_SOURCE
#include "proc_text.h"

#include <grp.h>
#include <pthread.h>
#include <stdbool.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { PAGE = 4096, KIB = 1024, FIELDS = 60 };

/* The line of status with this name, without the name. */
static const char *line_of(const char *path, const char *name)
{
    static char line[256];
    char *at = contents(path);
    size_t n = strlen(name);
    while (*at && (strncmp(at, name, n) || at[n] != ':'))
        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : "";
    snprintf(line, sizeof line, "%.*s", *at ? (int)strcspn(at + n + 1, "\n") : 0, at + n + 1);
    return line;
}

static long number(const char *name) { return atol(line_of("/proc/self/status", name)); }

/* The fields of stat, as proc(5) numbers them. */
static unsigned fields_of(const char *path, long long field[FIELDS])
{
    unsigned n = 3;
    char *at = strrchr(contents(path), ')');
    memset(field, 0, FIELDS * sizeof field[0]);
    for (at = at ? at + 4 : ""; *at && n < FIELDS - 1; at += strcspn(at, " \n") + 1)
        field[++n] = strtoll(at, NULL, 10);
    return n;
}

/* ---- status ---- */

/* The lines that Linux 6.1 has on any machine, in their order. */
static void names(void)
{
    static const char *const old[] = {
        "Name",         "State",
        "Tgid",         "Ngid",
        "Pid",          "PPid",
        "TracerPid",    "Uid",
        "Gid",          "FDSize",
        "Groups",       "NStgid",
        "NSpid",        "NSpgid",
        "NSsid",        "VmPeak",
        "VmSize",       "VmLck",
        "VmPin",        "VmHWM",
        "VmRSS",        "RssAnon",
        "RssFile",      "RssShmem",
        "VmData",       "VmStk",
        "VmExe",        "VmLib",
        "VmPTE",        "VmSwap",
        "HugetlbPages", "Threads",
        "SigQ",         "SigPnd",
        "ShdPnd",       "SigBlk",
        "SigIgn",       "SigCgt",
        "CapInh",       "CapPrm",
        "CapEff",       "CapBnd",
        "CapAmb",       "NoNewPrivs",
        "Seccomp",      "Seccomp_filters",
    };
    for (char *at = contents("/proc/self/status"); *at; at = strchr(at, '\n') + 1)
        for (unsigned i = 0; i < sizeof old / sizeof old[0]; i++)
            if (strcspn(at, ":") == strlen(old[i]) && !strncmp(at, old[i], strlen(old[i])))
                SAY("%s%s", old[i], strchr(at, '\n')[-1] == 'B' ? ", in kB" : "");
}

static void memory_lines(void)
{
    enum { MORE = 64 };
    long size = number("VmSize"), peak = number("VmPeak"), data = number("VmData"),
         locked = number("VmLck");
    SHOW(peak >= size);
    SHOW(number("VmHWM") >= number("VmRSS"));
    SHOW(number("VmExe") > 0);
    SHOW(number("VmPTE") > 0);
    SHOW(number("VmStk") > 0);
    char *more = mmap(NULL, MORE * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);
    long anonymous = number("RssAnon"), shared = number("RssShmem");
    SHOW(number("VmSize") - size == MORE * PAGE / KIB);
    SHOW(number("VmData") - data == MORE * PAGE / KIB);
    for (unsigned i = 0; i < MORE; i++)
        more[i * PAGE] = 1;
    long now = number("RssAnon") - anonymous, room = 64;
    SHOW(now >= MORE * PAGE / KIB && now < MORE * PAGE / KIB + room);
    SHOW(mlock(more, MORE * PAGE));
    SHOW(number("VmLck") - locked == MORE * PAGE / KIB);
    munmap(more, MORE * PAGE);
    SHOW(number("VmPeak") >= size + MORE * PAGE / KIB);
    SHOW(number("VmSize") == size);
    more = mmap(NULL, MORE * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(more, 1, MORE * PAGE);
    SHOW(number("RssShmem") - shared == MORE * PAGE / KIB);
    long rss = number("VmRSS"), sum = number("RssAnon") + number("RssFile") + number("RssShmem");
    SHOW(labs(rss - sum) <= room);
}

static void nothing(int sig) { (void)sig; }

static unsigned queued(void)
{
    unsigned n = 0;
    sscanf(line_of("/proc/self/status", "SigQ"), "%u", &n);
    return n;
}

static void signals(void)
{
    sigset_t set;
    struct rlimit limit;
    long long field[FIELDS];
    char expected[32];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN + 5);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGHUP, nothing);
    getrlimit(RLIMIT_SIGPENDING, &limit);
    const char *line = line_of("/proc/self/status", "SigQ");
    snprintf(expected, sizeof expected, "/%lu", (unsigned long)limit.rlim_cur);
    SHOW(strcmp(strchr(line, '/'), expected));
    unsigned before = queued();
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN + 5, (union sigval){ .sival_int = i });
    SHOW(queued() - before);
    SHOW(kill(getpid(), SIGUSR1));
    SHOW(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2));
    SAY("SigPnd%s", line_of("/proc/self/status", "SigPnd"));
    SAY("ShdPnd%s", line_of("/proc/self/status", "ShdPnd"));
    SAY("SigPnd%s", line_of("/proc/thread-self/status", "SigPnd"));
    fields_of("/proc/self/stat", field);
    SAY("stat: %llx %llx, %d", field[31], field[32], (int)(field[34] & 1));
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    SAY("SigPnd%s", line_of("/proc/self/status", "SigPnd"));
    fields_of("/proc/self/stat", field);
    SAY("stat: %llx %llx %d", field[31], field[32], (int)(field[33] >> 9 & 5));
    signal(SIGRTMIN + 5, SIG_IGN);
    SHOW(queued() - before);
}

static pthread_barrier_t barrier;
static int other;

static void *thread(void *unused)
{
    (void)unused;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    other = syscall(SYS_gettid);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* A signal that waits for a thread is shown in that thread's directory. */
static void thread_signals(void)
{
    pthread_t id;
    char path[64];
    long long field[FIELDS];
    signal(SIGUSR2, nothing);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&id, NULL, thread, NULL);
    pthread_barrier_wait(&barrier);
    SHOW(syscall(SYS_tgkill, getpid(), other, SIGUSR2));
    snprintf(path, sizeof path, "/proc/self/task/%d/status", other);
    SAY("its SigPnd%s", line_of(path, "SigPnd"));
    SAY("the first's SigPnd%s", line_of("/proc/self/status", "SigPnd"));
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", other);
    fields_of(path, field);
    SAY("its stat: %llx, exit signal %lld", field[31], field[38]);
    pthread_barrier_wait(&barrier);
    pthread_join(id, NULL);
}

/* ---- stat ---- */

extern char **environ;
static char data[8] = "data";

/* Where things stand, as the process itself sees it. */
static void addresses(char **argv)
{
    long long f[FIELDS];
    unsigned n = fields_of("/proc/self/stat", f);
    char on_stack;
    SAY("%u fields", n);
    uintptr_t code = (uintptr_t)addresses, at = (uintptr_t)data, stack = (uintptr_t)&on_stack,
              heap = syscall(SYS_brk, 0);
    SHOW((uintptr_t)f[26] <= code && code < (uintptr_t)f[27]);
    SHOW(stack < (uintptr_t)f[28] && (uintptr_t)f[28] < (uintptr_t)argv);
    SHOW(f[29] == 0 && f[30] == 0);
    SHOW((uintptr_t)f[45] <= at && at < (uintptr_t)f[46]);
    SHOW((uintptr_t)f[47] <= heap && f[46] <= f[47]);
    SHOW((uintptr_t)f[48] == (uintptr_t)argv[0]);
    SHOW(f[49] == f[50] && (uintptr_t)f[50] == (uintptr_t)environ[0]);
    SHOW(f[50] < f[51]);
    SHOW(f[35]); /* it runs */
    SHOW(f[36] == 0 && f[37] == 0 && f[38] == SIGCHLD);
    SHOW(f[40] == 0 && f[41] == SCHED_OTHER && f[42] == 0 && f[52] == 0);
    SHOW(f[23] / KIB == number("VmSize"));
}

/* Of a process that sleeps, as itself, root and another user see it. */
static void seen(const char *who, pid_t pid)
{
    char path[64];
    long long f[FIELDS];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    fields_of(path, f);
    SAY("%s: code %s, stack %s, waits %lld, data %s, arguments %s, end %lld", who,
        f[26] > 1 ? "shown"
        : f[26]   ? "1"
                  : "0",
        f[28] ? "shown" : "0", f[35], f[45] ? "shown" : "0", f[48] ? "shown" : "0", f[52]);
}

static void as(uid_t uid)
{
    setgroups(0, NULL);
    setgid(uid);
    setuid(uid);
}

/* Until the process sleeps. */
static void wait_asleep(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    for (int i = 0; i < 1000 && strrchr(contents(path), ')')[2] != 'S'; i++)
        pause_ms(5);
}

static void seen_by_all(void)
{
    struct sched_param round = { .sched_priority = 7 };
    char path[64];
    long long f[FIELDS];
    pid_t pid = fork();
    if (!pid) {
        pause();
        _exit(0);
    }
    wait_asleep(pid);
    seen("root", pid);
    if (!fork()) {
        as(9);
        seen("another", pid);
        _exit(0);
    }
    wait(NULL);
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    SHOW(syscall(SYS_sched_setscheduler, pid, SCHED_RR, &round));
    fields_of(path, f);
    SAY("priority %lld, real-time %lld, policy %lld", f[18], f[40], f[41]);
    kill(pid, SIGKILL);
    siginfo_t unused;
    waitid(P_PID, pid, &unused, WEXITED | WNOWAIT);
    seen("a zombie", pid);
    waitpid(pid, NULL, 0);
}

/* ---- oom_score_adj ---- */

static void put(const char *path, const char *value)
{
    errno = 0;
    int fd = open(path, O_WRONLY);
    long n = fd < 0 ? -1 : write(fd, value, strlen(value));
    const char *error = error_name(errno);
    char shown[32];
    snprintf(shown, sizeof shown, "%s", value);
    for (char *at = shown; *at; at++)
        *at = *at == '\n' ? '|' : *at;
    close(fd);
    SAY("%s: '%s' %ld %s", strrchr(path, '/') + 1, shown, n, n < 0 ? error : "");
}

static void values(pid_t pid)
{
    static const char *const files[] = { "oom_score_adj", "oom_adj" };
    char path[64];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
        SAY("  %s %s", files[i], strtok(contents(path), "\n"));
    }
}

static void drop_capability(unsigned which)
{
    struct {
        uint32_t version;
        int pid;
    } head = { 0x20080522, 0 };
    uint32_t sets[2][3];
    syscall(SYS_capget, &head, sets);
    for (unsigned i = 0; i < 3; i++)
        sets[which / 32][i] &= ~(1u << which % 32);
    syscall(SYS_capset, &head, sets);
}

/* Of a process that may only raise it. */
static void chosen(void)
{
    enum { CAP_SYS_RESOURCE = 24 };
    drop_capability(CAP_SYS_RESOURCE);
    static const char *const adj = "/proc/self/oom_score_adj", *const old = "/proc/self/oom_adj";
    static const char *const texts[] = {
        "500\n", "-1000",       "+12 ",  " 7 ",          "0x10",          "010",
        "1001",  "-1001",       "x",     "5x",           "1 2",           "09",
        "0x",    "99999999999", "\n3\n", "000000000001", "0000000000012", "0"
    };
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put(adj, texts[i]);
        values(getpid());
    }
    static const char *const olds[] = { "15", "-17", "10", "16", "-18", "-8", "0" };
    for (unsigned i = 0; i < sizeof olds / sizeof olds[0]; i++) {
        put(old, olds[i]);
        values(getpid());
    }
    put(adj, "300");
    if (!fork()) {
        SAY("a child");
        values(getpid());
        as(9);
        prctl(PR_SET_DUMPABLE, 1);
        put(adj, "299");
        put(old, "1");
        put(adj, "400");
        put(adj, "350");
        put(adj, "300");
        put(old, "10");
        put(old, "3");
        values(getpid());
        pid_t parent = getppid();
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/oom_score_adj", parent);
        put(path, "900");
        values(parent);
        _exit(0);
    }
    wait(NULL);
    values(getpid());
    struct stat s;
    SHOW(stat(adj, &s) == 0 && s.st_mode == (S_IFREG | 0644));
    SHOW(stat("/proc/self/oom_score", &s) == 0 && s.st_mode == (S_IFREG | 0444));
    put(adj, "0");
    long score = atol(contents("/proc/self/oom_score"));
    SHOW(score >= 600 && score < 800);
    put(adj, "900");
    SHOW(atol(contents("/proc/self/oom_score")) - score > 500);
    SAY("init %s", strtok(contents("/proc/1/oom_score"), "\n"));
    put(adj, "0");
}

int main(int argc, char **argv)
{
    (void)argc;
    /* what the starter ignored is no matter */
    for (int sig = 1; sig < 65; sig++)
        syscall(SYS_rt_sigaction, sig, (uint64_t[4]){ 0 }, NULL, 8);
    names();
    memory_lines();
    addresses(argv);
    seen_by_all();
    /* as a user of its own, whose signals nobody else has */
    fflush(stdout);
    if (!fork()) {
        as(7777);
        signals();
        _exit(0);
    }
    wait(NULL);
    thread_signals();
    chosen();
    return 0;
}
