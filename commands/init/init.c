/* init: the first process. init mounts the file systems of /etc/fstab, starts a shell on each
 * console (or, in a run of tests/vm, that run's command), starts a shell anew when it has ended,
 * reaps orphans, and ends the system in order at a signal:
 *
 *   SIGUSR1, SIGUSR2   power off     SIGTERM, SIGINT   restart
 *
 * These signals and SIGCHLD are blocked, and taken one at a time by sigwaitinfo() in main(): so no
 * handler runs in the middle of anything. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOUNTS_MAX = 16, PATIENCE_MS = 1000 };

static const char *const consoles[] = { "/dev/tty1", "/dev/ttyS0" };
enum { CONSOLES = sizeof consoles / sizeof consoles[0] };
static pid_t shells[CONSOLES];

static char *mounted[MOUNTS_MAX];
static int mounts;
static int host = -1; /* the channel to the harness, in a run of tests/vm */

static void say(const char *format, ...)
{
    va_list args;
    fputs("init: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* ---- file systems ---- */

static unsigned long mount_flags(const char *options)
{
    return strstr(options, "ro") == options || strstr(options, ",ro") ? MS_RDONLY : 0;
}

/* Mounts a file system. The source may be several devices, divided by |: the first that exists and
 * can be mounted is. 0 or an errno. */
static int mount_one(char *source, const char *where, const char *type, const char *options)
{
    int error = ENODEV;
    for (char *rest, *device = strtok_r(source, "|", &rest); device;
         device = strtok_r(NULL, "|", &rest)) {
        if (device[0] == '/' && access(device, F_OK) < 0)
            continue;
        if (mount(device, where, type, mount_flags(options), "") == 0)
            return 0;
        error = errno;
    }
    return error;
}

/* Mounts what /etc/fstab names but the root, and remembers it for unmount_all(). A failure is
 * printed, and the system goes on. */
static void mount_all(void)
{
    FILE *fstab = fopen("/etc/fstab", "r");
    char line[512];
    if (!fstab) {
        say("/etc/fstab: %s", strerror(errno));
        return;
    }
    while (fgets(line, sizeof line, fstab)) {
        char *source = strtok(line, " \t\n"), *where = strtok(NULL, " \t\n"),
             *type = strtok(NULL, " \t\n"), *options = strtok(NULL, " \t\n");
        if (!source || source[0] == '#' || !type || !strcmp(where, "/"))
            continue;
        int error = mount_one(source, where, type, options ? options : "");
        if (error && error != EBUSY)
            say("%s: %s", where, strerror(error));
        if (!error && mounts < MOUNTS_MAX)
            mounted[mounts++] = strdup(where);
    }
    fclose(fstab);
}

/* Unmounts in the opposite order, and makes the root read-only, which marks its disk as clean. */
static void unmount_all(void)
{
    while (mounts > 0) {
        const char *where = mounted[--mounts];
        if (umount(where) < 0)
            say("cannot unmount %s: %s", where, strerror(errno));
    }
    sync();
    /* the root cannot be unmounted */
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
        say("cannot make / read-only: %s", strerror(errno));
    sync();
}

/* ---- processes ---- */

/* Opens the console as init's input, output and error. */
static void open_console(void)
{
    int fd = open("/dev/console", O_RDWR | O_NOCTTY);
    if (fd < 0)
        fd = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        if (fd >= 0 && fd != i)
            dup2(fd, i);
    if (fd > 2)
        close(fd);
}

static void no_signals_blocked(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Starts a login shell on a console, which becomes its controlling terminal. The pid, or -1. */
static pid_t start_shell(const char *console)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    no_signals_blocked();
    setsid();
    int fd = open(console, O_RDWR);
    if (fd < 0)
        _exit(127);
    ioctl(fd, TIOCSCTTY, 0);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    if (chdir("/root") < 0 && chdir("/") < 0)
        _exit(127);
    execl("/bin/sh", "-sh", (char *)NULL);
    say("/bin/sh: %s", strerror(errno));
    _exit(127);
}

static void reap(void)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        for (int i = 0; i < CONSOLES; i++)
            if (shells[i] == pid)
                shells[i] = -1;
}

static void start_missing_shells(void)
{
    for (int i = 0; i < CONSOLES; i++)
        if (shells[i] < 0 && access(consoles[i], R_OK | W_OK) == 0)
            shells[i] = start_shell(consoles[i]);
}

/* ---- the end ---- */

/* Waits until no child is left, but no longer than PATIENCE_MS. */
static void wait_for_all(const sigset_t *signals)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += 50) {
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (pid < 0)
            return;
        struct timespec time = { 0, 50000000 };
        sigtimedwait(signals, NULL, &time);
    }
}

/* Ends the system: all processes are asked to end, then killed; file systems are unmounted; the
 * harness is told that this was in order. */
static _Noreturn void shut_down(int how, const sigset_t *signals)
{
    static const unsigned char orderly_end[] = { 0x7f, 'M', 'N', 'W', 'q', 0, 0, 0, 0 };
    kill(-1, SIGTERM);
    kill(-1, SIGCONT);
    wait_for_all(signals);
    kill(-1, SIGKILL);
    wait_for_all(signals);
    unmount_all();
    if (host >= 0 && write(host, orderly_end, sizeof orderly_end) < 0)
        say("/dev/host: %s", strerror(errno));
    reboot(how);
    for (;;)
        pause();
}

/* A run of tests/vm: the harness has put a command into a file on the boot partition. vmrun runs
 * it; then the machine is switched off. */
static void run_for_harness(const sigset_t *signals)
{
    host = open("/dev/host", O_WRONLY | O_CLOEXEC);
    pid_t pid = fork();
    if (!pid) {
        no_signals_blocked();
        execl("/bin/vmrun", "vmrun", (char *)NULL);
        say("/bin/vmrun: %s", strerror(errno));
        _exit(127);
    }
    while (pid > 0 && waitpid(-1, NULL, 0) != pid)
        ;
    shut_down(RB_POWER_OFF, signals);
}

int main(void)
{
    if (getpid() != 1) {
        fprintf(stderr, "init: can only be the first process of the system\n");
        return 1;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    umask(022);
    setsid();
    open_console();
    mount_all();
    if (access("/boot/vm/cmd", F_OK) == 0)
        run_for_harness(&signals);
    for (int i = 0; i < CONSOLES; i++)
        shells[i] = -1;
    start_missing_shells();
    for (;;) {
        switch (sigwaitinfo(&signals, NULL)) {
        case SIGCHLD:
            reap();
            start_missing_shells();
            break;
        case SIGUSR1:
        case SIGUSR2: shut_down(RB_POWER_OFF, &signals);
        case SIGTERM:
        case SIGINT: shut_down(RB_AUTOBOOT, &signals);
        default: break;
        }
    }
}
