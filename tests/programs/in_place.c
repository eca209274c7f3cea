/* in_place: calls that are given one place for what they take and what they answer. */
#define _GNU_SOURCE
#include "oracle.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { ROUNDS = 300, LARGE = 40000, WAKE_OP = 5 | 128 };

static pthread_mutex_t mutex;
static char name[200];
static volatile int locked;

/* Ends with the mutex locked, while another waits for it. */
static void *holder(void *unused)
{
    pthread_mutex_lock(&mutex);
    locked = 1;
    pause_ms(3);
    return unused;
}

/* How often who waits for a lock is not told that its owner has died. */
static int owners(void)
{
    int wrong = 0;
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    for (int k = 0; k < 20; k++) {
        pthread_t other;
        pthread_mutex_init(&mutex, &kind);
        locked = 0;
        pthread_create(&other, NULL, holder, NULL);
        while (!locked)
            pause_ms(1);
        wrong += pthread_mutex_lock(&mutex) != EOWNERDEAD;
        pthread_mutex_consistent(&mutex);
        pthread_mutex_unlock(&mutex);
        pthread_join(other, NULL);
    }
    return wrong;
}

/* Run by a file that is deleted then: how often its name is not told as it was. */
static int deleted(void)
{
    int wrong = 0;
    char first[200] = "", now[200];
    unlink(name);
    for (int k = 0; k < ROUNDS; k++) {
        memset(now, 0, sizeof now);
        readlink("/proc/self/exe", now, sizeof now - 1);
        if (!k)
            strcpy(first, now);
        wrong += strcmp(first, now) || !strstr(now, "copy (deleted)") ||
                 strstr(now, "copy (deleted) ");
    }
    return wrong;
}

static int run_deleted(const char *self)
{
    char bytes[4096];
    ssize_t n;
    int from = open(self, O_RDONLY), to = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755), status;
    while ((n = read(from, bytes, sizeof bytes)) > 0)
        write(to, bytes, n);
    close(from);
    close(to);
    pid_t child = fork();
    if (!child) {
        execl(name, name, "deleted", NULL);
        _exit(99);
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    strcpy(name, argc > 1 ? argv[0] : "./copy");
    if (argc > 1)
        return deleted();
    int wrong[13] = { 0 };
    static struct iovec here; /* and the other on the stack: what is written lies between them */
    struct iovec there;
    char *source = malloc(LARGE), *target = malloc(LARGE);
    uint32_t word = 0;
    for (int fd = 0; fd >= 0 && fd < 290;) /* so that select has more than one piece */
        fd = dup(0);
    int ends[2], pair[2], timer = timerfd_create(CLOCK_MONOTONIC, 0);
    pipe(ends);
    write(ends[1], "x", 1);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    int file = open("in", O_CREAT | O_RDWR | O_TRUNC, 0644),
        out = open("out", O_CREAT | O_RDWR | O_TRUNC, 0644);
    ftruncate(file, ROUNDS);
    for (int k = 0; k < ROUNDS; k++) {
        /* musl's wrapper copies the structure */
        struct {
            uint64_t handler, flags, restorer, mask;
        } action = { 1, SA_RESTART | 0x4000000, 4096 + k, 0 };
        syscall(SYS_rt_sigaction, SIGUSR1, &action, &action, 8);
        wrong[0] += k && action.restorer != 4096 + k - 1ul;
        struct itimerval i = { .it_value.tv_sec = 1000 + k, .it_interval.tv_sec = 5000 + k };
        syscall(SYS_setitimer, ITIMER_REAL, &i, &i);
        wrong[1] += k && i.it_interval.tv_sec != 5000 + k - 1;
        struct itimerspec s = { .it_value.tv_sec = 1000 + k, .it_interval.tv_sec = 5000 + k };
        syscall(SYS_timerfd_settime, timer, 0, &s, &s);
        wrong[2] += k && s.it_interval.tv_sec != 5000 + k - 1;
        fd_set set;
        FD_ZERO(&set);
        FD_SET(ends[0], &set);
        FD_SET(pair[0], &set);
        struct timeval none = { 0 };
        wrong[3] += syscall(SYS_select, 400, &set, NULL, NULL, &none) != 1 ||
                    !FD_ISSET(ends[0], &set);
        off_t at = k;
        wrong[4] += sendfile(out, file, &at, 1) != 1 || at != k + 1;
        loff_t from = k, to = k;
        wrong[5] += copy_file_range(file, &from, out, &to, 1, 0) != 1 || from != k + 1 ||
                    to != k + 1;
        struct sockaddr_un address;
        socklen_t length = sizeof address;
        wrong[6] += getsockname(pair[0], (struct sockaddr *)&address, &length) || length != 2;
        struct flock lock = { .l_type = F_WRLCK, .l_start = k, .l_len = 1 };
        wrong[7] += fcntl(file, F_GETLK, &lock) || lock.l_type != F_UNLCK || lock.l_start != k;
        struct rlimit l = { 100 + k, 2000 };
        syscall(SYS_prlimit64, 0, RLIMIT_CORE, &l, &l);
        wrong[8] += k && l.rlim_cur != (rlim_t)(100 + k - 1);
        for (int i = 0; i < LARGE; i++)
            source[i] = i / 4096 + k;
        here = (struct iovec){ target, LARGE };
        there = (struct iovec){ source, LARGE };
        if (k % 10 == 0)
            wrong[9] += process_vm_readv(getpid(), &here, 1, &there, 1, 0) != LARGE ||
                        memcmp(source, target, LARGE);
        uint32_t add = 1 << 28 | 1 << 12; /* FUTEX_OP(ADD, 1, EQ, 0) */
        syscall(SYS_futex, &word, WAKE_OP, 1, (void *)1, &word, add);
        wrong[10] += word != k + 1u;
    }
    wrong[11] = run_deleted(argv[0]);
    wrong[12] = owners();
    for (unsigned k = 0; k < 13; k++)
        SAY("%u: %d wrong", k, wrong[k]);
    return 0;
}
