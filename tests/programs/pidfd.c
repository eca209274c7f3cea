/* pidfd: opening, signals, poll and epoll, waitid, clone and clone3 with CLONE_PIDFD. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PIDFD_OPEN = 434, SEND = 424, CLONE3 = 435 };
#define OWN_P_PIDFD ((idtype_t)3)
struct arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup;
};

static long pidfd_open(int pid, unsigned flags) { return syscall(PIDFD_OPEN, pid, flags); }
static long send_to(int fd, int sig, siginfo_t *info, unsigned flags)
{
    return syscall(SEND, fd, sig, info, flags);
}

static int readable(int fd, int ms)
{
    struct pollfd f = { fd, POLLIN, 0 };
    poll(&f, 1, ms);
    return f.revents & POLLIN;
}

static pid_t sleeper(void)
{
    pid_t child = fork();
    if (!child) {
        pause();
        _exit(3);
    }
    return child;
}

static volatile int seen, value;
static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    seen = sig * 100 + (info->si_code == SI_USER ? 1 : info->si_code == SI_QUEUE ? 2 : 3);
    value = info->si_value.sival_int;
}

static void opening(void)
{
    int own = pidfd_open(getpid(), 0);
    SAY("flags %d %x", fcntl(own, F_GETFD), fcntl(own, F_GETFL) & ~O_LARGEFILE);
    SHOW(pidfd_open(0, 0));
    SHOW(pidfd_open(-1, 0));
    SHOW(pidfd_open(99999, 0));
    SHOW(pidfd_open(getpid(), 1));
    int other = pidfd_open(getpid(), O_NONBLOCK);
    SAY("flags %x", fcntl(other, F_GETFL) & ~O_LARGEFILE);
    char byte;
    SHOW(read(own, &byte, 1));
    SHOW(write(own, &byte, 1));
    SHOW(readable(own, 0));
    close(own), close(other);
}

static void signals(void)
{
    struct sigaction a = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &a, NULL);
    int own = pidfd_open(getpid(), 0);
    SHOW(send_to(own, SIGUSR1, NULL, 0));
    SAY("seen %d", seen);
    siginfo_t info = { 0 };
    info.si_signo = SIGUSR1;
    info.si_code = SI_QUEUE;
    info.si_value.sival_int = 77;
    SHOW(send_to(own, SIGUSR1, &info, 0));
    SAY("seen %d, value %d", seen, value);
    SHOW(send_to(own, SIGUSR2, &info, 0));
    SHOW(send_to(own, 0, NULL, 0));
    SHOW(send_to(own, 65, NULL, 0));
    SHOW(send_to(own, -1, NULL, 0));
    SHOW(send_to(own, 0, NULL, 8));
    SHOW(send_to(own, SIGUSR1, (void *)8, 0));
    SHOW(send_to(0, SIGUSR1, NULL, 0));
    SHOW(send_to(999, SIGUSR1, NULL, 0));
    pid_t child = sleeper();
    int fd = pidfd_open(child, 0), one = pidfd_open(1, 0);
    info.si_code = SI_USER;
    SHOW(send_to(fd, SIGUSR1, &info, 0));
    if (!fork()) {
        SHOW(setuid(1000));
        SHOW(send_to(one, 0, NULL, 0));
        SHOW(send_to(fd, SIGTERM, NULL, 0));
        SHOW(send_to(own, 0, NULL, 0));
        _exit(0);
    }
    wait(NULL);
    SHOW(readable(fd, 0));
    SHOW(send_to(fd, SIGTERM, NULL, 0));
    SHOW(readable(fd, 5000));
    SHOW(send_to(fd, SIGTERM, NULL, 0)); /* a zombie */
    SHOW(waitpid(child, NULL, 0) == child);
    SHOW(send_to(fd, SIGTERM, NULL, 0));
    SHOW(readable(fd, 0));
    close(fd), close(own), close(one);
}

/* pidfd_send_signal takes a process's directory in /proc as well. */
static void directories(void)
{
    char path[32];
    int own = open("/proc/self", O_DIRECTORY), only_path = open("/proc/self", O_PATH),
        task = open("/proc/self/task", O_DIRECTORY), root = open("/proc", O_DIRECTORY),
        file = open("/proc/self/stat", O_RDONLY), init = open("/proc/1", O_DIRECTORY);
    seen = 0;
    SHOW(send_to(own, SIGUSR1, NULL, 0));
    SAY("seen %d", seen);
    SHOW(send_to(only_path, SIGUSR1, NULL, 0));
    SHOW(send_to(task, SIGUSR1, NULL, 0));
    SHOW(send_to(root, SIGUSR1, NULL, 0));
    SHOW(send_to(file, SIGUSR1, NULL, 0));
    siginfo_t info;
    SHOW(waitid(OWN_P_PIDFD, own, &info, WEXITED));
    pid_t child = sleeper();
    snprintf(path, sizeof path, "/proc/%d", child);
    int fd = open(path, O_DIRECTORY);
    SHOW(send_to(fd, 0, NULL, 0));
    if (!fork()) {
        SHOW(setuid(1000));
        SHOW(send_to(init, 0, NULL, 0));
        SHOW(send_to(fd, SIGTERM, NULL, 0));
        _exit(0);
    }
    wait(NULL);
    SHOW(send_to(fd, SIGTERM, NULL, 0));
    waitpid(child, NULL, 0);
    SHOW(send_to(fd, 0, NULL, 0));
    close(own), close(only_path), close(task), close(root), close(file), close(init), close(fd);
}

static void waits(void)
{
    siginfo_t info;
    pid_t child = sleeper();
    int fd = pidfd_open(child, 0), e = epoll_create1(0);
    struct epoll_event event = { EPOLLIN | EPOLLET, { .u64 = 5 } };
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_wait(e, &event, 1, 0));
    memset(&info, 0, sizeof info);
    SHOW(waitid(OWN_P_PIDFD, fd, &info, WEXITED | WNOHANG));
    SAY("pid %d", info.si_pid);
    kill(child, SIGKILL);
    SHOW(epoll_wait(e, &event, 1, -1));
    SHOW(waitid(OWN_P_PIDFD, fd, &info, WEXITED | WNOWAIT));
    SAY("child %d, status %d, code %d", info.si_pid == child, info.si_status, info.si_code);
    SHOW(waitid(OWN_P_PIDFD, fd, &info, WEXITED));
    SHOW(waitid(OWN_P_PIDFD, fd, &info, WEXITED));
    SHOW(waitid(OWN_P_PIDFD, 0, &info, WEXITED));
    SHOW(waitid(OWN_P_PIDFD, 999, &info, WEXITED));
    SHOW(waitid(OWN_P_PIDFD, -1, &info, WEXITED));
    int own = pidfd_open(getpid(), 0);
    SHOW(waitid(OWN_P_PIDFD, own, &info, WEXITED));
    close(fd), close(own), close(e);
}

static void clones(void)
{
    int fd = -1, tid = -1, status;
    long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, NULL, 0);
    if (!pid)
        _exit(fcntl(5, F_GETFD) < 0 ? 7 : 8); /* the child does not have it */
    SAY("a descriptor: %d, flags %d", fd > 2, fcntl(fd, F_GETFD));
    SHOW(readable(fd, 5000));
    waitpid(pid, &status, 0);
    SAY("child %d", WEXITSTATUS(status));
    close(fd);
    SHOW(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, NULL, 0));
    SHOW(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &fd, NULL, 0));
    int *fresh = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct arguments a = { .flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID,
                           .pidfd = (uintptr_t)fresh,
                           .parent_tid = (uintptr_t)(fresh + 1024),
                           .child_tid = (uintptr_t)&tid,
                           .signal = SIGCHLD };
    pid = syscall(CLONE3, &a, sizeof a);
    if (!pid)
        _exit(tid == getpid() ? 9 : 1);
    waitpid(pid, &status, 0);
    SAY("child %d, numbers %d %d", WEXITSTATUS(status), fresh[0] > 2, fresh[1024] == pid);
    close(fresh[0]);
    signal(SIGUSR2, SIG_IGN);
    a = (struct arguments){ .flags = 1ul << 32, .signal = SIGCHLD };
    pid = syscall(CLONE3, &a, 64);
    if (!pid) {
        struct sigaction one, two;
        sigaction(SIGUSR1, NULL, &one);
        sigaction(SIGUSR2, NULL, &two);
        _exit((one.sa_handler == SIG_DFL) + 2 * (two.sa_handler == SIG_IGN));
    }
    waitpid(pid, &status, 0);
    SAY("actions %d", WEXITSTATUS(status));
    SHOW(syscall(CLONE3, &a, 63));
    SHOW(syscall(CLONE3, &a, 5000));
    SHOW(syscall(CLONE3, (void *)8, 64));
    struct {
        struct arguments a;
        uint64_t more;
    } longer = { { .signal = SIGCHLD }, 1 };
    SHOW(syscall(CLONE3, &longer, sizeof longer));
    a = (struct arguments){ .signal = 65 };
    SHOW(syscall(CLONE3, &a, 64));
    a = (struct arguments){ .flags = SIGCHLD };
    SHOW(syscall(CLONE3, &a, 64));
    a = (struct arguments){ .signal = SIGCHLD, .stack = 4096 };
    SHOW(syscall(CLONE3, &a, 64));
    a = (struct arguments){ .signal = SIGCHLD, .stack_size = 4096 };
    SHOW(syscall(CLONE3, &a, 64));
    a = (struct arguments){ .flags = CLONE_SIGHAND, .signal = SIGCHLD };
    SHOW(syscall(CLONE3, &a, 64));
}

static void many(void)
{
    pid_t child = sleeper();
    int fd = pidfd_open(child, 0), bad = 0;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    /* a process that has the number again is another one */
    for (int i = 0; i < 300; i++) {
        pid_t next = fork();
        if (!next)
            _exit(0);
        bad += send_to(fd, 0, NULL, 0) == 0;
        waitpid(next, NULL, 0);
    }
    SAY("bad %d", bad);
    close(fd);
}

int main(void)
{
    opening();
    signals();
    directories();
    waits();
    clones();
    many();
    return 0;
}
