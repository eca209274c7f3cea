/* mq_notify with SIGEV_THREAD: as the C library has it, and by the netlink socket below that. */
#define _GNU_SOURCE
#include "oracle.h"
#include <mqueue.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NAME "/oracle-mq-threads"
enum { NOTE = 32 };

static sem_t called;
static volatile int value;

static mqd_t make(void)
{
    struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 100 };
    mq_unlink(NAME);
    return mq_open(NAME, O_CREAT | O_RDWR | O_NONBLOCK | O_EXCL, 0600, &a);
}

static void get(mqd_t q)
{
    char text[100];
    SHOW(mq_receive(q, text, sizeof text, NULL));
}

/* ---- by the C library ---- */

static void runs(union sigval v)
{
    value = v.sival_int;
    sem_post(&called);
}

/* Whether the thread has run within a time that is long for one that will, and not for one that
 * will not. */
static int has_run(int ms)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += ms % 1000 * 1000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    return sem_timedwait(&called, &end) == 0;
}

static void threads(void)
{
    struct sigevent e = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = runs };
    mqd_t q = make();
    sem_init(&called, 0, 0);
    for (int n = 1; n <= 3; n++) {
        e.sigev_value.sival_int = n;
        SHOW(mq_notify(q, &e));
        SHOW(mq_notify(q, &e));
        SHOW(mq_send(q, "message", 7, 0));
        int run = has_run(20000);
        SAY("has run: %d, with %d", run, value);
        get(q);
    }
    SHOW(mq_notify(q, &e));
    SHOW(mq_notify(q, NULL));
    SHOW(mq_send(q, "message", 7, 0));
    SAY("taken back: %d", has_run(50));
    SHOW(mq_notify(-1, &e));
    mq_close(q);
}

/* ---- by the socket ---- */

static int notify(mqd_t q, int fd, const void *note)
{
    struct sigevent e = { .sigev_notify = SIGEV_THREAD, .sigev_signo = fd };
    e.sigev_value.sival_ptr = (void *)note;
    return syscall(SYS_mq_notify, q, &e);
}

static void note(int fd)
{
    char text[NOTE + 1] = "";
    ssize_t n = recv(fd, text, NOTE, MSG_DONTWAIT);
    SAY("note: %d, %.10s, %d", n < 0 ? -errno : (int)n, text, n == NOTE ? text[NOTE - 1] : 0);
}

static void notes(void)
{
    char first[NOTE] = "the first", second[NOTE] = "the second";
    struct sockaddr_storage from = { 0 };
    socklen_t length = sizeof from;
    struct stat s;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct pollfd p = { fd, POLLIN, 0 };
    mqd_t q = make();
    SAY("made: %d, socket %d", fd > 2, fstat(fd, &s) == 0 && S_ISSOCK(s.st_mode));
    SHOW(socket(AF_NETLINK, SOCK_STREAM, 0));
    SHOW(socket(AF_NETLINK, SOCK_RAW, 99));
    SHOW(notify(q, -1, first));
    SHOW(notify(q, q, first));
    SHOW(notify(q, other, first));
    SHOW(notify(q, fd, (void *)8));
    SHOW(notify(0, fd, first));
    note(fd);
    SHOW(poll(&p, 1, 0));
    SHOW(notify(q, fd, first));
    SHOW(notify(q, fd, second));
    memset(first, 'x', 5);
    SHOW(mq_send(q, "message", 7, 0));
    SHOW(poll(&p, 1, 0));
    note(fd);
    note(fd);
    get(q);
    SHOW(notify(q, fd, second));
    SHOW(mq_notify(q, NULL));
    note(fd);
    SHOW(notify(q, fd, second));
    mqd_t again = mq_open(NAME, O_RDONLY);
    SHOW(mq_close(again));
    SHOW(recvfrom(fd, first, 4, 0, (void *)&from, &length));
    SAY("%d bytes of family %d, %.4s", (int)length, from.ss_family, first);
    note(fd);
    SHOW(notify(q, fd, second));
    close(fd); /* nobody receives it */
    SHOW(mq_send(q, "message", 7, 0));
    get(q);
    SHOW(mq_notify(q, NULL));
    mq_close(q);
    mq_unlink(NAME);
}

/* The note of a process that ends comes to a socket that another one has too. */
static void ends(void)
{
    char text[NOTE] = "of a child";
    int fd = socket(AF_NETLINK, SOCK_DGRAM, 0);
    mqd_t q = make();
    pid_t child = fork();
    if (!child)
        _exit(notify(q, fd, text) ? errno : 0);
    waitpid(child, NULL, 0);
    note(fd);
    child = fork();
    if (!child) {
        recv(fd, text, NOTE, 0); /* until a signal ends it */
        _exit(0);
    }
    usleep(20000);
    kill(child, SIGTERM);
    int status;
    waitpid(child, &status, 0);
    SAY("ended by %d", WTERMSIG(status));
    child = fork();
    if (!child) {
        char got[NOTE];
        _exit(recv(fd, got, NOTE, MSG_WAITALL) == NOTE ? got[NOTE - 1] : 0);
    }
    usleep(20000);
    SHOW(notify(q, fd, text));
    SHOW(mq_send(q, "message", 7, 0));
    waitpid(child, &status, 0);
    SAY("woken with %d", WEXITSTATUS(status));
    mq_close(q);
    mq_unlink(NAME);
}

int main(void)
{
    threads();
    notes();
    ends();
    return 0;
}
