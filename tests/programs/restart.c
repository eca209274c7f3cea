/* Which calls go on after a signal, and which fail with EINTR. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/select.h>
#include <sys/time.h>

static volatile int count;
static void handler(int sig)
{
    (void)sig;
    count++;
}
static void set(int flags)
{
    struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
    sigaction(SIGUSR1, &a, NULL);
}

/* Whether a process waits for something. */
static int asleep(pid_t pid)
{
    char name[40], text[200] = "", *end;
    snprintf(name, sizeof name, "/proc/%d/stat", pid);
    int fd = open(name, O_RDONLY);
    if (read(fd, text, sizeof text - 1) < 0)
        perror(name);
    close(fd);
    return (end = strrchr(text, ')')) && end[1] == ' ' && end[2] == 'S';
}

/* A child that signals us after a while, when we wait, then writes a byte. */
static pid_t disturb(int fd)
{
    pid_t pid = fork();
    if (!pid) {
        do
            pause_ms(50);
        while (!asleep(getppid()));
        kill(getppid(), SIGUSR1);
        pause_ms(50);
        if (write(fd, "x", 1) < 0)
            _exit(1);
        _exit(3);
    }
    return pid;
}

int main(void)
{
    int fds[2], status;
    char c;
    SHOW(pipe(fds));
    for (int restart = 0; restart < 2; restart++) {
        set(restart ? SA_RESTART : 0);
        SAY("SA_RESTART %d", restart);
        pid_t pid = disturb(fds[1]);
        SHOW(read(fds[0], &c, 1));
        if (!restart)
            SHOW(read(fds[0], &c, 1));
        waitpid(pid, &status, 0);
        pid = disturb(fds[1]);
        errno = 0;
        pid_t got = waitpid(pid, &status, 0);
        SAY("waitpid: %d %s", got == pid, error_name(got < 0 ? errno : 0));
        if (got < 0)
            waitpid(pid, &status, 0);
        SHOW(read(fds[0], &c, 1));
        pid = disturb(fds[1]);
        struct timespec time = { 1000, 0 }, left = { 9, 9 };
        SHOW(nanosleep(&time, &left));
        SAY("left: %d", left.tv_sec > 500 && left.tv_sec < 1000);
        waitpid(pid, &status, 0);
        SHOW(read(fds[0], &c, 1));
        pid = disturb(fds[1]);
        SHOW(pause());
        waitpid(pid, &status, 0);
        SHOW(read(fds[0], &c, 1));
        pid = disturb(fds[1]);
        struct pollfd p = { .fd = fds[0], .events = POLLIN };
        SHOW(poll(&p, 1, -1));
        waitpid(pid, &status, 0);
        SHOW(read(fds[0], &c, 1));
        pid = disturb(fds[1]);
        fd_set set;
        FD_ZERO(&set);
        FD_SET(fds[0], &set);
        SHOW(select(fds[0] + 1, &set, NULL, NULL, NULL));
        waitpid(pid, &status, 0);
        SHOW(read(fds[0], &c, 1));
        SAY("signals: %d", count);
    }
    /* A process that is stopped and continued sees nothing of it. */
    pid_t pid = fork();
    if (!pid) {
        struct timespec time = { 1, 500000000 };
        int result = nanosleep(&time, NULL);
        _exit(result == 0 ? 5 : 6);
    }
    pause_ms(30);
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    show_status("sleeper", status);
    kill(pid, SIGCONT);
    waitpid(pid, &status, 0);
    show_status("sleeper", status);
    pid = fork();
    if (!pid)
        _exit(read(fds[0], &c, 1) == 1 && c == 'y' ? 5 : 6);
    pause_ms(30);
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    show_status("reader", status);
    if (write(fds[1], "y", 1) != 1)
        return 1;
    kill(pid, SIGCONT);
    waitpid(pid, &status, 0);
    show_status("reader", status);
    /* No reader. */
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(fds[1], "z", 1));
    pid = fork();
    if (!pid) {
        signal(SIGPIPE, SIG_DFL);
        _exit(write(fds[1], "z", 1) == -1);
    }
    waitpid(pid, &status, 0);
    show_status("writer", status);
    return 0;
}
