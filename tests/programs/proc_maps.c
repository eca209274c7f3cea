/* /proc/PID/maps, smaps and smaps_rollup: names of what is mapped, how its pages are used, who may
 * look. */
#define _GNU_SOURCE
#include "oracle.h"

#include <grp.h>
#include <stdbool.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum { PAGE = 4096, KIB = 1024, TEXT = 256 * KIB };

static char folder[] = "/tmp/maps.XXXXXX", text[TEXT];

static ssize_t contents(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = 0;
    for (ssize_t now = 1; fd >= 0 && now > 0 && n<TEXT - 1; n += now> 0 ? now : 0)
        now = read(fd, text + n, TEXT - 1 - n);
    text[n] = 0;
    close(fd);
    return n;
}

/* A line of maps. */
struct line {
    unsigned long start, end, offset, inode;
    char rights[8], name[512];
    unsigned major, minor;
};

/* Splits the line at `at`. false: it is none of maps. */
static bool parse(const char *at, struct line *l)
{
    int n = 0;
    l->name[0] = 0;
    if (sscanf(at, "%lx-%lx %7s %lx %x:%x %lu%n", &l->start, &l->end, l->rights, &l->offset,
               &l->major, &l->minor, &l->inode, &n) != 7)
        return false;
    while (at[n] == ' ')
        n++;
    snprintf(l->name, sizeof l->name, "%.*s", (int)strcspn(at + n, "\n"), at + n);
    return true;
}

/* What maps or smaps of a process has from the line on of the region with an address. */
static const char *region(const char *path, const void *address, struct line *l)
{
    contents(path);
    for (const char *at = text; *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : "")
        if (parse(at, l) && l->start <= (uintptr_t)address && (uintptr_t)address < l->end)
            return at;
    *l = (struct line){ 0 };
    return "";
}

/* The number behind a name, in what smaps has of the region that begins at `at`; -1: none. */
static long figure(const char *at, const char *name)
{
    struct line next;
    for (at = strchr(at, '\n'); at && at[1] && !parse(at + 1, &next); at = strchr(at + 1, '\n'))
        if (!strncmp(at + 1, name, strlen(name)) && at[1 + strlen(name)] == ':')
            return atol(at + 2 + strlen(name));
    return -1;
}

static const char *inside(const char *name)
{
    size_t n = strlen(folder);
    return strncmp(name, folder, n) ? name : name + n;
}

/* Shows the line of a mapping of `fd` (-1: of none). */
static void show(const char *what, const void *address, int fd)
{
    struct line l;
    struct stat s = { 0 };
    region("/proc/self/maps", address, &l);
    if (fd >= 0)
        fstat(fd, &s);
    bool same = fd < 0 ? l.inode == 0
                       : l.inode == s.st_ino && makedev(l.major, l.minor) == s.st_dev;
    SAY("%s: %lu pages, %s, offset %lx, %s: %s", what, (l.end - l.start) / PAGE, l.rights, l.offset,
        same ? "the inode" : "another inode", inside(l.name));
}

static int make(const char *name, unsigned pages)
{
    char page[PAGE];
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    memset(page, 'x', sizeof page);
    while (pages--)
        write(fd, page, sizeof page);
    return fd;
}

static void *map(int fd, unsigned pages, int protection, int flags, unsigned first)
{
    return mmap(NULL, pages * PAGE, protection, flags | (fd < 0 ? MAP_ANONYMOUS : 0), fd,
                first * PAGE);
}

static void files(void)
{
    int fd = make("file", 8), odd = make("odd\nname", 2);
    char *private = map(fd, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE, 1);
    char *shared = map(fd, 2, PROT_READ, MAP_SHARED, 4);
    char *runs = map(fd, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0);
    char *closed = map(odd, 2, PROT_NONE, MAP_PRIVATE, 0);
    show("private", private, fd);
    show("shared", shared, fd);
    show("runs", runs, fd);
    show("odd", closed, odd);
    munmap(private + PAGE, PAGE);
    show("its end", private + 2 * PAGE, fd);
    mkdir("sub", 0755);
    rename("file", "sub/moved");
    show("moved", shared, fd);
    unlink("sub/moved");
    show("removed", shared, fd);
    char *memory = map(-1, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    mprotect(memory + PAGE, 2 * PAGE, PROT_NONE);
    show("anonymous", memory + PAGE, -1);
    struct line l;
    region("/proc/self/maps", map(-1, 4, PROT_READ | PROT_WRITE, MAP_SHARED, 0), &l);
    SAY("shared memory: %s %s", l.rights, l.name);
    int id = shmget(0xabc, 3 * PAGE, IPC_CREAT | 0600);
    void *segment = shmat(id, NULL, SHM_RDONLY);
    region("/proc/self/maps", segment, &l);
    SAY("segment: %s %s, its id %d", l.rights, l.name, l.inode == (unsigned)id);
    shmdt(segment);
    shmctl(id, IPC_RMID, NULL);
}

/* Two pages more by brk, which the C library does not offer. */
static char *new_heap(void)
{
    char *end = (char *)syscall(SYS_brk, 0);
    syscall(SYS_brk, end + 2 * PAGE);
    return end;
}

static void special(void)
{
    struct line l;
    char path[512] = "";
    unsigned heaps = 0, stacks = 0, vdsos = 0;
    char *heap = new_heap();
    readlink("/proc/self/exe", path, sizeof path - 1);
    region("/proc/self/maps", (void *)special, &l);
    SAY("program: %s %d", l.rights, strcmp(l.name, path));
    region("/proc/self/maps", heap + 1, &l);
    SAY("heap: %s %s", l.rights, l.name);
    region("/proc/self/maps", &l, &l);
    SAY("stack: %s %s", l.rights, l.name);
    contents("/proc/self/maps");
    for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
        parse(at, &l);
        heaps += !strcmp(l.name, "[heap]");
        stacks += !strcmp(l.name, "[stack]");
        vdsos += !strcmp(l.name, "[vdso]");
    }
    SAY("%u heap, %u stack, %u vdso", heaps, stacks, vdsos);
}

/* ---- smaps ---- */

/* The region's figures, by the names given. */
static void figures(const char *what, pid_t pid, const void *address, const char *const *names)
{
    struct line l;
    char path[64], line[512];
    unsigned n = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps", pid);
    const char *at = region(path, address, &l);
    for (; *names; names++)
        n += snprintf(line + n, sizeof line - n, " %s %ld", *names, figure(at, *names));
    SAY("%s:%s", what, line);
}

/* Whether VmFlags of the region has a word. */
static bool flag(const char *at, const char *word)
{
    char flags[256];
    const char *line = strstr(at, "VmFlags:");
    snprintf(flags, sizeof flags, "%.*s", line ? (int)strcspn(line, "\n") : 0, line);
    return strstr(flags, word) != NULL;
}

static void flags(const char *what, const void *address)
{
    static const char *const words[] = { " rd", " wr", " ex", " sh", " mr", " mw",
                                         " me", " ms", " lo", " dc", " wf", " dd" };
    struct line l;
    char line[64];
    unsigned n = 0;
    const char *at = region("/proc/self/smaps", address, &l);
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (flag(at, words[i]))
            n += snprintf(line + n, sizeof line - n, "%s", words[i]);
    SAY("%s:%s", what, line);
}

static const char *const all[] = {
    "Size",          "Rss",       "Pss",  "Shared_Clean",  "Shared_Dirty",
    "Private_Clean", "Anonymous", "Swap", "Private_Dirty", NULL
};
static const char *const sharing[] = { "Rss",           "Pss",       "Shared_Dirty",
                                       "Private_Dirty", "Anonymous", NULL };

static void touch(char *at, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++)
        at[i * PAGE] = 1;
}

/* The fields of smaps that Linux 6.1 has too, in their order. */
static void order(void)
{
    static const char *const old[] = {
        "Size",          "KernelPageSize", "MMUPageSize",     "Rss",           "Pss",
        "Pss_Dirty",     "Shared_Clean",   "Shared_Dirty",    "Private_Clean", "Private_Dirty",
        "Referenced",    "Anonymous",      "LazyFree",        "AnonHugePages", "ShmemPmdMapped",
        "FilePmdMapped", "Shared_Hugetlb", "Private_Hugetlb", "Swap",          "SwapPss",
        "Locked",        "THPeligible",    "VmFlags"
    };
    contents("/proc/self/smaps");
    for (const char *at = strchr(text, '\n') + 1; *at >= 'A' && *at <= 'Z';
         at = strchr(at, '\n') + 1)
        for (unsigned i = 0; i < sizeof old / sizeof old[0]; i++)
            if (strcspn(at, ":") == strlen(old[i]) && !strncmp(at, old[i], strlen(old[i])))
                SAY("%s%s", old[i], strstr(at, " kB\n") == strchr(at, '\n') - 3 ? " kB" : "");
}

static void private_memory(void)
{
    int ends[2], byte;
    char *memory = map(-1, 16, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    figures("untouched", getpid(), memory, all);
    touch(memory, 16);
    figures("touched", getpid(), memory, all);
    flags("private", memory);
    pipe(ends);
    pid_t child = fork();
    if (!child) {
        read(ends[0], &byte, 1);
        _exit(0);
    }
    figures("with a child", getpid(), memory, sharing);
    figures("the child", child, memory, sharing);
    touch(memory, 16);
    figures("written", getpid(), memory, sharing);
    figures("the child", child, memory, sharing);
    write(ends[1], "", 1);
    waitpid(child, NULL, 0);
    figures("alone", getpid(), memory, sharing);
    mprotect(memory, 16 * PAGE, PROT_NONE);
    flags("closed", memory);
    madvise(memory, 16 * PAGE, MADV_DONTNEED);
    figures("given back", getpid(), memory, sharing);
}

static void other_memory(void)
{
    static const char *const some[] = { "Rss", "Anonymous", "Locked", NULL };
    int fd = make("mapped", 4), only = open("mapped", O_RDONLY);
    char *shared = map(-1, 8, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    touch(shared, 8);
    figures("shared", getpid(), shared, all);
    flags("shared", shared);
    char *file = map(fd, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    touch(file, 4);
    figures("copies", getpid(), file, all);
    flags("of a file that is only read", map(only, 2, PROT_READ, MAP_SHARED, 0));
    char *locked = map(-1, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    touch(locked, 4);
    figures("not locked", getpid(), locked, some);
    mlock(locked, 4 * PAGE);
    figures("locked", getpid(), locked, some);
    flags("locked", locked);
    madvise(locked, 4 * PAGE, MADV_WIPEONFORK);
    flags("wiped", locked);
    madvise(locked, 4 * PAGE, MADV_DONTFORK);
    flags("not for children", locked);
    madvise(locked, 4 * PAGE, MADV_DONTDUMP);
    flags("not for core files", locked);
    madvise(locked, 4 * PAGE, MADV_DOFORK);
    madvise(locked, 4 * PAGE, MADV_DODUMP);
    flags("for both", locked);
}

static long sum(const char *name)
{
    long n = 0;
    struct line l;
    for (const char *at = text; *at; at = strchr(at, '\n') + 1)
        if (parse(at, &l) && strcmp(l.name, "[vdso]"))
            n += figure(at, name);
    return n;
}

/* smaps_rollup has the sums. The program's own memory changes a little meanwhile. */
static void rollup(void)
{
    static const char *const names[] = { "Rss", "Pss", "Private_Dirty", "Anonymous", "Locked" };
    enum { SLACK = 256 };
    struct line l;
    long sums[5];
    contents("/proc/self/smaps");
    for (unsigned i = 0; i < 5; i++)
        sums[i] = sum(names[i]);
    contents("/proc/self/smaps_rollup");
    SAY("rollup: %d %s %s", parse(text, &l), l.rights, l.name);
    for (unsigned i = 0; i < 5; i++)
        SAY("%s: %s", names[i], labs(figure(text, names[i]) - sums[i]) <= SLACK ? "the sum" : "?");
    long parts = figure(text, "Pss_Anon") + figure(text, "Pss_File") + figure(text, "Pss_Shmem");
    SHOW(labs(parts - figure(text, "Pss")) <= 2);
    long pages = figure(text, "Shared_Clean") + figure(text, "Shared_Dirty") +
                 figure(text, "Private_Clean") + figure(text, "Private_Dirty");
    SHOW(pages == figure(text, "Rss"));
}

/* ---- reading ---- */

/* sendfile() has either no such thing to offer, or the text. */
static void sent(void)
{
    int ends[2], fd = open("/proc/self/maps", O_RDONLY);
    char byte = 0;
    pipe(ends);
    ssize_t n = sendfile(ends[1], fd, NULL, 100);
    bool not_offered = n < 0 && errno == EINVAL;
    SHOW(not_offered || (n > 0 && read(ends[0], &byte, 1) == 1 && byte != 0));
    close(fd);
}

/* A text read in pieces, forwards and from its end on backwards, is the text. */
static void pieces(pid_t pid)
{
    static char part[TEXT];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    ssize_t n = contents(path), done = 0;
    int fd = open(path, O_RDONLY);
    for (ssize_t now; (now = read(fd, part + done, 7)) > 0;)
        done += now;
    SHOW(done == n && !memcmp(part, text, n));
    memset(part, 0, sizeof part);
    for (ssize_t at = (n - 1) / 50 * 50; at >= 0; at -= 50)
        pread(fd, part + at, 50, at);
    SHOW(memcmp(part, text, n));
    SHOW(pread(fd, part, 10, n));
    SHOW(pread(fd, part, 10, 1l << 40));
    close(fd);
}

static void open_as(const char *who, pid_t pid)
{
    static const char *const names[] = { "maps", "smaps", "smaps_rollup" };
    char path[64], byte;
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, names[i]);
        int fd = open(path, O_RDONLY); /* newer Linux has the error of reading here */
        SAY("%s %s: %s", who, names[i],
            fd < 0 || read(fd, &byte, 1) < 0 ? error_name(errno) : "opened");
        close(fd);
    }
}

static void who_may_look(pid_t pid)
{
    if (!fork()) {
        setgroups(0, NULL);
        setgid(9);
        setuid(9);
        open_as("another", pid);
        _exit(0);
    }
    wait(NULL);
    open_as("root", pid);
    kill(pid, SIGKILL);
    siginfo_t unused;
    waitid(P_PID, pid, &unused, WEXITED | WNOWAIT);
    open_as("root, of a zombie,", pid);
    waitpid(pid, NULL, 0);
    open_as("root, of nobody,", pid);
    int fd = open("/proc/self/smaps", O_WRONLY);
    SHOW(fd >= 0);
    SHOW(write(fd, "1", 1));
    struct stat s;
    SHOW(stat("/proc/self/smaps_rollup", &s) == 0 && s.st_mode == (S_IFREG | 0444));
}

int main(void)
{
    mkdtemp(folder);
    chmod(folder, 0755);
    chdir(folder);
    files();
    special();
    order();
    private_memory();
    other_memory();
    rollup();
    pid_t child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    pieces(child);
    sent();
    who_may_look(child);
    return 0;
}
