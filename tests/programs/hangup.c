/* vhangup, and what prctl and syslog refuse. It needs root on the host. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { USER = 1000 };

static volatile int hangups, continued;
static void on_signal(int sig)
{
    if (sig == SIGHUP)
        hangups++;
    else
        continued++;
}

/* The leader of a session that has a terminal; a member of the session hangs up. */
static void leader(int slave)
{
    signal(SIGHUP, on_signal);
    signal(SIGCONT, on_signal);
    setsid();
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(open("/dev/tty", O_RDWR) >= 0);
    if (!fork()) {
        signal(SIGHUP, SIG_DFL);
        _exit(syscall(SYS_vhangup) ? errno : 0);
    }
    int status;
    while (wait(&status) < 0)
        ;
    show_status("member", status);
    SAY("signals %d %d", hangups, continued);
    SHOW(open("/dev/tty", O_RDWR));
    _exit(0);
}

static void hangup(void)
{
    int master, slave, status;
    if (!fork()) {
        setsid();
        SHOW(syscall(SYS_vhangup)); /* of no terminal */
        SHOW(setuid(USER));
        SHOW(syscall(SYS_vhangup));
        _exit(0);
    }
    wait(&status);
    show_status("user", status);
    openpty(&master, &slave, NULL, NULL, NULL);
    if (!fork())
        leader(slave);
    wait(&status);
    show_status("leader", status);
}

static long log_call(int action, void *to, int length)
{
    return syscall(SYS_syslog, action, to, length);
}

static void refused(void)
{
    char text[16];
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 1, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_DUMPABLE, 2, 0, 0, 0));
    SHOW(prctl(PR_SET_PDEATHSIG, -1ul, 0, 0, 0));
    SHOW(prctl(999, 0, 0, 0, 0));
    SHOW(log_call(2, NULL, 0));
    SHOW(log_call(2, text, -1));
    SHOW(log_call(2, text, 0));
    SHOW(log_call(3, NULL, 16));
    SHOW(log_call(3, text, -1));
    SHOW(log_call(3, text, 0));
    SHOW(log_call(8, NULL, 0));
    SHOW(log_call(8, NULL, 9));
    SHOW(log_call(8, NULL, -1));
    SHOW(log_call(11, text, 1));
    SHOW(log_call(-1, text, 1));
    if (!fork()) {
        SHOW(setuid(USER));
        SHOW(log_call(2, text, 0));
        SHOW(log_call(8, NULL, 0));
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    hangup();
    refused();
    return 0;
}
