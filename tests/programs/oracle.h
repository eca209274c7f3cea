/* Helpers of the oracle programs, which print what they see: the output here has to be the same as
 * on Linux. */
#ifndef ORACLE_H
#define ORACLE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline const char *error_name(int error)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        { 0, "0" },
        { EPERM, "EPERM" },
        { ENOENT, "ENOENT" },
        { ESRCH, "ESRCH" },
        { EINTR, "EINTR" },
        { E2BIG, "E2BIG" },
        { ENOEXEC, "ENOEXEC" },
        { EBADF, "EBADF" },
        { ECHILD, "ECHILD" },
        { EAGAIN, "EAGAIN" },
        { ENOMEM, "ENOMEM" },
        { EACCES, "EACCES" },
        { EFAULT, "EFAULT" },
        { EEXIST, "EEXIST" },
        { ENOTDIR, "ENOTDIR" },
        { EINVAL, "EINVAL" },
        { EMFILE, "EMFILE" },
        { ENOTTY, "ENOTTY" },
        { ESPIPE, "ESPIPE" },
        { EPIPE, "EPIPE" },
        { EDEADLK, "EDEADLK" },
        { ENOSYS, "ENOSYS" },
        { ETIMEDOUT, "ETIMEDOUT" },
        { EISDIR, "EISDIR" },
        { ELOOP, "ELOOP" },
        { EOWNERDEAD, "EOWNERDEAD" },
        { EBUSY, "EBUSY" },
        { EOPNOTSUPP, "EOPNOTSUPP" },
    };
    static char other[16];
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == error)
            return names[i].name;
    snprintf(other, sizeof other, "E%d", error);
    return other;
}

static inline void show_result(const char *call, long result, int error)
{
    printf("%s = %ld%s%s\n", call, result, result == -1 ? " " : "",
           result == -1 ? error_name(error) : "");
    fflush(stdout);
}

/* SIGALRM comes again and again, until it is switched off: on a busy machine the first may come
 * before the call that it is to interrupt. */
static inline void alarms(int on)
{
    enum { EVERY_US = 20000 };
    struct itimerval every = { { 0, on ? EVERY_US : 0 }, { 0, on ? EVERY_US : 0 } };
    setitimer(ITIMER_REAL, &every, NULL);
}

/* Prints the call as it is written, its result, and the error if it is -1. */
#define SHOW(call)                        \
    do {                                  \
        errno = 0;                        \
        long show_ = (long)(call);        \
        show_result(#call, show_, errno); \
    } while (0)
/* The same of a call that waits until SIGALRM interrupts it. */
#define SHOW_INTERRUPTED(call)             \
    do {                                   \
        errno = 0;                         \
        alarms(1);                         \
        long show_ = (long)(call);         \
        int error_ = errno;                \
        alarms(0);                         \
        show_result(#call, show_, error_); \
    } while (0)
#define SAY(...)             \
    do {                     \
        printf(__VA_ARGS__); \
        putchar('\n');       \
        fflush(stdout);      \
    } while (0)

static inline void show_status(const char *what, int status)
{
    if (WIFEXITED(status))
        SAY("%s: exit %d", what, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        SAY("%s: signal %d", what, WTERMSIG(status));
    else if (WIFSTOPPED(status))
        SAY("%s: stopped by %d", what, WSTOPSIG(status));
    else
        SAY("%s: continued %d", what, WIFCONTINUED(status));
}

static inline void pause_ms(int ms) { usleep(ms * 1000); }

/* Waits until a thread sleeps. directory: its own in /proc. */
static inline void until_asleep(const char *directory)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "%s/stat", directory);
    do {
        int fd = open(path, O_RDONLY);
        (void)!read(fd, text, sizeof text - 1);
        close(fd);
        pause_ms(1);
    } while (!strstr(text, ") S "));
}

/* Prints the line of /proc/PID/status that begins so. */
static inline void show_status_line(pid_t pid, const char *name)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name)))
            printf("%s", line);
    if (f)
        fclose(f);
    fflush(stdout);
}

#endif
