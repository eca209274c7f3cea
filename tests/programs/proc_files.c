/* /proc as tools read it: names and shapes of lines, threads, limits, descriptors, mounts. */
#define _GNU_SOURCE
#include "proc_text.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* The line that begins so, with runs of digits as N. */
static void shape(const char *path, const char *begin)
{
    char *at = contents(path), line[512];
    while (*at && strncmp(at, begin, strlen(begin)))
        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : "";
    unsigned n = 0;
    for (; *at && *at != '\n' && n < sizeof line - 1; at++)
        if (!isdigit(*at) || n == 0 || line[n - 1] != 'N')
            line[n++] = isdigit(*at) ? 'N' : *at;
    line[n] = 0;
    SAY("%s: %s", path, line);
}

/* The line that begins so. */
static void line_of(const char *path, const char *begin)
{
    char *at = contents(path);
    while (*at && strncmp(at, begin, strlen(begin)))
        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : "";
    SAY("%s: %.*s", path, (int)strcspn(at, "\n"), at);
}

static void fields(const char *path)
{
    unsigned n = 0;
    contents(path);
    for (char *word = strtok(text, " \n"); word; word = strtok(NULL, " \n"))
        n++;
    SAY("%s: %u fields", path, n);
}

static void process(void)
{
    static const char *const lines[] = { "Tgid:",    "NSpid:",  "NSsid:",  "Kthread:",
                                         "Threads:", "ShdPnd:", "Seccomp:" };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
        shape("/proc/self/status", lines[i]);
    fields("/proc/self/stat");
    fields("/proc/self/statm");
    fields("/proc/self/schedstat");
    fields("/proc/self/wchan");
    line_of("/proc/self/status", "NoNewPrivs:");
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    line_of("/proc/self/status", "NoNewPrivs:");
    line_of("/proc/self/personality", "");
    SHOW(personality(ADDR_NO_RANDOMIZE));
    line_of("/proc/self/personality", "");
}

static void signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    line_of("/proc/self/status", "ShdPnd:");
    kill(getpid(), SIGUSR1);
    line_of("/proc/self/status", "ShdPnd:");
    line_of("/proc/self/status", "SigBlk:");
    signal(SIGUSR1, SIG_IGN);
    line_of("/proc/self/status", "ShdPnd:");
    line_of("/proc/self/status", "SigIgn:");
}

static void limits(void)
{
    static const struct rlimit l[] = { { 60, 100 }, { 4096, RLIM_INFINITY } };
    setrlimit(RLIMIT_CPU, &l[0]);
    setrlimit(RLIMIT_FSIZE, &l[1]);
    line_of("/proc/self/limits", "Limit");
    line_of("/proc/self/limits", "Max cpu");
    line_of("/proc/self/limits", "Max file size");
    line_of("/proc/self/limits", "Max nice");
    line_of("/proc/self/limits", "Max realtime timeout");
}

static void descriptors(void)
{
    char path[64], buffer[8];
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC),
        again = open("/dev/null", O_RDWR | O_APPEND);
    read(fd, buffer, sizeof buffer);
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    dup2(fd, 70);
    dup3(again, 71, O_CLOEXEC);
    line_of("/proc/self/fdinfo/70", "pos:");
    line_of("/proc/self/fdinfo/70", "flags:");
    line_of("/proc/self/fdinfo/71", "flags:");
    SHOW(open("/proc/self/fdinfo/99", O_RDONLY));
    SHOW(open("/proc/self/fdinfo/071", O_RDONLY));
    struct stat s;
    SHOW(stat("/proc/self/fdinfo/70", &s) == 0 && S_ISREG(s.st_mode));
    SHOW(s.st_mode & 0777);
}

/* What the link of a descriptor says, with runs of digits as N, and what its mode says. */
static void link_of(int fd)
{
    char path[64], text[256], shown[256];
    struct stat s = { 0 };
    unsigned n = 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int length = readlink(path, text, sizeof text - 1);
    for (int i = 0; i < length; i++)
        if (!isdigit(text[i]) || n == 0 || shown[n - 1] != 'N')
            shown[n++] = isdigit(text[i]) ? 'N' : text[i];
    if (length >= 6 && !strncmp(text, "/memfd", 6))
        n = 6; /* its name is not known here */
    lstat(path, &s);
    SAY("%.*s, mode %o", (int)n, shown, s.st_mode);
}

/* Files that have no name have a link that can be read. */
static void links(void)
{
    enum { O_NAMELESS = 020000000 | O_DIRECTORY /* O_TMPFILE */ };
    static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR, O_PATH };
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++)
        link_of(open("/dev/null", flags[i]));
    int fd = open("/tmp/minnow-gone", O_RDWR | O_CREAT, 0600);
    unlink("/tmp/minnow-gone");
    link_of(fd);
    link_of(open("/tmp", O_NAMELESS | O_WRONLY, 0600));
    link_of(syscall(SYS_memfd_create, "some", 0));
}

static pthread_barrier_t barrier;

static void *thread(void *unused)
{
    char path[64], link[64] = "", expected[64];
    (void)unused;
    int tid = syscall(SYS_gettid);
    SHOW(tid != getpid());
    snprintf(expected, sizeof expected, "%d/task/%d", getpid(), tid);
    readlink("/proc/thread-self", link, sizeof link - 1);
    SHOW(strcmp(link, expected));
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    SHOW(atoi(contents(path)) == tid);
    SHOW(atoi(contents("/proc/thread-self/stat")) == tid);
    shape("/proc/thread-self/status", "Pid:");
    snprintf(path, sizeof path, "/proc/self/task/%d/task", tid);
    SHOW(open(path, O_RDONLY));
    snprintf(path, sizeof path, "/proc/self/task/%d/../../task/%d", tid, getpid());
    SHOW(open(path, O_RDONLY) >= 0);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static unsigned count(const char *path)
{
    unsigned n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void threads(void)
{
    pthread_t id;
    SHOW(count("/proc/self/task"));
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&id, NULL, thread, NULL);
    pthread_barrier_wait(&barrier);
    SHOW(count("/proc/self/task"));
    line_of("/proc/self/status", "Threads:");
    pthread_barrier_wait(&barrier);
    pthread_join(id, NULL);
    SHOW(open("/proc/self/task/1", O_RDONLY));
    SHOW(chdir("/proc/thread-self") || chdir("..") || chdir(".."));
    SHOW(count("task"));
    SHOW(chdir("/"));
}

static void mounts(void)
{
    char type[32] = "", path[64] = "", root[64];
    unsigned id, parent, major, minor;
    SHOW(sscanf(contents("/proc/self/mountinfo"), "%u %u %u:%u %63s %63s", &id, &parent, &major,
                &minor, root, path));
    SHOW(strstr(text, " - proc ") != NULL);
    SHOW(sscanf(contents("/proc/self/mountstats"), "device %*s mounted on %63s with fstype %31s",
                path, type));
    SHOW(strstr(text, " mounted on /proc with fstype proc\n") != NULL);
}

static const char *next_line(const char *at)
{
    const char *end = strchr(at, '\n');
    return end ? end + 1 : "";
}

/* How many words the first line has. */
static unsigned words(const char *at)
{
    unsigned n = 0;
    for (; *at && *at != '\n'; at++)
        n += *at != ' ' && (at[1] == ' ' || at[1] == '\n');
    return n;
}

static void system_files(void)
{
    static const char *const paths[] = { "vm/overcommit_memory", "vm/max_map_count",
                                         "kernel/overflowuid",   "kernel/overflowgid",
                                         "fs/overflowuid",       "kernel/randomize_va_space",
                                         "vm/nr_hugepages" };
    char path[64];
    for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        snprintf(path, sizeof path, "/proc/sys/%s", paths[i]);
        shape(path, "");
    }
    SHOW(open("/proc/sys/kernel/ostype", O_WRONLY));
    SHOW(open("/proc/sys/kernel/ostype", O_RDWR));
    static const char *const more[] = { "vm/min_free_kbytes",     "vm/admin_reserve_kbytes",
                                        "vm/panic_on_oom",        "vm/legacy_va_layout",
                                        "fs/protected_hardlinks", "fs/protected_symlinks",
                                        "kernel/dmesg_restrict",  "kernel/shm_rmid_forced" };
    for (unsigned i = 0; i < sizeof more / sizeof more[0]; i++) {
        snprintf(path, sizeof path, "/proc/sys/%s", more[i]);
        shape(path, "");
    }
    line_of("/proc/sys/kernel/arch", "");
    line_of("/proc/partitions", "major");
    SHOW(*next_line(next_line(contents("/proc/partitions"))) == ' ');
    SHOW(words(contents("/proc/diskstats")));
    SHOW(words(contents("/proc/misc")));
    SHOW(strncmp(contents("/proc/interrupts"), "           CPU0 ", 15));
    SHOW(strstr(contents("/proc/interrupts"), "LOC: ") != NULL);
    line_of("/proc/devices", "Character");
    line_of("/proc/devices", "136 ");
    line_of("/proc/devices", "  1 ");
    line_of("/proc/devices", "Block");
    line_of("/proc/swaps", "Filename");
}

/* Whether a word stands in the line of /proc/cpuinfo that begins so. */
static int cpu_has(const char *word)
{
    char *line = strstr(contents("/proc/cpuinfo"), "\nflags\t\t: "), *end, *at = line;
    if (!line || !(end = strchr(line + 1, '\n')))
        return -1;
    size_t n = strlen(word);
    while ((at = strstr(at + 1, word)) && at < end)
        if (at[-1] == ' ' && (at[n] == ' ' || at[n] == '\n'))
            return 1;
    return 0;
}

/* The lines by which programs choose their instructions, which differ from machine to machine, but
 * not from what the processor says. */
static void processor_info(void)
{
    static const char *const lines[] = { "fpu\t",           "cpuid level",  "wp",
                                         "cache_alignment", "clflush size", "core id" };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
        SAY("%s: %d", lines[i], strstr(contents("/proc/cpuinfo"), lines[i]) != NULL);
    SHOW(cpu_has("sse2"));
    SHOW(cpu_has("lm"));
    __builtin_cpu_init();
    SHOW(cpu_has("sse4_2") == !!__builtin_cpu_supports("sse4.2"));
    SHOW(cpu_has("popcnt") == !!__builtin_cpu_supports("popcnt"));
    SHOW(cpu_has("avx2") == !!__builtin_cpu_supports("avx2"));
    SHOW(cpu_has("bmi2") == !!__builtin_cpu_supports("bmi2"));
}

/* What another user may open. */
static void strangers(void)
{
    static const char *const names[] = { "personality", "io",       "mountstats",
                                         "fdinfo",      "fdinfo/0", "limits",
                                         "task",        "wchan",    "schedstat" };
    char path[64];
    int pid = getpid();
    if (!fork()) {
        setgid(9);
        setuid(9);
        for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
            snprintf(path, sizeof path, "/proc/%d/%s", pid, names[i]);
            int fd = open(path, O_RDONLY);
            SAY("%s: %s", names[i], fd < 0 ? error_name(errno) : "opened");
        }
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

/* The auxiliary vector is what the program found on its stack, and a process's own matter. */
static void vector(void)
{
    uint64_t pair[64];
    int fd = open("/proc/self/auxv", O_RDONLY);
    ssize_t n = read(fd, pair, sizeof pair), more = read(fd, pair + 60, 8);
    unsigned right = 0, count = n / 16;
    for (unsigned i = 0; i + 1 < count; i++)
        right += getauxval(pair[2 * i]) == pair[2 * i + 1];
    SAY("auxv: %s, ends with %d, then %zd", right == count - 1 && right > 10 ? "right" : "wrong",
        n > 0 ? (int)pair[2 * (count - 1)] : -1, more);
    close(fd);
}

/* What /proc/self/io says in these lines. */
static ssize_t io_counts(int fd, unsigned long counts[4])
{
    char text[300] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    sscanf(text, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\n", &counts[0], &counts[1],
           &counts[2], &counts[3]);
    return n;
}

static void io(void)
{
    char bytes[100];
    struct iovec two[2] = { { bytes, 10 }, { bytes, 7 } };
    unsigned long before[4] = { 0 }, after[4] = { 0 };
    int ends[2], zero = open("/dev/zero", O_RDWR), fd = open("/proc/self/io", O_RDONLY);
    pipe2(ends, O_NONBLOCK);
    ssize_t n = io_counts(fd, before); /* it counts itself, when it is done */
    for (int i = 0; i < 5; i++)
        read(zero, bytes, sizeof bytes);
    pread(zero, bytes, 11, 0);
    readv(zero, two, 2);
    write(zero, bytes, 50);
    writev(ends[1], two, 2);
    write(ends[1], bytes, 3);
    read(ends[0], bytes, sizeof bytes);
    read(ends[0], bytes, sizeof bytes); /* EAGAIN */
    read(99, bytes, sizeof bytes);      /* no call on a file */
    if (!fork()) {
        write(ends[1], bytes, sizeof bytes);
        _exit(0);
    }
    wait(NULL);
    io_counts(fd, after);
    SAY("io: %ld %ld bytes, %ld %ld calls", (long)(after[0] - before[0] - n),
        (long)(after[1] - before[1]), (long)(after[2] - before[2]), (long)(after[3] - before[3]));
    shape("/proc/self/io", "");
    close(fd), close(zero), close(ends[0]), close(ends[1]);
}

int main(void)
{
    vector();
    io();
    shape("/proc/loadavg", "");
    shape("/proc/sys/fs/file-nr", "");
    shape("/proc/sys/kernel/sched_rr_timeslice_ms", "");
    line_of("/proc/sys/kernel/random/poolsize", "");
    /* what the starter ignored is no matter; musl's signal() spares three of its own */
    for (int sig = 1; sig < 65; sig++)
        syscall(SYS_rt_sigaction, sig, (uint64_t[4]){ 0 }, NULL, 8);
    process();
    signals();
    limits();
    descriptors();
    links();
    line_of("/proc/filesystems", "nodev\tdevpts");
    threads();
    mounts();
    system_files();
    processor_info();
    strangers();
    return 0;
}
