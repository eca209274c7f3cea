/* Each call that can wait, interrupted by a handled signal: without SA_RESTART it ends with EINTR,
 * or with what it has done; with it, it goes on, or ends all the same, as the call is made. */
#define _GNU_SOURCE
#include "oracle.h"

#include <fcntl.h>
#include <mqueue.h>
#include <pty.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>

enum { PAUSE_US = 5000, MUCH = 1 << 20 };

static char much[MUCH];
static int a, b, queue; /* what the call waits on, and what ends its wait */
static mqd_t messages;
static volatile int ticks;
static void (*enough)(void);

/* The second tick lets the call end, should it still wait. */
static void tick(int signal)
{
    int error = errno;
    (void)signal;
    if (++ticks == 2 && enough)
        enough();
    errno = error;
}

static void nothing(void) {}
static void write_to_b(void) { (void)!write(b, "x\n12345678", 10); }
static void write_8_to_b(void) { (void)!write(b, &(uint64_t){ 1 }, 8); }
static void read_from_b(void) { (void)!read(b, much, MUCH); }
static void raise_usr1(void) { raise(SIGUSR1); }
static void make_a_file(void) { close(creat("seen", 0600)); }
static void up(void) { semctl(a, 0, SETVAL, 1); }
static void post(void) { sem_post((sem_t *)much); }
static void put_message(void) { msgsnd(queue, &(long[2]){ 1, 0 }, 8, IPC_NOWAIT); }
static void take_message(void) { msgrcv(queue, &(long[2]){ 0 }, 8, 0, IPC_NOWAIT); }
static void mq_put(void) { mq_send(messages, "x", 1, 0); }
static void mq_take(void)
{
    char c[16];
    mq_receive(messages, c, sizeof c, NULL);
}
static struct sockaddr_un address = { AF_UNIX, "\0minnow-interrupts" };
static void connect_to_a(void)
{
    b = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(b, (void *)&address, sizeof address);
}
static void unlock(void) { close(b); } /* a child's lock goes by the pipe's end */

/* Whether the process waits, and still does a moment later. */
static int waits(pid_t pid)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    for (int i = 0; i < 2; i++) {
        int file = open(path, O_RDONLY);
        ssize_t n = read(file, text, sizeof text - 1);
        close(file);
        text[n > 0 ? n : 0] = 0;
        const char *name_end = strrchr(text, ')');
        if (!name_end || name_end[2] != 'S')
            return 0;
        usleep(PAUSE_US);
    }
    return 1;
}

/* A child that sends SIGALRM whenever this process waits: on a busy machine a timer would come too
 * early. */
static pid_t ticker;
static void start_ticks(void)
{
    pid_t parent = getpid();
    if ((ticker = fork()))
        return;
    for (int fd = 3; fd < 64; fd++)
        close(fd); /* its copy would keep the other side waiting */
    while (getppid() == parent) {
        if (waits(parent))
            kill(parent, SIGALRM);
        usleep(PAUSE_US);
    }
    _exit(0);
}
static void stop_ticks(void)
{
    kill(ticker, SIGKILL);
    while (waitpid(ticker, NULL, 0) != ticker)
        ;
}

/* An amount that depends on the size of a buffer is told as "some". */
static void told(const char *call, int restart, long result, int error)
{
    printf("%s%s: ", call, restart ? ", SA_RESTART" : "");
    if (result > 1000)
        SAY("%s", "some");
    else
        SAY("%ld %s, after %s", result, result < 0 ? error_name(error) : "",
            ticks >= 2 ? "two or more" : "one");
}

/* Prints what becomes of a call, without and with SA_RESTART. */
#define WAIT(call, end)                                    \
    for (int restart_ = 0; restart_ < 2; restart_++) {     \
        struct sigaction action_ = { .sa_handler = tick }; \
        action_.sa_flags = restart_ ? SA_RESTART : 0;      \
        sigaction(SIGALRM, &action_, NULL);                \
        enough = end;                                      \
        ticks = 0;                                         \
        start_ticks();                                     \
        long result_ = (long)(call);                       \
        int error_ = errno;                                \
        stop_ticks();                                      \
        told(#call, restart_, result_, error_);            \
    }

static void pipes(void)
{
    int ends[2];
    if (pipe(ends))
        return;
    a = ends[0], b = ends[1];
    WAIT(read(a, much, 10), write_to_b)
    a = ends[1], b = ends[0];
    fcntl(a, F_SETFL, O_NONBLOCK);
    while (write(a, much, 4096) > 0)
        ;
    fcntl(a, F_SETFL, 0);
    WAIT(write(a, much, 10), read_from_b)
    WAIT(write(a, much, MUCH), read_from_b)
    close(a), close(b);
    mkfifo("fifo", 0600);
    struct sigaction action = { .sa_handler = tick };
    sigaction(SIGALRM, &action, NULL);
    enough = NULL;
    start_ticks();
    SHOW(open("fifo", O_RDONLY));
    SHOW(open("fifo", O_WRONLY));
    stop_ticks();
    unlink("fifo");
}

static void set_lines(int canonical, int min)
{
    struct termios t;
    tcgetattr(a, &t);
    if (canonical)
        t.c_lflag |= ICANON;
    else
        t.c_lflag &= ~ICANON;
    t.c_cc[VMIN] = min;
    t.c_cc[VTIME] = 0;
    tcsetattr(a, TCSANOW, &t);
}

static void terminals(void)
{
    int master, slave;
    if (openpty(&master, &slave, NULL, NULL, NULL))
        return;
    a = slave, b = master;
    set_lines(1, 1);
    WAIT(read(a, much, 2), write_to_b)
    tcflush(a, TCIFLUSH);
    set_lines(0, 1);
    WAIT((tcflush(a, TCIFLUSH), read(a, much, 1)), write_to_b)
    set_lines(0, 5);
    WAIT((tcflush(a, TCIFLUSH), read(a, much, 5)), write_to_b)
    tcflush(a, TCIOFLUSH), tcflush(b, TCIFLUSH);
    a = master, b = slave;
    usleep(20000);
    fcntl(a, F_SETFL, O_NONBLOCK);
    while (read(a, much, MUCH) > 0)
        ;
    fcntl(a, F_SETFL, 0);
    WAIT(read(a, much, 1), write_to_b)
    a = slave, b = master;
    WAIT(write(a, much, MUCH), read_from_b)
    WAIT(write(a, much, 10), read_from_b)
    close(a), close(b);
}

static void sockets(void)
{
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    a = ends[0], b = ends[1];
    WAIT(read(a, much, 10), write_to_b)
    WAIT(recv(a, much, 10, 0), write_to_b)
    WAIT(recv(a, much, 20, MSG_WAITALL), write_to_b)
    for (int piece = 4096; piece; piece /= 4096)
        while (send(a, much, piece, MSG_DONTWAIT) > 0)
            ;
    WAIT(write(a, much, MUCH), read_from_b)
    close(a), close(b);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
    a = ends[0], b = ends[1];
    WAIT(recv(a, much, 10, 0), write_to_b)
    while (send(a, much, 512, MSG_DONTWAIT) > 0)
        ;
    WAIT(write(a, much, 10), read_from_b)
    close(a), close(b);
    a = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(a, (void *)&address, sizeof address);
    listen(a, 0);
    WAIT(accept(a, NULL, NULL) > 0 ? 1 : -1, connect_to_a)
    close(a), close(b);
}

static void events(void)
{
    struct epoll_event e = { EPOLLIN, { 0 } };
    struct pollfd p = { 0, POLLIN, 0 };
    sigset_t set, none;
    fd_set fds;
    int ends[2];
    a = b = eventfd(0, 0);
    WAIT(read(a, much, 8), write_8_to_b)
    close(a);
    a = inotify_init1(0);
    inotify_add_watch(a, ".", IN_CREATE);
    WAIT(read(a, much, MUCH) > 0 ? 1 : -1, make_a_file)
    unlink("seen");
    close(a);
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    a = signalfd(-1, &set, 0);
    WAIT(read(a, much, 128), raise_usr1)
    close(a);
    WAIT(sigwaitinfo(&set, NULL), raise_usr1)
    WAIT(sigsuspend(&none), nothing)
    WAIT(pause(), nothing)
    a = timerfd_create(CLOCK_MONOTONIC, 0);
    WAIT((timerfd_settime(a, 0, &(struct itimerspec){ .it_value = { 0, 200000000 } }, NULL),
          read(a, much, 8)),
         nothing)
    close(a);
    pipe(ends);
    a = ends[0], b = ends[1], p.fd = a;
    FD_ZERO(&fds);
    WAIT((FD_SET(a, &fds), select(a + 1, &fds, NULL, NULL, NULL)), nothing)
    WAIT(poll(&p, 1, -1), nothing)
    WAIT(poll(&p, 1, 10000), nothing)
    int set_of_events = epoll_create1(0);
    epoll_ctl(set_of_events, EPOLL_CTL_ADD, a, &e);
    WAIT(epoll_wait(set_of_events, &e, 1, -1), nothing)
    close(a), close(b), close(set_of_events);
    WAIT(nanosleep(&(struct timespec){ 10, 0 }, NULL), nothing)
    WAIT(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 10, 0 }, NULL), nothing)
}

static void queues(void)
{
    struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 16 };
    struct sembuf down = { 0, -1, 0 };
    long text[2] = { 1, 0 };
    char c[16];
    a = semget(IPC_PRIVATE, 1, 0600);
    WAIT(semop(a, &down, 1), up)
    WAIT(semtimedop(a, &down, 1, &(struct timespec){ 10, 0 }), up)
    semctl(a, 0, IPC_RMID);
    queue = msgget(IPC_PRIVATE, 0600);
    WAIT(msgrcv(queue, text, 8, 0, 0), put_message)
    while (msgsnd(queue, (text[0] = 1, text), 8, IPC_NOWAIT) == 0)
        ;
    WAIT(msgsnd(queue, (text[0] = 1, text), 8, 0), take_message)
    msgctl(queue, IPC_RMID, NULL);
    messages = mq_open("/minnow-interrupts", O_CREAT | O_RDWR, 0600, &attributes);
    mq_unlink("/minnow-interrupts");
    WAIT(mq_receive(messages, c, sizeof c, NULL), mq_put)
    mq_send(messages, "y", 1, 0);
    WAIT(mq_send(messages, "x", 1, 0), mq_take)
    mq_close(messages);
    sem_init((sem_t *)much, 0, 0);
    WAIT(sem_wait((sem_t *)much), post)
    WAIT(sem_timedwait((sem_t *)much, &(struct timespec){ time(NULL) + 20, 0 }), post)
}

/* A child that holds a lock of either kind until the pipe's other end is closed. */
static void locks(void)
{
    for (int kind = 0; kind < 2; kind++)
        for (int restart = 0; restart < 2; restart++) {
            struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
            struct sigaction action = { .sa_handler = tick };
            int until[2], ready[2];
            char c;
            pipe(until), pipe(ready);
            pid_t pid = fork();
            if (!pid) {
                a = open("locked", O_CREAT | O_RDWR, 0600);
                kind ? flock(a, LOCK_EX) : fcntl(a, F_SETLK, &whole);
                close(until[1]);
                (void)!write(ready[1], "r", 1);
                (void)!read(until[0], &c, 1);
                _exit(0);
            }
            (void)!read(ready[0], &c, 1);
            close(until[0]), close(ready[0]), close(ready[1]);
            a = open("locked", O_RDWR), b = until[1];
            action.sa_flags = restart ? SA_RESTART : 0;
            sigaction(SIGALRM, &action, NULL);
            enough = unlock, ticks = 0;
            start_ticks();
            int result = kind ? flock(a, LOCK_EX) : fcntl(a, F_SETLKW, &whole), error = errno;
            stop_ticks();
            SAY("%s%s: %d %s", kind ? "flock" : "F_SETLKW", restart ? ", SA_RESTART" : "", result,
                result ? error_name(error) : "");
            close(b), close(a);
            while (waitpid(pid, NULL, 0) != pid)
                ;
        }
    unlink("locked");
}

static void children(void)
{
    int until[2], status;
    pipe(until);
    b = until[1];
    pid_t pid = fork();
    if (!pid) {
        char c;
        close(until[1]);
        (void)!read(until[0], &c, 1);
        _exit(3);
    }
    close(until[0]);
    WAIT(waitpid(pid, &status, 0) == pid ? 1 : -1, unlock)
}

int main(void)
{
    pipes();
    terminals();
    sockets();
    events();
    queues();
    locks();
    children();
    return 0;
}
