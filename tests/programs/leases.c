/* Leases: who may have one, who is told, who waits, and for how long. */
#define _GNU_SOURCE
#include "oracle.h"

static volatile sig_atomic_t signals, last_code, last_fd;
static int leased = -1;
static volatile sig_atomic_t gives_up; /* to what: F_UNLCK, F_RDLCK; -1: the handler does nothing */

static void caught(int sig, siginfo_t *info, void *context)
{
    (void)context;
    signals = signals + 1;
    last_code = info->si_code;
    last_fd = sig == SIGIO ? -1 : info->si_fd;
    if (gives_up >= 0)
        fcntl(leased, F_SETLEASE, gives_up);
}

static void catch (int sig)
{
    struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(sig, &a, NULL);
}

/* A child opens the file (or truncates it, with flags -1), and exits with 100 when it could, else
 * with the error. */
static pid_t opener(int flags)
{
    pid_t child = fork();
    if (child)
        return child;
    if (leased > 0)
        close(leased); /* else the holder's close would not end the lease */
    int fd = flags == -1 ? truncate("file", 3) : open("file", flags, 0600);
    _exit(fd >= 0 ? 100 : errno);
}

static void ended(const char *what, pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    int code = WEXITSTATUS(status);
    SAY("%s: %s, signals %d", what, code == 100 ? "done" : error_name(code), (int)signals);
    signals = 0;
}

static void who_may(void)
{
    int p[2], status;
    int rd = open("file", O_RDONLY), path = open("file", O_PATH);
    SHOW(fcntl(rd, F_GETLEASE));
    SHOW(fcntl(rd, F_SETLEASE, F_UNLCK));
    SHOW(fcntl(rd, F_SETLEASE, 7));
    SHOW(fcntl(rd, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(rd, F_GETLEASE));
    SHOW(fcntl(rd, F_SETLEASE, F_WRLCK));
    SHOW(fcntl(rd, F_GETLEASE));
    SHOW(fcntl(rd, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(rd, F_SETLEASE, F_UNLCK));
    SHOW(fcntl(rd, F_GETLEASE));
    int again = open("file", O_RDONLY);
    SHOW(fcntl(rd, F_SETLEASE, F_WRLCK));
    SHOW(fcntl(rd, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(again, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(again, F_SETLEASE, F_WRLCK));
    SHOW(fcntl(again, F_GETLEASE));
    close(again);
    SHOW(fcntl(rd, F_SETLEASE, F_WRLCK));
    SHOW(fcntl(rd, F_SETLEASE, F_UNLCK));
    int wr = open("file", O_RDWR);
    SHOW(fcntl(wr, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(rd, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(wr, F_SETLEASE, F_WRLCK));
    close(rd);
    close(path);
    SHOW(fcntl(wr, F_SETLEASE, F_WRLCK));
    int copy = dup(wr);
    SHOW(fcntl(copy, F_GETLEASE));
    close(wr);
    SHOW(fcntl(copy, F_GETLEASE));
    close(copy);
    wr = open("file", O_RDWR);
    SHOW(fcntl(wr, F_GETLEASE));
    close(wr);
    path = open("file", O_PATH);
    SHOW(fcntl(path, F_SETLEASE, F_RDLCK));
    close(path);
    (void)!pipe(p);
    SHOW(fcntl(p[0], F_SETLEASE, F_RDLCK));
    int folder = open(".", O_RDONLY);
    SHOW(fcntl(folder, F_SETLEASE, F_RDLCK));
    close(folder);
    SHOW(fcntl(99, F_SETLEASE, F_RDLCK));
    pid_t child = fork();
    if (!child) {
        rd = open("file", O_RDONLY);
        if (setgid(1000) || setuid(1000))
            _exit(1);
        SHOW(fcntl(rd, F_SETLEASE, F_RDLCK));
        SHOW(fcntl(rd, F_GETLEASE));
        _exit(0);
    }
    waitpid(child, &status, 0);
}

static void breaks(void)
{
    leased = open("file", O_RDONLY);
    SHOW(fcntl(leased, F_SETLEASE, F_RDLCK));
    gives_up = F_UNLCK;
    ended("read lease, a reader", opener(O_RDONLY));
    SHOW(fcntl(leased, F_GETLEASE));
    ended("read lease, a writer", opener(O_WRONLY));
    SHOW(fcntl(leased, F_GETLEASE));
    SHOW(fcntl(leased, F_SETLEASE, F_RDLCK));
    ended("read lease, a truncation", opener(-1));
    SHOW(fcntl(leased, F_GETLEASE));
    SHOW(fcntl(leased, F_SETLEASE, F_WRLCK));
    gives_up = F_RDLCK;
    ended("write lease, a reader", opener(O_RDONLY));
    SHOW(fcntl(leased, F_GETLEASE));
    SHOW(fcntl(leased, F_SETLEASE, F_WRLCK));
    gives_up = F_UNLCK;
    ended("write lease, O_RDWR | O_CREAT | O_TRUNC", opener(O_RDWR | O_CREAT | O_TRUNC));
    SHOW(fcntl(leased, F_GETLEASE));
    SHOW(fcntl(leased, F_SETLEASE, F_WRLCK));
    ended("write lease, O_PATH", opener(O_PATH));
    SHOW(fcntl(leased, F_GETLEASE));
    close(leased);
}

static void at_once(void)
{
    gives_up = -1;
    leased = open("file", O_RDWR);
    SHOW(fcntl(leased, F_SETLEASE, F_WRLCK));
    ended("a reader that does not wait", opener(O_RDONLY | O_NONBLOCK));
    SHOW(fcntl(leased, F_GETLEASE));
    ended("another one", opener(O_RDONLY | O_NONBLOCK));
    ended("a writer that does not wait", opener(O_WRONLY | O_NONBLOCK));
    SHOW(fcntl(leased, F_GETLEASE));
    SHOW(fcntl(leased, F_SETLEASE, F_UNLCK));
    ended("a writer", opener(O_WRONLY | O_NONBLOCK));
    close(leased);
}

/* The signal of F_SETSIG tells the descriptor; a call that waits goes on when the file is closed.
 */
static void with_details(void)
{
    int status;
    catch (SIGUSR1);
    leased = open("file", O_RDWR);
    SHOW(fcntl(leased, F_SETSIG, SIGUSR1));
    SHOW(fcntl(leased, F_SETLEASE, F_WRLCK));
    SAY("the owner: %d", fcntl(leased, F_GETOWN) == getpid());
    pid_t child = opener(O_RDONLY);
    while (!signals)
        pause_ms(5);
    SAY("code %d, descriptor %d", (int)last_code, last_fd == leased);
    SHOW(waitpid(child, &status, WNOHANG));
    close(leased);
    ended("after the close", child);
    leased = open("file", O_RDWR);
    SHOW(fcntl(leased, F_SETLEASE, F_WRLCK));
    child = opener(O_RDONLY);
    while (!signals)
        pause_ms(5);
    kill(child, SIGTERM);
    waitpid(child, &status, 0);
    show_status("who waited", status);
    signals = 0;
    SHOW(fcntl(leased, F_GETLEASE));
    close(leased);
}

/* The time of a holder that does nothing is over after a second. */
static void time_over(void)
{
    char before[16] = "";
    int fd = open("/proc/sys/fs/lease-break-time", O_RDWR);
    SHOW(read(fd, before, sizeof before - 1) > 0);
    SHOW(pwrite(fd, "1\n", 2, 0));
    leased = open("file", O_RDWR);
    SHOW(fcntl(leased, F_SETLEASE, F_WRLCK));
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    ended("a reader", opener(O_RDONLY));
    clock_gettime(CLOCK_MONOTONIC, &to);
    SAY("a second or more: %d",
        (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 >= 900);
    SHOW(fcntl(leased, F_GETLEASE));
    ended("a writer", opener(O_WRONLY));
    SHOW(fcntl(leased, F_GETLEASE));
    SHOW(pwrite(fd, "x\n", 2, 0));
    SHOW(pwrite(fd, before, strlen(before), 0) > 0);
    close(leased);
    close(fd);
}

int main(void)
{
    close(open("file", O_CREAT | O_RDWR, 0644));
    catch (SIGIO);
    gives_up = -1;
    who_may();
    breaks();
    at_once();
    with_details();
    time_over();
    unlink("file");
    return 0;
}
