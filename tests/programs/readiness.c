/* poll and select: which events hold, what stands behind a descriptor after dup2 and close, who is
 * woken by what, and bad arguments. */
#define _GNU_SOURCE
#include "oracle.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { MANY = 60, PAGE = 4096, ALL = POLLIN | POLLOUT | POLLPRI };

static char byte;

/* Prints what poll says of some descriptors, without waiting. */
static void look(const char *what, int events, int n, const int *fds)
{
    struct pollfd p[MANY];
    for (int i = 0; i < n; i++)
        p[i] = (struct pollfd){ fds[i], events, -1 };
    int ready = poll(p, n, 0);
    printf("%s: %d:", what, ready);
    for (int i = 0; i < n; i++)
        printf(" %x", (unsigned short)p[i].revents);
    SAY("%s", "");
}

static void look_one(const char *what, int events, int fd) { look(what, events, 1, &fd); }

static void kinds(void)
{
    int path = open("/dev/null", O_PATH), dir = open("/", O_RDONLY | O_DIRECTORY),
        null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY),
        file = open("readiness.tmp", O_CREAT | O_RDWR | O_TRUNC, 0600);
    unlink("readiness.tmp");
    for (int round = 0; round < 2; round++) {
        look_one("negative", ALL, -1);
        look_one("closed", ALL, 900);
        look_one("too large", ALL, 1 << 20);
        look_one("O_PATH", ALL, path);
        look_one("directory", ALL, dir);
        look_one("null", ALL, null);
        look_one("null, no events", 0, null);
        look_one("zero", POLLIN | POLLRDNORM, zero);
        look_one("file", ALL | POLLWRNORM, file);
    }
    look("mixed", POLLIN, 4, (int[]){ -1, 900, null, dir });
    close(path), close(dir), close(null), close(zero), close(file);
}

static void fill(int fd)
{
    static char page[PAGE];
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (write(fd, page, sizeof page) > 0)
        ;
    fcntl(fd, F_SETFL, 0);
}

static void drain(int fd, unsigned pages)
{
    static char page[PAGE];
    for (unsigned i = 0; i < pages; i++)
        (void)!read(fd, page, sizeof page);
}

static void states(void)
{
    int p[2];
    SHOW(pipe(p));
    for (int round = 0; round < 3; round++) {
        look("empty", ALL, 2, p);
        look("empty, nothing wanted", 0, 2, p);
        (void)!write(p[1], "x", 1);
        look("one byte", ALL, 2, p);
        look("one byte, other events", POLLRDNORM | POLLWRNORM, 2, p);
        (void)!read(p[0], &byte, 1);
        look("empty again", POLLIN, 2, p);
    }
    fill(p[1]);
    look("full", ALL, 2, p);
    drain(p[0], 1);
    look("a page is free", POLLOUT, 2, p);
    close(p[0]);
    look_one("no reader", ALL, p[1]);
    close(p[1]);
    SHOW(pipe(p));
    look_one("new, empty", POLLIN, p[0]);
    (void)!write(p[1], "x", 1);
    close(p[1]);
    look_one("a byte, no writer", ALL, p[0]);
    (void)!read(p[0], &byte, 1);
    look_one("no writer", ALL, p[0]);
    look_one("no writer, nothing wanted", 0, p[0]);
    close(p[0]);
}

/* One FIFO, open in three ways: their object may be the same. */
static void modes(void)
{
    SHOW(mkfifo("readiness.fifo", 0600));
    int both = open("readiness.fifo", O_RDWR), r = open("readiness.fifo", O_RDONLY | O_NONBLOCK),
        w = open("readiness.fifo", O_WRONLY);
    for (int round = 0; round < 2; round++) {
        look("FIFO empty", ALL, 3, (int[]){ r, both, w });
        (void)!write(w, "x", 1);
        look("FIFO one byte", ALL, 3, (int[]){ both, r, w });
        (void)!read(both, &byte, 1);
    }
    fill(w);
    look("FIFO full", POLLOUT, 3, (int[]){ r, both, w });
    close(both), close(r), close(w);
    unlink("readiness.fifo");
}

/* A reader of a FIFO hears that the last writer has gone only if it has seen one. */
static void hang_ups(void)
{
    SHOW(mkfifo("readiness.fifo", 0600));
    int first = open("readiness.fifo", O_RDONLY | O_NONBLOCK);
    for (int round = 0; round < 3; round++) {
        int next = open("readiness.fifo", O_RDONLY | O_NONBLOCK), fds[] = { first, next };
        look("no writer", ALL, 2, fds);
        int w = open("readiness.fifo", O_WRONLY);
        look("a writer", ALL, 2, fds);
        (void)!write(w, "x", 1);
        look("with a byte", ALL, 2, fds);
        (void)!read(first, &byte, 1);
        close(w);
        look("the writer has gone", ALL, 2, fds);
        int late = open("readiness.fifo", O_RDONLY | O_NONBLOCK),
            both = open("readiness.fifo", O_RDWR);
        look("one that comes now", ALL, 2, (int[]){ late, both });
        close(both);
        look("without the other", ALL, 3, (int[]){ first, next, late });
        close(late), close(next);
    }
    close(first);
    unlink("readiness.fifo");
}

/* Other files come to stand behind a descriptor between two polls. */
static void behind(void)
{
    int a[2], b[2], status;
    if (pipe(a) || pipe(b))
        return;
    (void)!write(b[1], "x", 1);
    int fd = dup(a[0]);
    for (int round = 0; round < 2; round++) {
        look_one("empty pipe", POLLIN, fd);
        dup2(b[0], fd);
        look_one("another is put there", POLLIN, fd);
        dup2(a[0], fd);
        look_one("the first again", POLLIN, fd);
        close(fd);
        look_one("closed", POLLIN, fd);
        SHOW(dup(b[0]) == fd);
        look_one("the lowest again", POLLIN, fd);
        dup2(a[0], fd);
    }
    pid_t pid = fork();
    if (!pid) {
        dup2(b[0], fd);
        look_one("child's", POLLIN, fd);
        close(fd);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    look_one("parent's", POLLIN, fd);
    close(a[1]);
    look_one("no writer", POLLIN, fd);
    close(a[0]), close(b[0]), close(b[1]), close(fd);
    SHOW(pipe(a));
    look_one("a new pipe in its place", POLLIN, a[0]);
    close(a[0]), close(a[1]);
}

/* ---- waiting ---- */

struct waiter {
    pthread_t thread;
    int fds[3], events, result, error;
    struct pollfd p[3];
};

static void *wait_in_poll(void *argument)
{
    struct waiter *w = argument;
    for (int i = 0; i < 3; i++)
        w->p[i] = (struct pollfd){ w->fds[i], w->events, -1 };
    w->result = poll(w->p, 3, 10000);
    w->error = errno;
    return NULL;
}

static void begin(struct waiter *w, int events, int a, int b, int c)
{
    *w = (struct waiter){ .fds = { a, b, c }, .events = events };
    pthread_create(&w->thread, NULL, wait_in_poll, w);
    pause_ms(50);
}

/* Waits for a FIFO's first writer. */
static void *write_late(void *argument)
{
    pause_ms(50);
    close(open(argument, O_WRONLY));
    return NULL;
}

static void end(const char *what, struct waiter *w)
{
    pthread_join(w->thread, NULL);
    SAY("%s: %d %s: %x %x %x", what, w->result, w->result < 0 ? error_name(w->error) : "",
        w->p[0].revents, w->p[1].revents, w->p[2].revents);
}

static void wakes(void)
{
    struct waiter one, two;
    int a[2], b[2], c[2], idle;
    if (pipe(a) || pipe(b) || pipe(c))
        return;
    idle = dup(a[0]);
    begin(&one, POLLIN, a[0], b[0], c[0]);
    (void)!write(b[1], "x", 1);
    end("the one in the middle", &one);
    (void)!read(b[0], &byte, 1);
    begin(&one, POLLIN, a[0], a[0], idle);
    begin(&two, POLLIN, b[0], -1, a[0]);
    (void)!write(a[1], "x", 1);
    end("three times the same", &one);
    end("another one", &two);
    (void)!read(a[0], &byte, 1);
    begin(&one, POLLIN | POLLOUT, a[0], b[0], c[0]);
    close(c[1]);
    end("the last writer goes", &one);
    fill(b[1]);
    begin(&one, POLLOUT, b[1], a[0], -1);
    drain(b[0], 1);
    end("room for a page", &one);
    fill(b[1]);
    begin(&one, POLLOUT, b[1], a[0], -1);
    close(b[0]);
    end("the last reader goes", &one);
    close(a[0]), close(a[1]), close(b[1]), close(c[0]), close(idle);
}

static void waits_for_a_writer(void)
{
    static char name[] = "readiness.fifo";
    pthread_t writer;
    struct timeval limit = { 10, 0 };
    SHOW(mkfifo(name, 0600));
    for (int round = 0; round < 2; round++) {
        int fd = open(name, O_RDONLY | O_NONBLOCK);
        struct pollfd p = { fd, POLLIN, 0 };
        fd_set r;
        FD_ZERO(&r);
        FD_SET(fd, &r);
        SHOW(poll(&p, 1, 20));
        pthread_create(&writer, NULL, write_late, name);
        if (round)
            SHOW(select(fd + 1, &r, NULL, NULL, &limit));
        else
            SHOW(poll(&p, 1, 10000));
        pthread_join(writer, NULL);
        SHOW(poll(&p, 1, 0));
        SAY("%x", p.revents);
        close(fd);
    }
    unlink(name);
}

static void on_alarm(int sig) { (void)sig; }

static void ends_of_waits(void)
{
    int p[2];
    struct pollfd f[2];
    struct sigaction action = { .sa_handler = on_alarm };
    struct timespec forever = { 100, 0 };
    sigset_t none, alarm_only;
    sigaction(SIGALRM, &action, NULL);
    if (pipe(p))
        return;
    f[0] = (struct pollfd){ p[0], POLLIN, 77 };
    f[1] = (struct pollfd){ -5, POLLIN, 77 };
    SHOW(poll(f, 2, 20));
    SAY("after the time limit: %x %x", f[0].revents, f[1].revents);
    f[0].revents = f[1].revents = 77;
    SHOW_INTERRUPTED(poll(f, 2, -1));
    SAY("after a signal: %x %x", f[0].revents, f[1].revents);
    sigemptyset(&none);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarm_only, NULL);
    raise(SIGALRM);
    SHOW(ppoll(f, 1, &forever, &none));
    SHOW(poll(f, 1, 20));
    sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
    SHOW(poll(NULL, 0, 20));
    close(p[0]), close(p[1]);
}

/* Each of many pipes becomes ready in turn. */
static void many(void)
{
    int ends[MANY][2], wrong = 0;
    struct pollfd p[MANY];
    for (int i = 0; i < MANY; i++)
        if (pipe(ends[i]))
            return;
    for (int i = 0; i < MANY; i++)
        p[i] = (struct pollfd){ ends[i][0], POLLIN, 0 };
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < MANY; i++) {
            int k = i * 7 % MANY;
            wrong += poll(p, MANY, 0) != 0;
            (void)!write(ends[k][1], "x", 1);
            wrong += poll(p, MANY, round ? 0 : -1) != 1;
            for (int j = 0; j < MANY; j++)
                wrong += p[j].revents != (j == k ? POLLIN : 0);
            (void)!read(ends[k][0], &byte, 1);
        }
    SAY("of many: %d wrong", wrong);
    for (int i = 0; i < MANY; i++)
        close(ends[i][0]), close(ends[i][1]);
}

/* ---- arguments ---- */

static void bad(void)
{
    struct pollfd *fresh = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                -1, 0),
                  *p = fresh;
    int null = open("/dev/null", O_RDWR);
    char *odd = (char *)fresh + PAGE - 4; /* the first one crosses the pages */
    p[0] = (struct pollfd){ null, POLLIN, 0 };
    mprotect(fresh, PAGE, PROT_READ);
    SHOW(poll(fresh, 1, 0));
    p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(poll(p, 1, 0));
    mprotect(fresh, PAGE, PROT_READ | PROT_WRITE);
    memcpy(odd, &(struct pollfd){ null, POLLIN, 0 }, sizeof *fresh);
    memcpy(odd + sizeof *fresh, &(struct pollfd){ null, POLLOUT, 0 }, sizeof *fresh);
    SHOW(poll((struct pollfd *)odd, 2, 0));
    SHOW(odd[6] == POLLIN && odd[14] == POLLOUT);
    SHOW(poll((struct pollfd *)8, 1, 0));
    SHOW(poll(NULL, 1, 0));
    SHOW(poll(NULL, 0, 0));
    munmap((char *)fresh + PAGE, PAGE);
    memcpy((char *)fresh + PAGE - sizeof *p, &(struct pollfd){ null, POLLIN, 0 }, sizeof *p);
    SHOW(poll((struct pollfd *)((char *)fresh + PAGE - sizeof *p), 1, 0));
    SHOW(poll((struct pollfd *)((char *)fresh + PAGE - sizeof *p), 2, 0));
    SHOW(poll(fresh, 0x7fffffff, 0));
    struct timespec wrong = { 0, 1000000000 };
    SHOW(ppoll(fresh, 0, &wrong, NULL));
    close(null);
}

/* ---- select ---- */

static void show_sets(int n, int result, const fd_set *r, const fd_set *w, const fd_set *e)
{
    printf("select: %d%s%s:", result, result < 0 ? " " : "", result < 0 ? error_name(errno) : "");
    for (int i = 0; i < n; i++)
        if (FD_ISSET(i, r) || FD_ISSET(i, w) || FD_ISSET(i, e))
            printf(" %d%s%s%s", i, FD_ISSET(i, r) ? "r" : "", FD_ISSET(i, w) ? "w" : "",
                   FD_ISSET(i, e) ? "e" : "");
    SAY("%s", "");
}

static void empty(fd_set *r, fd_set *w, fd_set *e)
{
    memset(r, 0, sizeof *r);
    memset(w, 0, sizeof *w);
    memset(e, 0, sizeof *e);
}

static void selects(void)
{
    int p[2], null = open("/dev/null", O_RDWR);
    struct timeval now = { 0, 0 }, later = { 0, 20000 }, odd = { 0, -1 }, ages = { 0, 1l << 61 };
    fd_set r, w, e;
    if (pipe(p))
        return;
    for (int round = 0; round < 4; round++) {
        empty(&r, &w, &e);
        FD_SET(p[0], &r), FD_SET(p[1], &r), FD_SET(p[1], &w), FD_SET(p[0], &e);
        if (round & 2)
            FD_SET(null, &r), FD_SET(null, &w);
        if (round & 1)
            (void)!write(p[1], "x", 1);
        int result = select(p[1] + 1, &r, &w, &e, &now);
        show_sets(p[1] + 1, result, &r, &w, &e);
        if (round & 1)
            (void)!read(p[0], &byte, 1);
    }
    empty(&r, &w, &e);
    FD_SET(p[0], &r), FD_SET(100, &r);
    show_sets(101, select(101, &r, NULL, NULL, &now), &r, &w, &e);
    show_sets(101, select(100, &r, NULL, NULL, &later), &r, &w, &e);
    close(p[1]);
    FD_SET(p[0], &r);
    show_sets(101, select(p[0] + 1, &r, NULL, NULL, NULL), &r, &w, &e);
    SHOW(select(0, NULL, NULL, NULL, &later));
    SHOW(select(-1, NULL, NULL, NULL, &now));
    SHOW(syscall(SYS_select, 1, NULL, NULL, NULL, &odd));
    int path = open("/", O_PATH);
    empty(&r, &w, &e);
    FD_SET(path, &r), FD_SET(path, &e), FD_SET(null, &w);
    show_sets(101, select(101, &r, &w, &e, NULL), &r, &w, &e);
    FD_SET(path, &r), FD_SET(100, &r);
    show_sets(path + 1, select(101, &r, &w, &e, NULL), &r, &w, &e);
    close(path);
    SHOW_INTERRUPTED(syscall(SYS_select, 0, NULL, NULL, NULL, &ages));
    SHOW(syscall(SYS_select, 8, 8, NULL, NULL, &now));
    SHOW(syscall(SYS_select, 64, NULL, NULL, NULL, &now));
    close(p[0]), close(null);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    kinds();
    states();
    modes();
    hang_ups();
    behind();
    wakes();
    waits_for_a_writer();
    ends_of_waits();
    many();
    bad();
    selects();
    return 0;
}
