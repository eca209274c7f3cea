/* clone with flags that make two processes share descriptors, directories, actions or memory; and
 * how they come apart: unshare, exec, close_range. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { CLOSE_RANGE = 436, UNSHARE_RANGE = 2, FILES = 2, FS = 3, SIGHAND = 4, VM = 1 };

static char stack[65536] __attribute__((aligned(16)));
static int shared_number;

/* A child that shares what the flags say, but not memory. */
static pid_t child_of(unsigned long flags)
{
    return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static void ends(pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    if (status)
        show_status("child", status);
}

static int same(int type) { return syscall(SYS_kcmp, getpid(), getppid(), type, 0, 0) == 0; }

static void descriptors(void)
{
    pid_t child = child_of(CLONE_FILES);
    if (!child) {
        SAY("the same descriptors: %d", same(FILES));
        dup2(1, 40);
        close(41);
        fcntl(42, F_SETFD, FD_CLOEXEC);
        _exit(0);
    }
    ends(child);
    dup2(1, 41);
    dup2(1, 42);
    SHOW(fcntl(40, F_GETFD));
    child = child_of(CLONE_FILES);
    if (!child) {
        dup2(1, 43);
        close(41);
        fcntl(42, F_SETFD, FD_CLOEXEC);
        _exit(0);
    }
    ends(child);
    SHOW(fcntl(41, F_GETFD));
    SHOW(fcntl(42, F_GETFD));
    SHOW(fcntl(43, F_GETFD));
    child = child_of(0);
    if (!child) {
        SAY("the same descriptors: %d", same(FILES));
        dup2(1, 44);
        _exit(0);
    }
    ends(child);
    SHOW(fcntl(44, F_GETFD));
}

static void apart(void)
{
    pid_t child = child_of(CLONE_FILES);
    if (!child) {
        SHOW(unshare(CLONE_FILES));
        SAY("the same descriptors: %d", same(FILES));
        dup2(1, 45);
        _exit(0);
    }
    ends(child);
    SHOW(fcntl(45, F_GETFD));
    dup2(1, 46);
    dup2(1, 47);
    child = child_of(CLONE_FILES);
    if (!child) {
        SHOW(syscall(CLOSE_RANGE, 46, 47, UNSHARE_RANGE));
        SHOW(fcntl(46, F_GETFD));
        _exit(0);
    }
    ends(child);
    SHOW(fcntl(46, F_GETFD));
    fcntl(47, F_SETFD, FD_CLOEXEC);
    child = child_of(CLONE_FILES);
    if (!child) {
        char *const arguments[] = { "sharing", "exec", NULL };
        execv("/proc/self/exe", arguments);
        _exit(1);
    }
    ends(child);
    SHOW(fcntl(47, F_GETFD));
    SHOW(unshare(0));
    SHOW(unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM));
    SHOW(unshare(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM));
    SHOW(unshare(CLONE_PARENT));
    SHOW(unshare(CLONE_SETTLS));
}

static void directories(void)
{
    char now[4096];
    mkdir("one", 0755);
    mkdir("two", 0755);
    umask(022);
    pid_t child = child_of(CLONE_FS);
    if (!child) {
        SAY("the same directories: %d", same(FS));
        SHOW(chdir("one"));
        SHOW(umask(077));
        _exit(0);
    }
    ends(child);
    getcwd(now, sizeof now);
    SAY("in %s, umask %o", strrchr(now, '/'), umask(022));
    SHOW(chdir(".."));
    child = child_of(CLONE_FS);
    if (!child) {
        SHOW(unshare(CLONE_FS));
        SAY("the same directories: %d", same(FS));
        SHOW(chdir("two"));
        umask(0);
        _exit(0);
    }
    ends(child);
    SHOW(access("two", F_OK));
    SHOW(umask(022));
    int go[2], ready[2];
    char c;
    (void)!pipe(go);
    (void)!pipe(ready);
    child = child_of(CLONE_FS);
    if (!child) {
        (void)!read(go[0], &c, 1);
        getcwd(now, sizeof now);
        SAY("child: in %s", strrchr(now, '/'));
        (void)!write(ready[1], "r", 1);
        (void)!read(go[0], &c, 1);
        SHOW(chdir("../one"));
        _exit(0);
    }
    SHOW(chdir("two"));
    (void)!write(go[1], "g", 1);
    (void)!read(ready[0], &c, 1);
    (void)!write(go[1], "g", 1);
    ends(child);
    getcwd(now, sizeof now);
    SAY("parent: in %s", strrchr(now, '/'));
    SHOW(chdir(".."));
    child = child_of(0);
    if (!child) {
        SAY("the same directories: %d", same(FS));
        SHOW(chdir("one"));
        _exit(0);
    }
    ends(child);
    SHOW(access("one", F_OK));
    rmdir("one");
    rmdir("two");
}

static void caught(int sig) { shared_number += sig; }

static int with_all(void *unused)
{
    (void)unused;
    struct sigaction a = { .sa_handler = caught };
    SAY("the same memory %d, descriptors %d, directories %d, actions %d", same(VM), same(FILES),
        same(FS), same(SIGHAND));
    shared_number = 5;
    dup2(1, 48);
    umask(027);
    sigaction(SIGUSR1, &a, NULL);
    signal(SIGUSR2, SIG_IGN);
    kill(getpid(), SIGUSR1);
    SAY("number %d", shared_number);
    SHOW(unshare(CLONE_VM));
    SHOW(unshare(CLONE_SIGHAND));
    _exit(3);
}

static int resets(void *unused)
{
    (void)unused;
    struct sigaction a = { .sa_handler = caught, .sa_flags = (int)SA_RESETHAND };
    sigaction(SIGUSR1, &a, NULL);
    kill(getpid(), SIGUSR1);
    _exit(0);
}

static void all(void)
{
    struct sigaction a;
    enum { ALL = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND };
    int status;
    pid_t child = clone(with_all, stack + sizeof stack, ALL | SIGCHLD, NULL);
    waitpid(child, &status, 0);
    show_status("child", status);
    SHOW(shared_number);
    SHOW(fcntl(48, F_GETFD));
    SHOW(umask(022));
    sigaction(SIGUSR1, NULL, &a);
    SAY("a handler: %d", a.sa_handler == caught);
    sigaction(SIGUSR2, NULL, &a);
    SAY("ignored: %d", a.sa_handler == SIG_IGN);
    child = clone(resets, stack + sizeof stack, ALL | SIGCHLD, NULL);
    ends(child);
    sigaction(SIGUSR1, NULL, &a);
    SAY("the default again: %d", a.sa_handler == SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    SHOW(unshare(CLONE_VM | CLONE_SIGHAND));
    SHOW(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    SHOW(syscall(SYS_clone, CLONE_THREAD | CLONE_VM | SIGCHLD, stack + sizeof stack, 0, 0, 0));
}

/* CLONE_PARENT, and the numbers that clone writes. */
static void numbers(void)
{
    static volatile int parent_number, child_number;
    int status;
    pid_t child = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0,
                          &parent_number, &child_number, 0);
    if (!child)
        _exit(child_number == getpid() ? 4 : 1);
    SAY("parent's: %d, %d", parent_number == child, child_number);
    waitpid(child, &status, 0);
    show_status("child", status);
    child = fork();
    if (!child) {
        pid_t sibling = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
        if (!sibling)
            _exit(6);
        SHOW(waitpid(sibling, &status, 0));
        _exit(5);
    }
    waitpid(child, &status, 0);
    show_status("child", status);
    waitpid(-1, &status, 0);
    show_status("its sibling", status);
    SHOW(waitpid(-1, &status, 0));
}

int main(int count, char **arguments)
{
    if (count > 1) {
        SAY("%s: %d %d", arguments[1], fcntl(42, F_GETFD), fcntl(47, F_GETFD));
        return 0;
    }
    descriptors();
    apart();
    directories();
    all();
    numbers();
    return 0;
}
