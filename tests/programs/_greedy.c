/* greedy WHAT: becomes uid 1000 and takes all that it can get of something, with as many processes
 * as that needs, prints the error that ended it, and holds everything until it is killed; killing
 * its process group frees everything but what outlives processes, which `greedy clean` removes.
 * greedy nothing: ends. greedy trace: whether a child can be traced. greedy time COMMAND: prints
 * the nanoseconds that the processor is busy until the shell has run the command. */
#define _GNU_SOURCE
#include "oracle.h"

#include <stdbool.h>
#include <mqueue.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { STUDENT = 1000, PARTS = 12, BUSY = 40, MANY = 20000 };

static char block[65536];
static union sigval nothing;

static void pipes(void)
{
    int ends[2];
    while (pipe2(ends, O_NONBLOCK) == 0)
        while (write(ends[1], block, sizeof block) > 0)
            ;
}

/* Pipes as large as they can be made, and full. */
static void rings(void)
{
    int ends[2];
    while (pipe2(ends, O_NONBLOCK) == 0) {
        (void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
        while (write(ends[1], block, sizeof block) > 0)
            ;
    }
}

/* Open files of a device, which keeps nothing of them, in as many descriptors as there may be. */
static void opens(void)
{
    struct rlimit l;
    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
    while (open("/dev/null", O_RDONLY) >= 0)
        ;
}

/* Leases, of new files each. */
static void leases(void)
{
    char name[32];
    for (int file, n = 0;; n++) {
        snprintf(name, sizeof name, "l%d.%d", getpid(), n);
        if ((file = open(name, O_CREAT | O_RDWR, 0600)) < 0 || fcntl(file, F_SETLEASE, F_WRLCK) < 0)
            return;
    }
}

/* Directories with F_NOTIFY, in which things happen. */
static void notices(void)
{
    char name[32];
    signal(SIGIO, SIG_IGN);
    for (int dir, n = 0;; n++) {
        snprintf(name, sizeof name, "n%d.%d", getpid(), n);
        if (mkdir(name, 0700) < 0 || (dir = open(name, O_RDONLY)) < 0 ||
            fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT) < 0)
            return;
        close(openat(dir, "made", O_CREAT | O_WRONLY, 0600));
    }
}

static void events(void)
{
    while (eventfd(0, 0) >= 0)
        ;
}

/* Watches, of new files each, and events that nobody reads. */
static void watches(void)
{
    char name[32];
    for (int w, file, n = 0; (w = inotify_init()) >= 0;)
        for (int k = 0; k < 40; k++) {
            snprintf(name, sizeof name, "w%d.%d", getpid(), n++);
            if ((file = open(name, O_CREAT | O_WRONLY, 0600)) < 0 ||
                inotify_add_watch(w, name, IN_ALL_EVENTS) < 0)
                return;
            for (int times = 0; times < 40; times++)
                (void)!write(file, "x", times % 2), (void)!fchmod(file, 0600);
            close(file);
        }
}

/* Interests of epolls in one file, under all the numbers that it can have. */
static void interests(void)
{
    struct epoll_event event = { EPOLLIN, { .u64 = 0 } };
    int first = eventfd(0, 0), last = first, next;
    while (last < 1000 && (next = dup(first)) >= 0)
        last = next;
    for (int e; (e = epoll_create1(0)) >= 0;)
        for (int number = first; number <= last; number++)
            if (epoll_ctl(e, EPOLL_CTL_ADD, number, &event))
                return;
}

static void terminals(void)
{
    while (open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0)
        ;
}

static void sockets(void)
{
    int ends[2];
    while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0)
        while (write(ends[1], block, sizeof block) > 0)
            ;
}

/* Descriptors in flight: of sockets, each over itself. */
static void flights(void)
{
    enum { AT_ONCE = 64 };
    static char control[CMSG_SPACE(AT_ONCE * sizeof(int))] __attribute__((aligned(8)));
    struct iovec v = { block, 1 };
    struct msghdr h = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    struct cmsghdr *c = (void *)control;
    *c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(AT_ONCE * sizeof(int)),
                           .cmsg_level = SOL_SOCKET,
                           .cmsg_type = SCM_RIGHTS };
    int ends[2];
    while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0) {
        for (int i = 0; i < AT_ONCE; i++)
            ((int *)CMSG_DATA(c))[i] = ends[1];
        while (sendmsg(ends[0], &h, 0) > 0)
            ;
        if (errno != EAGAIN)
            return;
    }
}

/* ---- objects that outlive processes; `greedy clean` removes them ---- */

static void sets(void)
{
    int id;
    while ((id = semget(IPC_PRIVATE, 20, 0600)) >= 0)
        semop(id, &(struct sembuf){ 0, 1, SEM_UNDO }, 1);
}

static void letters(void)
{
    int id, error = 0;
    block[0] = 1; /* the type */
    while ((id = msgget(IPC_PRIVATE, 0600)) >= 0)
        while (msgsnd(id, block, error % 2 ? 8000 : 40, IPC_NOWAIT) == 0)
            error++;
}

static void segments(void)
{
    while (shmget(IPC_PRIVATE, 1 << 20, 0600) >= 0)
        ;
}

static void mqueues(void)
{
    char name[60];
    struct mq_attr a = { .mq_maxmsg = 10, .mq_msgsize = 20 };
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "/greedy%d.%d", getpid(), i);
        mqd_t q = mq_open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &a);
        if (q < 0)
            return;
        while (mq_send(q, "message", 7, 0) == 0)
            ;
        mq_close(q);
    }
}

static void clean(void)
{
    char name[60];
    struct seminfo sets;
    struct msginfo queues;
    struct shminfo memory;
    struct msqid_ds queue;
    struct semid_ds set;
    struct shmid_ds segment;
    for (int n = semctl(0, 0, IPC_INFO, &sets); n >= 0; n--)
        semctl(semctl(n, 0, SEM_STAT, &set), 0, IPC_RMID);
    for (int n = msgctl(0, IPC_INFO, (void *)&queues); n >= 0; n--)
        msgctl(msgctl(n, MSG_STAT, &queue), IPC_RMID, NULL);
    for (int n = shmctl(0, IPC_INFO, (void *)&memory); n >= 0; n--)
        shmctl(shmctl(n, SHM_STAT, &segment), IPC_RMID, NULL);
    for (int pid = 1; pid < 2000; pid++)
        for (int i = 0; i < 130; i++) {
            snprintf(name, sizeof name, "/greedy%d.%d", pid, i);
            if (mq_unlink(name))
                break;
        }
}

static void fifos(void)
{
    char name[60];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "fifo%d.%d", getpid(), i);
        if (mkfifo(name, 0600) || open(name, O_RDWR) < 0)
            return;
    }
}

static void files(void)
{
    char name[60];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "file%d.%d", getpid(), i);
        if (open(name, O_CREAT | O_RDWR, 0600) < 0)
            return;
    }
}

static void names(void)
{
    char name[60];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "name%d.%d", getpid(), i);
        int fd = open(name, O_CREAT | O_RDWR, 0600);
        if (fd < 0)
            return;
        close(fd);
    }
}

static void bytes(void)
{
    char name[60];
    snprintf(name, sizeof name, "bytes%d", getpid());
    int fd = open(name, O_CREAT | O_RDWR, 0600);
    while (write(fd, block, sizeof block) > 0)
        ;
    int error = errno;
    fsync(fd);
    errno = error;
}

/* Symbolic links take no blocks, only numbers of inodes. */
static void numbers(void)
{
    char name[60];
    for (int i = 0; i < 200 * MANY; i++) {
        snprintf(name, sizeof name, "number%d.%d", getpid(), i);
        if (symlink("x", name))
            return;
    }
}

/* One page of sixteen: PM needs a cluster for each. */
static void sparse(void)
{
    char *at = mmap(NULL, 4ul << 30, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (size_t i = 0; at != MAP_FAILED && i < 4ul << 30; i += 65536)
        at[i] = 1;
}

static void signals(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 0; i < MANY && sigqueue(getpid(), SIGRTMIN + i % 30, nothing) == 0; i++)
        ;
}

static void locks(void)
{
    int fd = open("locks", O_CREAT | O_RDWR, 0600);
    for (int i = 0; i < MANY; i++) {
        struct flock l = { .l_type = F_WRLCK,
                           .l_start = (getpid() * (long)MANY + i) * 2,
                           .l_len = 1 };
        if (fcntl(fd, F_SETLK, &l))
            return;
    }
}

static void timers(void)
{
    timer_t t;
    while (timer_create(CLOCK_MONOTONIC, NULL, &t) == 0)
        timer_settime(t, 0, &(struct itimerspec){ .it_value.tv_sec = 1000 }, NULL);
}

static void traces(void)
{
    pid_t pid;
    prctl(PR_SET_DUMPABLE, 1); /* whoever has changed its user may not be traced by it */
    while ((pid = fork()) > 0 && ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0)
        ;
    if (pid == 0)
        pause();
}

/* Threads that ask to be traced by the parent of their process, which is init by then. */
static int asked; /* the error of the last one */
static void *asks(void *unused)
{
    asked = ptrace(PTRACE_TRACEME, 0, 0, 0) ? errno : 0;
    return asked ? NULL : (pause(), unused);
}
static void orphans(void)
{
    pthread_attr_t small;
    pthread_t thread;
    if (fork())
        _exit(0);
    usleep(300000); /* the parent has gone */
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    for (asked = 0; !asked && !pthread_create(&thread, &small, asks, NULL);)
        usleep(1000);
    errno = asked;
}
static int trace(void)
{
    pid_t child = fork();
    if (!child)
        pause();
    errno = 0;
    SAY("trace: %ld %s", ptrace(PTRACE_SEIZE, child, NULL, NULL), error_name(errno));
    kill(child, SIGKILL);
    return 0;
}

static void processes(void)
{
    pid_t pid = 0;
    for (int i = 0; i < MANY && (pid = fork()) > 0; i++)
        ;
    if (pid == 0)
        pause();
}

static void *sleeps(void *unused) { return pause(), unused; }
static void *polls(void *unused)
{
    struct pollfd *many = calloc(1000, sizeof *many);
    int ends[2] = { -1, -1 };
    for (int i = 0; i < 1000; i++)
        many[i] = (struct pollfd){ i ? -1 : ends[0], POLLIN, 0 };
    poll(many, 1000, -1);
    return unused;
}
static void *futexes(void *unused)
{
    static int word;
    syscall(SYS_futex, &word, 0, 0, NULL, NULL, 0);
    return unused;
}

static void threads_of(void *(*run)(void *))
{
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    while (!(errno = pthread_create(&thread, &small, run, NULL)))
        ;
}
static void threads(void) { threads_of(sleeps); }
static void pollers(void) { threads_of(polls); }
static void waiters(void) { threads_of(futexes); }

static void memory(void)
{
    char *at;
    while ((at = mmap(NULL, sizeof block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0)) != MAP_FAILED)
        memset(at, 1, sizeof block);
}

static void shared(void)
{
    char *at;
    while ((at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) !=
           MAP_FAILED)
        for (int i = 0; i < 1 << 20; i += 65536)
            at[i] = 1;
}

static void regions(void)
{
    for (int i = 0; i < MANY; i++)
        if (mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return;
}

/* Shared memory, each piece with a backing of its own in PM. */
static void pieces(void)
{
    for (int i = 0; i < MANY; i++)
        if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ==
            MAP_FAILED)
            return;
}

static void mapped(void)
{
    char name[60];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "mapped%d.%d", getpid(), i);
        int fd = open(name, O_CREAT | O_RDWR, 0600);
        if (fd < 0 || ftruncate(fd, 4096))
            return;
        volatile char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED)
            return;
        at[0] = 1;
        close(fd);
    }
}

static void flocks(void)
{
    char name[60];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "flock%d.%d", getpid(), i % 500);
        int fd = open(name, O_CREAT | O_RDWR, 0600);
        if (fd < 0 || flock(fd, LOCK_EX))
            return;
    }
}

/* 40 processes that make calls which keep a thread of a service busy, over and over; and for
 * comparison 40 that only compute. */
static void busy_processes(void)
{
    SAY("busy");
    for (int i = 1; i < BUSY && fork() > 0; i++)
        ;
}

static void spins(void)
{
    busy_processes();
    for (volatile unsigned i = 0;; i++)
        ;
}

static void forks(void)
{
    enum { SIZE = 1 << 20 };
    char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(at, 1, SIZE);
    busy_processes();
    for (pid_t pid;; waitpid(pid, NULL, 0))
        if ((pid = fork()) == 0)
            _exit(0);
}

static void execs(void)
{
    char name[40];
    busy_processes();
    snprintf(name, sizeof name, "script%d", getpid());
    dprintf(open(name, O_CREAT | O_WRONLY, 0700), "#!/usr/lib/minnow-tests/_greedy nothing\n");
    for (pid_t pid;; waitpid(pid, NULL, 0))
        if ((pid = vfork()) == 0)
            _exit(execl(name, name, NULL));
}

static void walks(void)
{
    char name[300], way[3000] = "";
    busy_processes();
    snprintf(name, sizeof name, "dir%d", getpid());
    mkdir(name, 0700);
    for (int i = 0; i < 200; i++)
        strcat(strcat(way, name), "/../");
    strcat(way, "absent");
    for (unsigned i = 0;; i++) {
        struct stat st;
        sprintf(way + strlen(way) - 6, "%06u", i % 1000000);
        stat(way, &st);
    }
}

static void syncs(void)
{
    char name[40];
    busy_processes();
    snprintf(name, sizeof name, "sync%d", getpid());
    int fd = open(name, O_CREAT | O_RDWR, 0600);
    ftruncate(fd, 65536);
    char *at = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (unsigned i = 0;; i++) {
        for (int page = 0; page < 65536; page += 4096)
            at[page] = i;
        msync(at, 65536, MS_SYNC);
    }
}

static void sends(void)
{
    char name[40];
    busy_processes();
    snprintf(name, sizeof name, "send%d", getpid());
    int from = open("/usr/lib/minnow-tests/_greedy", O_RDONLY),
        to = open(name, O_CREAT | O_RDWR, 0600);
    for (;;) {
        off_t zero = 0;
        lseek(to, 0, SEEK_SET);
        syscall(SYS_sendfile, to, from, &zero, 65536);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
    bool once;
} all[] = {
    { "pipes", pipes, false },         { "fifos", fifos, false },
    { "files", files, false },         { "names", names, false },
    { "bytes", bytes, false },         { "numbers", numbers, false },
    { "sparse", sparse, false },       { "signals", signals, false },
    { "locks", locks, false },         { "flocks", flocks, false },
    { "timers", timers, false },       { "traces", traces, false },
    { "processes", processes, true },  { "threads", threads, false },
    { "pollers", pollers, false },     { "waiters", waiters, false },
    { "memory", memory, false },       { "shared", shared, false },
    { "regions", regions, false },     { "mapped", mapped, false },
    { "pieces", pieces, false },       { "spins", spins, true },
    { "forks", forks, true },          { "execs", execs, true },
    { "walks", walks, true },          { "syncs", syncs, true },
    { "sends", sends, true },          { "events", events, false },
    { "interests", interests, false }, { "sockets", sockets, false },
    { "sets", sets, false },           { "letters", letters, false },
    { "segments", segments, false },   { "mqueues", mqueues, false },
    { "terminals", terminals, false }, { "flights", flights, false },
    { "watches", watches, false },     { "rings", rings, false },
    { "leases", leases, false },       { "notices", notices, false },
    { "opens", opens, false },         { "orphans", orphans, false },
};

/* Time in which the processor had something to do. Idle time is waiting for a disk that is the
 * host's, and lasts as long as the host likes. */
static int64_t busy_ns(void)
{
    char name[32];
    int64_t value, idle = 0, all = 0;
    FILE *f = fopen("/proc/minnow/system", "r");
    while (f && fscanf(f, "%31s %ld", name, &value) == 2) {
        idle = strcmp(name, "idle_ns") ? idle : value;
        all = strcmp(name, "uptime_ns") ? all : value;
    }
    if (f)
        fclose(f);
    return all - idle;
}

static int timed(const char *command)
{
    int64_t before = busy_ns();
    int status = system(command);
    SAY("%ld", (long)(busy_ns() - before));
    return status != 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "time"))
        return timed(argv[2]);
    if (argc > 1 && !strcmp(argv[1], "nothing"))
        return 0;
    if (argc > 1 && !strcmp(argv[1], "trace"))
        return trace();
    if (argc > 1 && !strcmp(argv[1], "clean")) {
        clean();
        return 0;
    }
    setpgid(0, 0);
    signal(SIGTERM, SIG_DFL);
    if (setgid(STUDENT) || setuid(STUDENT) || argc < 2)
        return 9;
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(argv[1], all[i].name))
            continue;
        for (int part = 1; part < (all[i].once ? 1 : PARTS); part++)
            if (fork() == 0)
                break;
        errno = 0;
        all[i].run();
        SAY("%s", error_name(errno));
    }
    for (;;)
        pause();
}
