/* fork, exit, wait in all its ways. */
#include "oracle.h"
#include <sys/prctl.h>
#include <sys/resource.h>

static pid_t child(void (*run)(void))
{
    pid_t pid = fork();
    if (!pid) {
        run();
        _exit(0);
    }
    return pid;
}
static void exit_7(void) { _exit(7); }
static void killed(void) { raise(SIGKILL); }
static void sleeps(void)
{
    for (;;)
        pause();
}
static void stops(void)
{
    sigset_t usr1;
    int number;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGSTOP);
    sigwait(&usr1, &number); /* it has been seen that this goes on */
    _exit(9);
}

static void grandchild_orphan(void)
{
    pid_t middle = getpid();
    if (!fork()) {
        while (getppid() == middle)
            pause_ms(1);
        _exit(getppid() == 1 ? 0 : 1);
    }
}

/* Settings without effect here: values that are kept, some of them by a child as well, and values
 * that are refused. */
static void settings(void)
{
    SHOW(prctl(PR_GET_TIMING));
    SHOW(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL));
    SHOW(prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP));
    SHOW(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0));
    SHOW(prctl(PR_SET_THP_DISABLE, 5, 0, 0, 0));
    SHOW(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
    if (!fork()) {
        SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
        SHOW(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
        SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    int status;
    siginfo_t info;
    pid_t self = getpid();
    SAY("own ids: %d %d", self > 0, getppid() > 0);
    SHOW(wait(NULL));
    SHOW(waitpid(999999, NULL, 0));
    pid_t a = child(exit_7);
    SAY("wait gives the child: %d", wait(&status) == a);
    show_status("exit_7", status);
    a = child(killed);
    SAY("waitpid: %d", waitpid(a, &status, 0) == a);
    show_status("killed", status);
    a = child(sleeps);
    SHOW(waitpid(a, &status, WNOHANG));
    SHOW(kill(a, 0));
    SHOW(kill(a, SIGTERM));
    waitpid(a, &status, 0);
    show_status("terminated", status);
    SHOW(kill(a, 0));
    a = child(stops);
    SAY("stopped: %d", waitpid(a, &status, WUNTRACED) == a);
    show_status("stops", status);
    SHOW(waitpid(a, &status, WUNTRACED | WNOHANG));
    kill(a, SIGCONT);
    SAY("continued: %d", waitpid(a, &status, WCONTINUED) == a);
    show_status("continued", status);
    kill(a, SIGUSR1);
    waitpid(a, &status, 0);
    show_status("after", status);
    a = child(exit_7);
    memset(&info, 0, sizeof info);
    SHOW(waitid(P_PID, a, &info, WEXITED | WNOWAIT));
    SAY("info: signo %d code %d pid %d status %d", info.si_signo, info.si_code, info.si_pid == a,
        info.si_status);
    SHOW(waitid(P_PID, a, &info, WEXITED));
    SHOW(waitid(P_PID, a, &info, WEXITED));
    SHOW(waitid(P_ALL, 0, &info, 0));
    for (int i = 0; i < 5; i++)
        if (!fork())
            _exit(i);
    int sum = 0, n = 0;
    while (wait(&status) > 0)
        sum += WEXITSTATUS(status), n++;
    SAY("five children: %d, sum %d", n, sum);
    a = child(grandchild_orphan);
    waitpid(a, NULL, 0);
    signal(SIGCHLD, SIG_IGN);
    child(exit_7);
    SHOW(wait(&status));
    signal(SIGCHLD, SIG_DFL);
    int data = 1, fds[2];
    SHOW(pipe(fds));
    if (!fork()) {
        data = 2;
        ssize_t w = write(fds[1], &data, sizeof data);
        _exit(w != sizeof data);
    }
    int got = 0;
    SAY("read %zd", read(fds[0], &got, sizeof got));
    wait(&status);
    SAY("memory is the child's own: %d %d", data, got);
    pid_t v = vfork();
    if (!v) {
        data = 3;
        _exit(4);
    }
    waitpid(v, &status, 0);
    show_status("vfork", status);
    SAY("vfork shares memory: %d", data);
    settings();
    struct rusage usage;
    SHOW(getrusage(RUSAGE_SELF, &usage));
    SHOW(getrusage(RUSAGE_CHILDREN, &usage));
    SHOW(getrusage(77, &usage));
    return 0;
}
