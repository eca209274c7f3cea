/* _pollers: the cost of a wake-up out of poll for root, and its cost while another user has as many
 * threads wait in poll, each for as many descriptors, as that user can get. Prints nanoseconds of
 * both, how many threads waited, and how many of them woke when their pipe became ready at last. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS = 50,
    DESCRIPTORS = 1000,
    THREADS = 200,
    PIPES = 200,
    STACK = 64 << 10,
    USER = 1000,
    FEW = 2
};

static struct pollfd wanted[DESCRIPTORS];
static _Atomic unsigned waiting, refused, woken;

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

/* Two processes wake each other out of poll: nanoseconds a round trip. */
static long round_trip(void)
{
    int there[2], back[2], idle[2];
    char c;
    if (pipe(there) || pipe(back) || pipe(idle))
        return -1;
    pid_t pid = fork();
    if (!pid) {
        struct pollfd f[FEW] = { { idle[0], POLLIN, 0 }, { there[0], POLLIN, 0 } };
        for (int i = 0; i < ROUNDS; i++)
            if (poll(f, FEW, -1) != 1 || f[0].revents || f[1].revents != POLLIN ||
                read(there[0], &c, 1) != 1 || write(back[1], "", 1) != 1)
                _exit(1);
        _exit(0);
    }
    struct pollfd f[FEW] = { { idle[0], POLLIN, 0 }, { back[0], POLLIN, 0 } };
    long before = now();
    for (int i = 0; i < ROUNDS; i++)
        if (write(there[1], "", 1) != 1 || poll(f, FEW, -1) != 1 || f[0].revents ||
            f[1].revents != POLLIN || read(back[0], &c, 1) != 1)
            return -1;
    long took = now() - before;
    int status;
    for (int k = 0; k < 2; k++)
        close(there[k]), close(back[k]), close(idle[k]);
    return waitpid(pid, &status, 0) == pid && !status ? took / ROUNDS : -1;
}

static void *wait_in_poll(void *unused)
{
    struct pollfd mine[DESCRIPTORS];
    memcpy(mine, wanted, sizeof mine);
    waiting++;
    if (poll(mine, DESCRIPTORS, -1) < 0)
        refused++;
    else
        woken += mine[0].revents == 0 && mine[PIPES - 1].revents == POLLIN;
    return unused;
}

/* As uid 1000: takes all waiting polls that there are, reports how many wait, and goes on when `go`
 * ends. */
static void hinder(int said, int go)
{
    static int ends[PIPES][2];
    struct rlimit descriptors = { 1024, 1024 };
    pthread_attr_t small;
    pthread_t thread;
    unsigned pipes = 0, asked = 0;
    char c;
    setrlimit(RLIMIT_NOFILE, &descriptors);
    if (setuid(USER))
        _exit(1);
    while (pipes < PIPES && pipe(ends[pipes]) == 0)
        pipes++;
    for (unsigned i = 0; i < DESCRIPTORS; i++)
        wanted[i] = (struct pollfd){ ends[i % pipes][0], POLLIN, 0 };
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    while (asked < THREADS && pthread_create(&thread, &small, wait_in_poll, NULL) == 0)
        asked++;
    while (waiting < asked)
        usleep(1000);
    usleep(100000);
    unsigned n = asked - refused;
    if (write(said, &n, sizeof n) != sizeof n || read(go, &c, 1) < 0)
        _exit(1);
    if (pipes != PIPES || write(ends[PIPES - 1][1], "", 1) != 1)
        _exit(1);
    for (int i = 0; i < 100 && woken < n; i++)
        usleep(10000);
    unsigned heard = woken;
    _exit(write(said, &heard, sizeof heard) != sizeof heard);
}

int main(void)
{
    int said[2], go[2], status;
    unsigned n = 0, woken_at_last = 0;
    long alone = round_trip();
    if (pipe(said) || pipe(go))
        return 2;
    pid_t pid = fork();
    if (!pid) {
        close(go[1]);
        hinder(said[1], go[0]);
    }
    close(go[0]), close(said[1]);
    if (read(said[0], &n, sizeof n) != sizeof n)
        return 2;
    long hindered = round_trip();
    close(go[1]);
    if (read(said[0], &woken_at_last, sizeof woken_at_last) != sizeof woken_at_last ||
        waitpid(pid, &status, 0) != pid || status)
        return 2;
    printf("%ld %ld %u %u\n", alone, hindered, n, woken_at_last);
    return 0;
}
