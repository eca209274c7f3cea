/* Process groups and sessions. */
#include "oracle.h"

static pid_t sleeper(pid_t group)
{
    pid_t pid = fork();
    if (!pid) {
        setpgid(0, group);
        for (;;)
            pause();
    }
    setpgid(pid, group);
    return pid;
}

int main(void)
{
    int status;
    pid_t first = fork();
    if (!first) {
        SHOW(setsid() == getpid());
        SHOW(getsid(0) == getpid());
        SHOW(getpgrp() == getpid());
        SHOW(setsid());
        SHOW(setpgid(0, 0));
        SHOW(getpgid(999999));
        SHOW(setpgid(999999, 0));
        SHOW(setpgid(0, -1));
        SHOW(open("/dev/tty", O_RDWR));
        pid_t a = sleeper(0), b = sleeper(a), c = sleeper(0);
        SAY("groups: %d %d %d", getpgid(a) == a, getpgid(b) == a, getpgid(c) == c);
        SHOW(setpgid(b, 999999));
        SHOW(kill(-a, SIGTERM));
        for (int i = 0; i < 2; i++) {
            pid_t pid = waitpid(-a, &status, 0);
            SAY("of the group: %d", pid == a || pid == b);
            show_status("member", status);
        }
        SHOW(waitpid(-a, &status, 0));
        SHOW(kill(-a, 0));
        SHOW(waitpid(-c, &status, WNOHANG));
        kill(c, SIGKILL);
        waitpid(c, &status, 0);
        show_status("other", status);
        /* Stop signals other than SIGSTOP do nothing in an orphaned group. */
        raise(SIGTSTP);
        SAY("still running");
        pid_t d = sleeper(0);
        kill(d, SIGTSTP);
        waitpid(d, &status, WUNTRACED);
        show_status("job", status);
        kill(-d, SIGCONT);
        waitpid(d, &status, WCONTINUED);
        show_status("job", status);
        kill(-d, SIGINT);
        waitpid(d, &status, 0);
        show_status("job", status);
        _exit(0);
    }
    waitpid(first, &status, 0);
    show_status("session", status);
    return 0;
}
