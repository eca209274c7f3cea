/* epoll: level, edge, one-shot and exclusive interests; waits, signals, threads, forks, closed and
 * duplicated descriptors, epolls in epolls and in poll. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

enum { MOST = 64 };
static struct epoll_event got[MOST];

static long control(int e, int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = { events, { .u64 = data } };
    return epoll_ctl(e, op, fd, &event);
}
static long add(int e, int fd, uint32_t events)
{
    return control(e, EPOLL_CTL_ADD, fd, events, fd);
}
static long modify(int e, int fd, uint32_t events)
{
    return control(e, EPOLL_CTL_MOD, fd, events, fd);
}
static long drop(int e, int fd) { return epoll_ctl(e, EPOLL_CTL_DEL, fd, NULL); }

static int by_data(const void *a, const void *b)
{
    uint64_t x = ((const struct epoll_event *)a)->data.u64,
             y = ((const struct epoll_event *)b)->data.u64;
    if (x == y)
        return (int)((const struct epoll_event *)a)->events -
               (int)((const struct epoll_event *)b)->events;
    return x < y ? -1 : 1;
}

/* Waits, and prints the events in the order of their data. */
static void show(const char *what, int e, int ms)
{
    errno = 0;
    int n = epoll_wait(e, got, MOST, ms);
    printf("%s: %d%s", what, n, n < 0 ? error_name(errno) : "");
    if (n > 0)
        qsort(got, n, sizeof got[0], by_data);
    for (int i = 0; i < n; i++)
        printf(" %lu:%x", (unsigned long)got[i].data.u64, got[i].events);
    putchar('\n');
    fflush(stdout);
}

static void put(int fd)
{
    if (write(fd, "x", 1) != 1)
        SAY("write: %s", error_name(errno));
}
static void take(int fd)
{
    char c;
    if (read(fd, &c, 1) != 1)
        SAY("read: %s", error_name(errno));
}
static void count_up(int fd) { SHOW(write(fd, (uint64_t[]){ 1 }, 8)); }
static void count_down(int fd)
{
    uint64_t v = 0;
    SHOW(read(fd, &v, 8));
}

static void errors(void)
{
    int p[2], e = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { EPOLLIN, { .u64 = 1 } };
    SHOW(pipe(p));
    SAY("flags %d, %x", fcntl(e, F_GETFD), fcntl(e, F_GETFL));
    SHOW(epoll_create1(1));
    SHOW(epoll_create(0));
    SHOW(epoll_create(-1));
    int old = epoll_create(1);
    SAY("flags %d", fcntl(old, F_GETFD));
    close(old);
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_MOD, p[1], &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_DEL, p[1], &event));
    SHOW(epoll_ctl(e, 0, p[0], &event));
    SHOW(epoll_ctl(e, 4, p[0], &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[1], NULL));
    SHOW(epoll_ctl(e, EPOLL_CTL_MOD, p[0], (void *)8));
    SHOW(epoll_ctl(e, EPOLL_CTL_DEL, p[0], (void *)8));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, e, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, 999, &event));
    SHOW(epoll_ctl(999, EPOLL_CTL_ADD, p[0], &event));
    SHOW(epoll_ctl(999, EPOLL_CTL_ADD, 999, (void *)8));
    SHOW(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &event));
    int file = open("/etc/passwd", O_RDONLY), folder = open("/", O_RDONLY),
        null = open("/dev/null", O_RDWR), path = open("/etc/passwd", O_PATH);
    SHOW(add(e, file, EPOLLIN));
    SHOW(add(e, folder, EPOLLIN));
    SHOW(add(e, null, EPOLLIN));
    SHOW(add(e, path, EPOLLIN));
    SHOW(drop(e, file));
    SHOW(epoll_wait(e, got, 0, 0));
    SHOW(epoll_wait(e, got, -1, 0));
    SHOW(epoll_wait(e, got, INT32_MAX, 0));
    SHOW(epoll_wait(999, got, 1, 0));
    SHOW(epoll_wait(p[0], got, 1, 0));
    SHOW(epoll_wait(file, got, 0, 0));
    SHOW(add(e, p[0], EPOLLIN));
    put(p[1]);
    SHOW(epoll_wait(e, (void *)8, 1, 0));
    show("still there", e, 0);
    SHOW(read(e, got, 8));
    SHOW(write(e, got, 8));
    struct stat s;
    SHOW(fstat(e, &s));
    SAY("mode %o", s.st_mode);
    close(e);
    close(p[0]), close(p[1]), close(file), close(folder), close(null), close(path);
}

static void level_and_edge(uint32_t how)
{
    int p[2], e = epoll_create1(0);
    SAY("with %x", how);
    SHOW(pipe2(p, O_NONBLOCK));
    SHOW(add(e, p[0], EPOLLIN | how));
    SHOW(add(e, p[1], EPOLLOUT | how));
    show("new", e, 0);
    show("again", e, 0);
    put(p[1]);
    show("written", e, 0);
    show("again", e, 0);
    put(p[1]);
    show("more", e, 0);
    take(p[0]);
    show("one read", e, 0);
    take(p[0]);
    show("all read", e, 0);
    put(p[1]);
    show("written", e, 0);
    SHOW(modify(e, p[0], EPOLLIN | how));
    show("set again", e, 0);
    show("again", e, 0);
    SHOW(modify(e, p[1], how));
    show("no events", e, 0);
    static char block[65536];
    take(p[0]);
    SHOW(write(p[1], block, sizeof block));
    SHOW(modify(e, p[1], EPOLLOUT | how));
    show("full", e, 0);
    SHOW(read(p[0], block, sizeof block));
    show("empty", e, 0);
    show("again", e, 0);
    close(p[1]);
    show("writer gone", e, 0);
    show("again", e, 0);
    close(p[0]);
    show("all gone", e, 0);
    close(e);
}

static void numbers(uint32_t how)
{
    int e = epoll_create1(0), v = eventfd(0, EFD_NONBLOCK),
        s = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
    SAY("eventfd with %x", how);
    SHOW(add(e, v, EPOLLIN | how));
    SHOW(add(e, s, EPOLLIN | EPOLLOUT | how));
    show("new", e, 0);
    show("again", e, 0);
    count_up(v);
    show("up", e, 0);
    show("again", e, 0);
    count_up(v);
    show("up more", e, 0);
    count_down(v);
    show("down", e, 0);
    count_up(s);
    count_up(s);
    show("semaphore", e, 0);
    show("again", e, 0);
    count_down(s);
    show("semaphore down", e, 0);
    show("again", e, 0);
    close(v), close(s), close(e);
}

static void one_shot(void)
{
    int p[2], e = epoll_create1(0);
    SHOW(pipe(p));
    SHOW(add(e, p[0], EPOLLIN | EPOLLONESHOT));
    put(p[1]);
    show("once", e, 0);
    put(p[1]);
    show("not twice", e, 0);
    close(p[1]);
    show("not even the end", e, 0);
    SHOW(modify(e, p[0], EPOLLIN | EPOLLONESHOT));
    show("set anew", e, 0);
    show("once", e, 0);
    SHOW(modify(e, p[0], EPOLLET));
    show("the end, edge", e, 0);
    show("once", e, 0);
    SHOW(drop(e, p[0]));
    close(p[0]), close(e);
}

static void exclusive(void)
{
    int p[2], e = epoll_create1(0), f = epoll_create1(0);
    SHOW(pipe(p));
    SHOW(add(e, p[0], EPOLLIN | EPOLLEXCLUSIVE));
    SHOW(add(f, p[0], EPOLLIN | EPOLLEXCLUSIVE));
    SHOW(modify(e, p[0], EPOLLIN));
    SHOW(modify(e, p[0], EPOLLIN | EPOLLEXCLUSIVE));
    SHOW(add(e, p[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT));
    SHOW(add(e, p[1], EPOLLPRI | EPOLLEXCLUSIVE));
    SHOW(add(e, p[1], EPOLLOUT | EPOLLWAKEUP | EPOLLEXCLUSIVE | EPOLLET));
    SHOW(add(f, e, EPOLLIN | EPOLLEXCLUSIVE));
    put(p[1]);
    show("one", e, 0);
    show("other", f, 0);
    close(p[0]), close(p[1]), close(e), close(f);
}

static void descriptors(void)
{
    int p[2], e = epoll_create1(0);
    SHOW(pipe(p));
    SHOW(dup2(p[0], 30));
    SHOW(add(e, p[0], EPOLLIN));
    SHOW(add(e, 30, EPOLLIN));
    put(p[1]);
    show("both", e, 0);
    close(30);
    show("both still, one is closed", e, 0);
    SHOW(drop(e, 30));
    SHOW(dup2(p[1], 30));
    SHOW(add(e, 30, EPOLLOUT));
    show("and another file under its number", e, 0);
    SHOW(drop(e, 30));
    SHOW(dup2(p[0], 30));
    SHOW(drop(e, 30));
    show("the first", e, 0);
    close(p[0]);
    close(30);
    show("none", e, 0);
    SHOW(dup2(e, 31));
    int v = eventfd(1, 0);
    SHOW(add(31, v, EPOLLIN));
    close(31);
    show("by way of another number", e, 0);
    pid_t child = fork();
    if (!child) {
        show("a child", e, 0);
        SHOW(drop(e, v));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    show("dropped by the child", e, 0);
    child = fork();
    if (!child) {
        int own = eventfd(7, 0);
        SHOW(add(e, own, EPOLLIN));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    show("the child's file is gone", e, 0);
    close(v), close(p[1]), close(e);
}

static void order_and_parts(void)
{
    int e = epoll_create1(0), v[6], seen = 0;
    for (int i = 0; i < 6; i++) {
        v[i] = eventfd(1, 0);
        control(e, EPOLL_CTL_ADD, v[i], EPOLLIN, 100 + i);
    }
    for (int round = 0; round < 3; round++) {
        int n = epoll_wait(e, got, 2, 0);
        for (int i = 0; i < n; i++)
            seen |= 1 << (got[i].data.u64 - 100);
        SAY("%d events, seen %x", n, seen);
    }
    show("all", e, 0);
    struct epoll_event *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                    -1, 0);
    SHOW(epoll_wait(e, (void *)((char *)edge + 4096 - 18), 6, 0));
    for (int i = 0; i < 6; i++)
        close(v[i]);
    close(e);
}

static void nested(void)
{
    int v = eventfd(0, EFD_NONBLOCK), inner = epoll_create1(0), outer = epoll_create1(0);
    struct pollfd f = { inner, POLLIN | POLLOUT, 0 };
    SHOW(add(inner, v, EPOLLIN));
    SHOW(add(outer, inner, EPOLLIN));
    SHOW(poll(&f, 1, 0));
    show("none", outer, 0);
    count_up(v);
    SHOW(poll(&f, 1, 0));
    SAY("events %x", f.revents);
    show("outer", outer, 0);
    show("outer again", outer, 0);
    show("inner", inner, 0);
    count_down(v);
    show("outer", outer, 0);
    SHOW(poll(&f, 1, 0));
    SHOW(modify(outer, inner, EPOLLIN | EPOLLET));
    count_up(v);
    show("edge", outer, 0);
    show("edge again", outer, 0);
    SHOW(add(inner, outer, EPOLLIN));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(outer, &set);
    FD_SET(inner, &set);
    SHOW(select(outer + 1, &set, NULL, NULL, &(struct timeval){ 0, 0 }));
    count_down(v);
    pid_t child = fork();
    if (!child) {
        pause_ms(50);
        uint64_t one = 1;
        _exit(write(v, &one, 8) != 8);
    }
    SHOW(modify(outer, inner, EPOLLIN));
    show("woken through two", outer, -1);
    waitpid(child, NULL, 0);
    count_down(v);
    child = fork();
    if (!child) {
        pause_ms(50);
        uint64_t one = 1;
        _exit(write(v, &one, 8) != 8);
    }
    f.fd = outer;
    SHOW(poll(&f, 1, -1));
    waitpid(child, NULL, 0);
    close(inner);
    show("inner is gone", outer, 0);
    close(outer), close(v);
}

static void deep(void)
{
    int e[12], n = 0;
    do {
        errno = 0;
        e[n] = epoll_create1(0);
    } while (++n < 12 && (n < 2 || add(e[n - 1], e[n - 2], EPOLLIN) == 0));
    SAY("%d epolls, then %s", n == 6 || n == 7 ? 6 : n, error_name(errno));
    while (n)
        close(e[--n]);
}

static int signals;
static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

static void waits(void)
{
    int p[2], e = epoll_create1(0);
    struct timespec before, after, ten = { 0, 10000000 };
    SHOW(pipe(p));
    SHOW(add(e, p[0], EPOLLIN));
    clock_gettime(CLOCK_MONOTONIC, &before);
    show("30 ms", e, 30);
    clock_gettime(CLOCK_MONOTONIC, &after);
    SAY("long enough: %d",
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 29);
    signal(SIGALRM, on_signal);
    struct sigaction again = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &again, NULL);
    alarms(1);
    show("interrupted", e, -1);
    alarms(0);
    sigset_t all, none, old;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, &old);
    raise(SIGALRM);
    SHOW(epoll_pwait(e, got, 1, 1000, &none));
    SHOW(epoll_pwait(e, got, 1, 0, &all));
    raise(SIGALRM);
    SHOW(epoll_pwait(e, got, 1, 10, NULL));
    SHOW(epoll_pwait(e, got, 1, 0, &none));
    put(p[1]);
    raise(SIGALRM);
    SHOW(epoll_pwait(e, got, 1, -1, &none));
    sigset_t waiting;
    sigpending(&waiting);
    SAY("waits %d", sigismember(&waiting, SIGALRM));
    struct pollfd f = { p[0], POLLIN, 0 };
    SHOW(ppoll(&f, 1, NULL, &none));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    SHOW(pselect(p[0] + 1, &set, NULL, NULL, NULL, &none));
    sigpending(&waiting);
    SAY("waits %d", sigismember(&waiting, SIGALRM));
    sigprocmask(SIG_SETMASK, &old, NULL);
    SAY("%d signals", signals);
    take(p[0]);
    SHOW(syscall(SYS_epoll_pwait, e, got, 1, 0, &none, 4));
    SHOW(syscall(SYS_epoll_pwait, e, got, 1, 0, (void *)8, 8));
    SHOW(syscall(441, e, got, 1, &ten, NULL, 0));
    ten.tv_nsec = 1000000000;
    SHOW(syscall(441, e, got, 1, &ten, NULL, 0));
    SHOW(syscall(441, e, got, 1, (void *)8, NULL, 0));
    put(p[1]);
    SHOW(syscall(441, e, got, 1, NULL, NULL, 0));
    close(p[0]), close(p[1]), close(e);
}

static int shared;
static int woken;
static void *waiter(void *unused)
{
    struct epoll_event one;
    (void)unused;
    while (epoll_wait(shared, &one, 1, -1) == 1) {
        uint64_t v;
        if (read(one.data.fd, &v, 8) == 8) {
            if (v > 1000)
                return NULL;
            __atomic_add_fetch(&woken, v, __ATOMIC_SEQ_CST);
        }
    }
    return NULL;
}

static void threads(void)
{
    pthread_t t[4];
    int v = eventfd(0, EFD_NONBLOCK), stop = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
    shared = epoll_create1(0);
    add(shared, v, EPOLLIN | EPOLLET);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, waiter, NULL);
    for (int i = 0; i < 50; i++) {
        uint64_t one = 1;
        if (write(v, &one, 8) != 8)
            SAY("write");
        if (i % 10 == 0)
            pause_ms(2);
    }
    for (int i = 0; i < 200 && __atomic_load_n(&woken, __ATOMIC_SEQ_CST) < 50; i++)
        pause_ms(10);
    SAY("counted %d", woken);
    /* an interest added while all wait */
    int late = eventfd(0, EFD_NONBLOCK);
    add(shared, late, EPOLLIN);
    for (int i = 0; i < 4; i++) {
        uint64_t end = 1001;
        while (write(late, &end, 8) != 8)
            ;
        for (int k = 0; k < 500; k++) {
            struct pollfd f = { late, POLLIN, 0 };
            if (poll(&f, 1, 0) == 0)
                break;
            pause_ms(10);
        }
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    SAY("all have ended");
    close(v), close(late), close(stop), close(shared);
}

static void other_files(void)
{
    int e = epoll_create1(0), t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    sigset_t usr1, old;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, &old);
    int s = signalfd(-1, &usr1, SFD_NONBLOCK);
    control(e, EPOLL_CTL_ADD, t, EPOLLIN, 1);
    control(e, EPOLL_CTL_ADD, s, EPOLLIN, 2);
    show("none", e, 0);
    raise(SIGUSR1);
    show("signal", e, -1);
    struct signalfd_siginfo info;
    SHOW(read(s, &info, sizeof info));
    show("none", e, 0);
    struct itimerspec soon = { { 0, 0 }, { 0, 20000000 } };
    timerfd_settime(t, 0, &soon, NULL);
    show("timer", e, -1);
    count_down(t);
    show("none", e, 0);
    close(e), close(t), close(s);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void many(void)
{
    enum { N = 400 };
    int e = epoll_create1(0), v[N];
    for (int i = 0; i < N; i++) {
        v[i] = eventfd(0, EFD_NONBLOCK);
        control(e, EPOLL_CTL_ADD, v[i], EPOLLIN | (i & 1 ? EPOLLET : 0), i);
    }
    long sum = 0;
    for (int i = 0; i < N; i++) {
        uint64_t one = 1;
        if (write(v[i], &one, 8) != 8)
            SAY("write");
        int n = epoll_wait(e, got, MOST, -1);
        for (int k = 0; k < n; k++)
            sum += got[k].data.u64 == (unsigned)i;
        count_down(v[i]);
    }
    SAY("%ld of %d", sum, N);
    show("none", e, 0);
    for (int i = 0; i < N; i++)
        close(v[i]);
    close(e);
}

int main(void)
{
    errors();
    level_and_edge(0);
    level_and_edge(EPOLLET);
    numbers(0);
    numbers(EPOLLET);
    one_shot();
    exclusive();
    descriptors();
    order_and_parts();
    nested();
    deep();
    waits();
    threads();
    other_files();
    many();
    return 0;
}
