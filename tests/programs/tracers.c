/* What a tracer without rights does not get by tracing: the rights of a set-user-ID program, though
 * a process that had them began it; a program that its user may run, but not read; where the memory
 * of another user's program lies. Started as root. */
#define _GNU_SOURCE
#include "oracle.h"

#include <grp.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>

enum { USER = 1000 };

static char self[4096];

static void copy(const char *to, mode_t mode)
{
    char buffer[65536];
    int in = open(self, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
        write(out, buffer, n);
    close(in);
    close(out);
    chmod(to, mode);
}

/* An ordinary user runs one of the copies. */
static void run(const char *copy, const char *what)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        setgroups(0, NULL);
        setgid(USER);
        setuid(USER);
        execl(copy, copy, what, NULL);
        _exit(9);
    }
    waitpid(pid, &status, 0);
    show_status(what, status);
}

static void show_ids(void) { SAY("ids %d %d", getuid(), geteuid()); }

/* ---- a parent that has rights for a while ---- */

/* The child asks to be traced while its parent is a set-user-ID program, and then begins such a
 * program itself, when the parent is its user's again. */
static void inherits(void)
{
    int ends[2];
    char number[16];
    pipe(ends);
    pid_t child = fork();
    if (!child) {
        char byte;
        read(ends[0], &byte, 1);
        SHOW(ptrace(PTRACE_TRACEME, 0, 0, 0));
        execl("set-id", "set-id", "ids", NULL);
        _exit(9);
    }
    sprintf(number, "%d %d", child, ends[1]);
    execl("set-id", "set-id", "has-rights", number, NULL);
}

static void has_rights(const char *argument)
{
    pid_t child;
    int end, status;
    sscanf(argument, "%d %d", &child, &end);
    show_ids();
    write(end, "x", 1);
    /* no line of the child's is printed before it stops */
    waitpid(child, &status, 0);
    SHOW(setresuid(USER, USER, USER));
    show_ids();
    show_status("traced", status);
    show_status_line(child, "Uid:");
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    show_status("then", status);
}

/* ---- a child that has rights ---- */

static void asks(void)
{
    int status;
    if (!fork()) {
        execl("set-id", "set-id", "ask", NULL);
        _exit(9);
    }
    wait(&status);
    show_status("asked", status);
}

static void ask(void)
{
    show_ids();
    SHOW(ptrace(PTRACE_TRACEME, 0, 0, 0));
}

/* ---- a program that cannot be read ---- */

static void look_at(const char *name)
{
    int status;
    struct user_regs_struct regs = { 0 };
    pid_t child = fork();
    if (!child) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execl(name, name, "ids", NULL);
        _exit(9);
    }
    waitpid(child, &status, 0);
    show_status(name, status);
    SHOW(ptrace(PTRACE_GETREGS, child, 0, &regs));
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, child, regs.rip, 0);
    SAY("peek: %s, %s", error_name(errno), word == -1 ? "nothing" : "its code");
    errno = 0;
    long changed = ptrace(PTRACE_POKETEXT, child, regs.rip, word);
    SAY("poke: %ld %s", changed, error_name(errno));
    word = ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.rip), 0);
    SAY("registers: %d", (unsigned long)word == regs.rip);
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    show_status(name, status);
}

static void looks(void)
{
    SHOW(open("locked", O_RDONLY));
    look_at("plain");
    look_at("locked");
}

/* ---- where memory lies ---- */

static void sleeps_as(const char *name)
{
    int ends[2], status;
    char byte;
    void *head;
    size_t size;
    pipe(ends);
    pid_t child = fork();
    if (!child) {
        dup2(ends[1], 1);
        execl(name, name, "sleep", NULL);
        _exit(9);
    }
    close(ends[1]);
    read(ends[0], &byte, 1);
    errno = 0;
    long result = syscall(SYS_get_robust_list, child, &head, &size);
    SAY("%s: %ld %s", name, result, error_name(errno));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
}

static void robust(void)
{
    sleeps_as("plain");
    sleeps_as("set-id");
    sleeps_as("locked");
}

/* ---- the child of a tracee ---- */

static void children(void)
{
    int status;
    pid_t child = fork();
    if (!child) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        pid_t grandchild = fork();
        if (!grandchild)
            for (;;)
                pause();
        show_status_line(grandchild, "TracerPid:");
        kill(grandchild, SIGKILL);
        _exit(0);
    }
    waitpid(child, &status, 0);
    ptrace(PTRACE_CONT, child, 0, 0); /* SIGCHLD */
    waitpid(child, &status, 0);
    show_status("tracee", status);
}

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {
    { "ids", show_ids }, { "inherits", inherits }, { "asks", asks },         { "ask", ask },
    { "looks", looks },  { "robust", robust },     { "children", children },
};

int main(int argc, char **argv)
{
    if (argc > 2)
        has_rights(argv[2]);
    if (argc == 2 && !strcmp(argv[1], "sleep")) {
        write(1, "x", 1);
        for (;;)
            pause();
    }
    for (unsigned i = 0; argc == 2 && i < sizeof parts / sizeof parts[0]; i++)
        if (!strcmp(argv[1], parts[i].name))
            parts[i].run();
    if (argc > 1)
        return 0;
    self[readlink("/proc/self/exe", self, sizeof self - 1)] = 0;
    umask(0);
    mkdir("tracers-dir", 0755);
    chdir("tracers-dir");
    copy("plain", 0755);
    copy("set-id", 04755);
    copy("locked", 0711);
    run("plain", "inherits");
    run("plain", "asks");
    run("plain", "looks");
    run("plain", "robust");
    run("plain", "children");
    unlink("plain");
    unlink("set-id");
    unlink("locked");
    chdir("..");
    rmdir("tracers-dir");
    return 0;
}
