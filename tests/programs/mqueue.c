/* Message queues of POSIX: names, attributes, priorities, waiting, notification, poll,
 * permissions. */
#define _GNU_SOURCE
#include "oracle.h"
#include <grp.h>
#include <mqueue.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { USER = 1000 };
#define NAME "/minnow-mq"

static char text[9000];

static mqd_t make(long most, long size, int flags)
{
    struct mq_attr a = { .mq_maxmsg = most, .mq_msgsize = size };
    return mq_open(NAME, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &a);
}
static void drop(mqd_t q)
{
    mq_close(q);
    mq_unlink(NAME);
}
static int put(mqd_t q, const char *what, unsigned priority)
{
    return mq_send(q, what, strlen(what), priority);
}
static void get(mqd_t q)
{
    unsigned priority = 77;
    memset(text, 0, sizeof text);
    long n = mq_receive(q, text, sizeof text, &priority);
    if (n < 0)
        SAY("get: %s", error_name(errno));
    else
        SAY("get: %ld bytes, priority %u: %s", n, priority, text);
}
static void attributes(mqd_t q)
{
    struct mq_attr a;
    if (mq_getattr(q, &a))
        SAY("attributes: %s", error_name(errno));
    else
        SAY("attributes: flags %lo most %ld size %ld now %ld", a.mq_flags, a.mq_maxmsg,
            a.mq_msgsize, a.mq_curmsgs);
}
static void reap(const char *what)
{
    int status;
    while (wait(&status) < 0 && errno == EINTR) /* by a notification */
        ;
    show_status(what, status);
}
static int try_open(const char *name, int flags, long most, long size)
{
    struct mq_attr a = { .mq_maxmsg = most, .mq_msgsize = size };
    mqd_t q = mq_open(name, flags, 0600, &a);
    if (q < 0)
        return -1;
    mq_close(q);
    mq_unlink(name);
    return 0;
}

static void names(void)
{
    char name[300] = "/";
    SHOW(mq_open(NAME, O_RDWR));
    mqd_t q = mq_open(NAME, O_CREAT | O_RDWR, 0600, NULL);
    SAY("made %d", q >= 0);
    SHOW(mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, NULL));
    SHOW(mq_open(NAME, O_ACCMODE));
    mqd_t again = mq_open(NAME, O_RDONLY);
    attributes(again);
    SHOW(put(again, "x", 0));
    SHOW(put(q, "hello", 3));
    get(again);
    mqd_t writer = mq_open(NAME, O_WRONLY | O_NONBLOCK);
    SHOW(mq_receive(writer, text, sizeof text, NULL));
    attributes(writer);
    SHOW(fcntl(q, F_GETFD));
    SHOW(mq_unlink(NAME));
    SHOW(mq_unlink(NAME));
    SHOW(mq_open(NAME, O_RDWR));
    SHOW(put(q, "still there", 0));
    get(again);
    mq_close(q);
    mq_close(again);
    mq_close(writer);
    SHOW(mq_close(q));
    SHOW(put(q, "x", 0));
    SHOW(try_open("/", O_CREAT | O_RDWR, 1, 1));
    SHOW(try_open("/a/b", O_CREAT | O_RDWR, 1, 1));
    SHOW(try_open("/.", O_CREAT | O_RDWR, 1, 1));
    SHOW(try_open("no-slash", O_CREAT | O_RDWR, 1, 1));
    memset(name + 1, 'n', 255);
    SHOW(try_open(name, O_CREAT | O_RDWR, 1, 1));
    memset(name + 1, 'n', 256);
    SHOW(try_open(name, O_CREAT | O_RDWR, 1, 1));
    SHOW(mq_unlink(name));
    SHOW(mq_unlink("/minnow-none"));
    SHOW(syscall(SYS_mq_open, (void *)8, O_RDWR, 0, NULL));
    SHOW(syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, (void *)8));
    SHOW(mq_send(0, "x", 1, 0));
    SHOW(mq_receive(0, text, sizeof text, NULL));
    SHOW(mq_getattr(0, (void *)text));
    SHOW(mq_send(-1, "x", 1, 0));
}

static void sizes(void)
{
    SHOW(try_open(NAME, O_CREAT | O_RDWR, 0, 1));
    SHOW(try_open(NAME, O_CREAT | O_RDWR, 1, 0));
    SHOW(try_open(NAME, O_CREAT | O_RDWR, -1, 1));
    SHOW(try_open(NAME, O_CREAT | O_RDWR, 1, -1));
    SHOW(try_open(NAME, O_CREAT | O_RDWR, 65537, 1));
    SHOW(try_open(NAME, O_CREAT | O_RDWR, 1, (16 << 20) + 1));
    SHOW(try_open(NAME, O_CREAT | O_RDWR, 10, 8192));
    mqd_t q = make(3, 8, 0);
    attributes(q);
    SHOW(mq_send(q, "123456789", 9, 0));
    SHOW(mq_send(q, "12345678", 8, 0));
    SHOW(mq_receive(q, text, 7, NULL));
    SHOW(mq_receive(q, text, 8, NULL));
    SHOW(mq_send(q, "", 0, 32767));
    SHOW(mq_send(q, "", 0, 32768));
    get(q);
    SHOW(mq_send(q, (void *)8, 4, 0));
    SHOW(put(q, "kept", 0));
    drop(q);
    q = make(4, 8192, 0);
    for (int b = 0; b < 8192; b++)
        text[b] = b * 11;
    SHOW(mq_send(q, text, 8192, 1));
    char *fresh = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(mq_receive(q, fresh + 4000, 8192, (unsigned *)(fresh + 4 * 4096)));
    SAY("same %d priority %u", !memcmp(fresh + 4000, text, 8192), *(unsigned *)(fresh + 4 * 4096));
    drop(q);
}

static void priorities(void)
{
    mqd_t q = make(10, 100, O_NONBLOCK);
    get(q);
    put(q, "low", 1);
    put(q, "high", 9);
    put(q, "low again", 1);
    put(q, "middle", 5);
    put(q, "high again", 9);
    put(q, "lowest", 0);
    attributes(q);
    for (int n = 0; n < 7; n++)
        get(q);
    for (int n = 0; n < 11; n++)
        if (put(q, "fill", n))
            SAY("%d: %s", n, error_name(errno));
    struct mq_attr a = { .mq_flags = 0, .mq_maxmsg = 77 }, old;
    SHOW(mq_setattr(q, &a, &old));
    SAY("old flags %lo", old.mq_flags);
    attributes(q);
    a.mq_flags = O_APPEND;
    SHOW(mq_setattr(q, &a, NULL));
    a.mq_flags = O_NONBLOCK;
    SHOW(mq_setattr(q, &a, NULL));
    SHOW(syscall(SYS_mq_getsetattr, q, (void *)8, NULL));
    SHOW(syscall(SYS_mq_getsetattr, q, NULL, (void *)8));
    SHOW(put(q, "x", 0));
    drop(q);
}

static volatile int handled;
static siginfo_t got;
static void handler(int sig) { handled = sig; }
static void informed(int sig, siginfo_t *info, void *context)
{
    (void)context;
    handled = sig;
    got = *info;
}

static struct timespec in_ms(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += ms * 1000000l;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void waiting(void)
{
    mqd_t q = make(2, 100, 0);
    struct timespec t = in_ms(30), bad = { 0, 1000000000 }, past = { 1, 0 };
    SHOW(mq_timedreceive(q, text, 100, NULL, &t));
    SHOW(mq_timedreceive(q, text, 100, NULL, &past));
    SHOW(mq_timedreceive(q, text, 100, NULL, &bad));
    SHOW(mq_timedsend(q, "one", 3, 1, &past));
    SHOW(mq_timedsend(q, "two", 3, 2, &bad));
    SHOW(put(q, "two", 2));
    t = in_ms(30);
    SHOW(mq_timedsend(q, "three", 5, 2, &t));
    if (!fork())
        _exit(put(q, "from a child", 5) ? errno : 0);
    pause_ms(40);
    attributes(q);
    get(q);
    reap("sender");
    attributes(q);
    get(q);
    get(q);
    if (!fork())
        _exit(mq_receive(q, text, sizeof text, NULL));
    pause_ms(40);
    SHOW(put(q, "to a child", 7));
    reap("receiver");
    attributes(q);
    /* with and without SA_RESTART */
    struct sigaction a = { .sa_handler = handler };
    sigaction(SIGALRM, &a, NULL);
    alarms(1);
    get(q);
    alarms(0);
    SAY("handled %d", handled);
    put(q, "1", 0);
    put(q, "2", 0);
    SHOW_INTERRUPTED(put(q, "3", 0));
    get(q);
    get(q);
    handled = 0;
    a.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &a, NULL);
    if (!fork()) {
        pause_ms(80);
        put(q, "after a restart", 0);
        _exit(0);
    }
    ualarm(20000, 0);
    get(q);
    SAY("handled %d", handled);
    wait(NULL);
    pid_t child = fork();
    if (!child) {
        get(q);
        _exit(0);
    }
    pause_ms(30);
    kill(child, SIGKILL);
    reap("killed");
    put(q, "nobody's", 0);
    get(q);
    drop(q);
}

static void notification(void)
{
    mqd_t q = make(4, 100, O_NONBLOCK);
    struct sigaction a = { .sa_sigaction = informed, .sa_flags = SA_SIGINFO };
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    sigaction(SIGUSR1, &a, NULL);
    e.sigev_value.sival_int = 4711;
    handled = 0;
    SHOW(mq_notify(q, &e));
    SHOW(mq_notify(q, &e));
    SHOW(put(q, "first", 0));
    SAY("signal %d code %d value %d pid %d uid %d", handled, got.si_code, got.si_value.sival_int,
        got.si_pid == getpid(), got.si_uid);
    handled = 0;
    SHOW(put(q, "second", 0));
    SHOW(mq_notify(q, &e));
    SHOW(put(q, "third", 0));
    SAY("not empty: %d", handled);
    if (!fork())
        _exit(mq_notify(q, &e) ? errno : 0);
    reap("another process");
    SHOW(mq_notify(q, NULL));
    if (!fork())
        _exit(mq_notify(q, &e) ? errno : 0);
    reap("another process");
    SHOW(mq_notify(q, &e));
    SHOW(mq_notify(q, NULL));
    SHOW(mq_notify(q, NULL));
    for (int n = 0; n < 3; n++)
        get(q);
    /* a receiver that waits goes before */
    SHOW(mq_notify(q, &e));
    if (!fork()) {
        mqd_t mine = mq_open(NAME, O_RDWR);
        _exit(mq_receive(mine, text, sizeof text, NULL));
    }
    pause_ms(40);
    SHOW(put(q, "for the receiver", 0));
    reap("receiver");
    SAY("not told: %d", handled);
    if (!fork()) {
        put(q, "from a child", 0);
        _exit(0);
    }
    reap("sender");
    SAY("told: %d, by another %d", handled, got.si_pid != getpid());
    get(q);
    handled = 0;
    e.sigev_notify = SIGEV_NONE;
    SHOW(mq_notify(q, &e));
    SHOW(put(q, "told nothing", 0));
    SHOW(mq_notify(q, &e));
    SAY("%d", handled);
    SHOW(mq_notify(q, NULL));
    get(q);
    /* closing any descriptor of the queue ends it */
    e.sigev_notify = SIGEV_SIGNAL;
    mqd_t second = mq_open(NAME, O_RDWR), third = dup(q);
    SHOW(mq_notify(q, &e));
    SHOW(mq_close(second));
    SHOW(mq_notify(q, &e));
    SHOW(mq_notify(third, &e));
    SHOW(close(third));
    SHOW(mq_notify(q, &e));
    e.sigev_notify = 99;
    SHOW(mq_notify(q, &e));
    e.sigev_notify = SIGEV_SIGNAL;
    e.sigev_signo = 65;
    SHOW(mq_notify(q, &e));
    SHOW(mq_notify(0, NULL));
    SHOW(syscall(SYS_mq_notify, q, (void *)8));
    drop(q);
    SHOW(mq_notify(q, NULL));
}

static void *sends_later(void *q)
{
    pause_ms(40);
    put((mqd_t)(long)q, "for poll", 0);
    return NULL;
}

static void as_a_file(void)
{
    mqd_t q = make(1, 100, 0);
    struct pollfd p = { q, POLLIN | POLLOUT, 0 };
    struct stat s;
    pthread_t t;
    SHOW(poll(&p, 1, 0));
    SAY("%x", p.revents);
    p.events = POLLIN;
    SHOW(poll(&p, 1, 10));
    pthread_create(&t, NULL, sends_later, (void *)(long)q);
    SHOW(poll(&p, 1, 5000));
    SAY("%x", p.revents);
    pthread_join(t, NULL);
    p.events = POLLOUT;
    SHOW(poll(&p, 1, 0));
    if (!fork()) {
        pause_ms(40);
        _exit(mq_receive(q, text, sizeof text, NULL));
    }
    SHOW(poll(&p, 1, 5000));
    SAY("%x", p.revents);
    wait(NULL);
    SHOW(fstat(q, &s));
    SAY("mode %o size %ld links %ld uid %d", s.st_mode, (long)s.st_size, (long)s.st_nlink,
        s.st_uid);
    SHOW(write(q, "x", 1));
    SHOW(fcntl(q, F_GETFL) & O_ACCMODE);
    mqd_t copy = dup(q);
    close(q);
    SHOW(put(copy, "by a copy", 0));
    get(copy);
    mq_close(copy);
    q = mq_open(NAME, O_RDWR | O_NONBLOCK);
    SHOW(put(q, "persistent", 1));
    mq_close(q);
    q = mq_open(NAME, O_RDWR | O_NONBLOCK);
    get(q);
    drop(q);
    umask(027);
    q = mq_open(NAME, O_CREAT | O_RDWR, 0666, NULL);
    fstat(q, &s);
    SAY("mode %o", s.st_mode);
    umask(022);
    drop(q);
    struct rlimit l;
    getrlimit(RLIMIT_MSGQUEUE, &l);
    SAY("limit %ld %ld", (long)l.rlim_cur, (long)l.rlim_max);
}

static void as_user(void)
{
    setgroups(0, NULL);
    setresgid(USER, USER, USER);
    setresuid(USER, USER, USER);
    SHOW(mq_open(NAME, O_RDONLY) >= 0);
    SHOW(mq_open(NAME, O_WRONLY));
    SHOW(mq_open(NAME, O_RDWR));
    SHOW(mq_open(NAME, O_RDWR | O_CREAT, 0600, NULL));
    SHOW(mq_unlink(NAME));
    SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 5, 8192));
    SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 65536, 1));
    SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 5, 8193));
    setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){ 10000, 10000 });
    SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 5, 8192));
    SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 1, 8192));
    mqd_t q = mq_open("/minnow-own", O_CREAT | O_WRONLY, 0,
                      &(struct mq_attr){ .mq_maxmsg = 1, .mq_msgsize = 1 });
    SHOW(put(q, "x", 0));
    SHOW(mq_open("/minnow-own", O_RDONLY));
    SHOW(mq_unlink("/minnow-own"));
    _exit(0);
}

#define LIMITS "/proc/sys/fs/mqueue/"

static int limit(const char *name, const char *value)
{
    char path[64];
    snprintf(path, sizeof path, LIMITS "%s", name);
    int fd = open(path, O_WRONLY);
    if (fd < 0)
        return -1;
    int n = write(fd, value, strlen(value)), error = errno;
    close(fd);
    errno = error;
    return n;
}

/* What root makes of the limits, which others then have. */
static void limits(void)
{
    static const char *const names[] = { "queues_max", "msg_max", "msg_default", "msgsize_max",
                                         "msgsize_default" };
    enum { NAMES = sizeof names / sizeof names[0] };
    char before[NAMES][32] = { "" };
    for (int i = 0; i < NAMES; i++) {
        char path[64];
        snprintf(path, sizeof path, LIMITS "%s", names[i]);
        int fd = open(path, O_RDONLY);
        read(fd, before[i], sizeof before[i] - 1);
        close(fd);
    }
    mqd_t q = make(1, 1, 0);
    SHOW(limit("queues_max", "1\n"));
    if (!fork()) {
        setresuid(USER, USER, USER);
        SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 1, 1));
        SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 0, 1));
        SHOW(limit("queues_max", "100"));
        _exit(0);
    }
    reap("one queue");
    SHOW(limit("queues_max", before[0]) > 0);
    drop(q);
    SHOW(limit("msg_max", "4"));
    SHOW(limit("msgsize_max", "200"));
    SHOW(limit("msg_default", "3"));
    SHOW(limit("msgsize_default", "1000"));
    if (!fork()) {
        setresuid(USER, USER, USER);
        q = mq_open("/minnow-own", O_CREAT | O_RDWR, 0600, NULL);
        attributes(q);
        mq_unlink("/minnow-own");
        SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 4, 200));
        SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 5, 200));
        SHOW(try_open("/minnow-own", O_CREAT | O_RDWR, 4, 201));
        _exit(0);
    }
    reap("small queues");
    SHOW(limit("msg_max", "0"));
    SHOW(limit("msg_max", "65537"));
    SHOW(limit("msg_default", "-1"));
    SHOW(limit("msgsize_max", "127"));
    SHOW(limit("msgsize_default", "16777217"));
    SHOW(limit("queues_max", "x"));
    for (int i = 1; i < NAMES; i++)
        limit(names[i], before[i]);
}

int main(void)
{
    mq_unlink(NAME);
    names();
    sizes();
    priorities();
    waiting();
    notification();
    as_a_file();
    mqd_t q = mq_open(NAME, O_CREAT | O_RDWR, 0644, NULL);
    if (!fork())
        as_user();
    reap("user");
    drop(q);
    limits();
    return 0;
}
