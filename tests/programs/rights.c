/* Set-id bits go when others change the file, or its owner changes. A program that runs cannot be
 * written to, and a file that is open for writing cannot run. The user who starts a set-id program
 * does not rule over it. */
#define _GNU_SOURCE
#include "oracle.h"

#include <grp.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void as(uid_t real, uid_t effective)
{
    setgroups(0, NULL);
    setgid(7);
    setresuid(real, effective, effective);
}

static void w_write(void) { write(open("f", O_WRONLY), "x", 1); }
static void w_nothing(void) { write(open("f", O_WRONLY), "x", 0); }
static void w_append(void) { write(open("f", O_WRONLY | O_APPEND), "x", 1); }
static void w_truncate(void) { truncate("f", 3); }
static void w_longer(void) { truncate("f", 9000); }
static void w_ftruncate(void) { ftruncate(open("f", O_WRONLY), 2); }
static void w_open(void) { open("f", O_WRONLY | O_TRUNC); }
static void w_sendfile(void)
{
    sendfile(open("f", O_WRONLY), open("/proc/self/exe", O_RDONLY), NULL, 10);
}
static void w_only_open(void) { open("f", O_RDWR); }
static void w_pwrite(void) { pwrite(open("f", O_RDWR), "x", 1, 1); }

static const struct {
    const char *name;
    void (*change)(void);
} ways[] = {
    { "write", w_write },   { "write of nothing", w_nothing },
    { "append", w_append }, { "truncate", w_truncate },
    { "longer", w_longer }, { "ftruncate", w_ftruncate },
    { "O_TRUNC", w_open },  { "open", w_only_open },
    { "pwrite", w_pwrite }, { "sendfile", w_sendfile },
};

static unsigned mode_of(const char *name)
{
    struct stat st;
    stat(name, &st);
    return st.st_mode & 07777;
}

static void changed(void)
{
    static const unsigned modes[] = { 06777, 04777, 02777, 06767, 02766, 0777 };
    static const struct {
        uid_t real, effective;
        const char *name;
    } users[] = {
        { 7, 7, "a user" }, { 0, 0, "root" }, { 0, 7, "root as a user" }, { 7, 0, "a user as root" }
    };
    int fd = open("f", O_RDWR | O_CREAT, 0777);
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++)
        for (unsigned k = 0; k < sizeof users / sizeof users[0]; k++) {
            printf("%s by %s:", ways[i].name, users[k].name);
            for (unsigned n = 0; n < sizeof modes / sizeof modes[0]; n++) {
                ftruncate(fd, 5);
                fchmod(fd, modes[n]);
                fflush(stdout);
                if (!fork()) {
                    as(users[k].real, users[k].effective);
                    ways[i].change();
                    _exit(0);
                }
                wait(NULL);
                printf(" %o", mode_of("f"));
            }
            putchar('\n');
        }
    static const unsigned owners[][2] = { { 5, -1 }, { -1, 5 }, { 5, 5 }, { -1, -1 } };
    for (unsigned i = 0; i < 4; i++) {
        printf("chown %d %d:", (int)owners[i][0], (int)owners[i][1]);
        for (unsigned n = 0; n < sizeof modes / sizeof modes[0]; n++) {
            fchmod(fd, modes[n]);
            fchown(fd, owners[i][0], owners[i][1]);
            printf(" %o", mode_of("f"));
        }
        putchar('\n');
    }
    /* the mode in VFS's cache is older than the file's */
    fchown(fd, 7, 7);
    fchmod(fd, 06777);
    pwrite(fd, "x", 1, 0);
    if (!fork()) {
        as(7, 7);
        w_write();
        SHOW(chown("f", -1, 7));
        _exit(0);
    }
    wait(NULL);
    SAY("then %o", mode_of("f"));
}

static void copy(const char *from, const char *to)
{
    char buffer[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
        write(out, buffer, n);
    close(in);
    close(out);
}

static int run(const char *name)
{
    int ends[2], error = 0;
    pipe2(ends, O_CLOEXEC);
    pid_t pid = fork();
    if (!pid) {
        execl(name, "rights", "wait", (char *)NULL);
        write(ends[1], &errno, sizeof errno);
        _exit(1);
    }
    close(ends[1]);
    read(ends[0], &error, sizeof error); /* the end: it runs */
    close(ends[0]);
    if (error) {
        waitpid(pid, NULL, 0);
        SAY("  does not run: %s", error_name(error));
        return -1;
    }
    return pid;
}

static void busy(const char *self)
{
    copy(self, "program");
    pid_t pid = run("./program");
    SHOW(open("program", O_WRONLY));
    SHOW(open("program", O_RDWR));
    SHOW(open("program", O_RDONLY | O_TRUNC));
    SHOW(open("program", O_WRONLY | O_TRUNC));
    SHOW(truncate("program", 10));
    SHOW(open("program", O_RDONLY) >= 0);
    SHOW(chmod("program", 0700));
    SHOW(rename("program", "moved"));
    SHOW(open("moved", O_WRONLY));
    pid_t second = run("./moved");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    SHOW(open("moved", O_WRONLY));
    kill(second, SIGKILL);
    waitpid(second, NULL, 0);
    SHOW(open("moved", O_WRONLY) >= 0);
    int fd = open("moved", O_RDWR);
    SAY("written to:");
    run("./moved");
    close(fd);
    for (int i = 3; i < 30; i++)
        close(i);
    pid = run("./moved");
    SAY("runs %d", pid > 0);
    SAY("a child of it goes on after it");
    pause_ms(100);
    kill(pid, SIGUSR1);
    pause_ms(100);
    waitpid(pid, NULL, 0);
    SHOW(open("moved", O_WRONLY));
    kill(-getpgrp(), SIGUSR2);
    pause_ms(100);
    SHOW(open("moved", O_WRONLY) >= 0);
    fd = open("script", O_RDWR | O_CREAT, 0755);
    write(fd, "#!/bin/true\n", 12);
    SAY("a script that is written to:");
    run("./script");
    close(fd);
    pid = run("./script");
    SHOW(pid > 0);
    waitpid(pid, NULL, 0);
    SHOW(open("script", O_WRONLY) >= 0);
    fd = open("no-program", O_RDWR | O_CREAT, 0755);
    write(fd, "nothing", 7);
    run("./no-program");
    close(fd);
    run("./no-program");
    SHOW(open("no-program", O_WRONLY) >= 0);
}

static void tell(const char *what)
{
    int sig = -1;
    prctl(PR_GET_PDEATHSIG, &sig);
    SAY("%s: ids %d %d %d %d, signal of the parent's death %d, personality %x, dumpable %d", what,
        getuid(), geteuid(), getgid(), getegid(), sig, personality(0xffffffff),
        prctl(PR_GET_DUMPABLE));
}

/* The user who starts a program that acts for another user decides neither when it is killed nor
 * where its memory lies. */
static void given(const char *self)
{
    static const struct {
        const char *what;
        uid_t owner;
        unsigned mode;
        uid_t effective;
        int no_new_privs, shares;
    } kinds[] = { { "a program", 0, 0755, 9, 0, 0 },
                  { "set-user-id", 0, 04755, 9, 0, 0 },
                  { "set-user-id of another", 5, 04755, 9, 0, 0 },
                  { "set-user-id of the user", 9, 04755, 9, 0, 0 },
                  { "set-group-id", 0, 02755, 9, 0, 0 },
                  { "set-group-id of the group", 7, 02755, 9, 0, 0 },
                  { "no execution by the group", 0, 02745, 9, 0, 0 },
                  { "no new rights", 0, 06755, 9, 1, 0 },
                  { "a program, in another's name", 0, 0755, 5, 0, 0 },
                  { "back to the user", 9, 04755, 5, 0, 0 },
                  { "in shared directories", 0, 06755, 9, 0, CLONE_FS },
                  { "with shared descriptors", 0, 06755, 9, 0, CLONE_FILES } };
    copy(self, "given");
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        chown("given", kinds[i].owner, kinds[i].owner);
        chmod("given", kinds[i].mode);
        fflush(stdout);
        if (!syscall(SYS_clone, kinds[i].shares | SIGCHLD, 0, 0, 0, 0)) {
            as(9, kinds[i].effective);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            personality(ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | STICKY_TIMEOUTS);
            if (kinds[i].no_new_privs)
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            execl("given", "given", "tell", kinds[i].what, (char *)NULL);
            _exit(1);
        }
        wait(NULL);
    }
    static const struct {
        const char *what;
        uid_t real, effective, file;
        gid_t group;
    } changes[] = { { "nothing", 0, 0, 0, 0 },
                    { "real", 5, 0, 0, 0 },
                    { "effective", 0, 5, 5, 0 },
                    { "for files", 0, 0, 5, 0 },
                    { "group", 0, 0, 0, 5 } };
    for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        fflush(stdout);
        if (!fork()) {
            prctl(PR_SET_PDEATHSIG, SIGUSR1);
            setegid(changes[i].group);
            setresuid(changes[i].real, changes[i].effective, -1);
            setfsuid(changes[i].file);
            tell(changes[i].what);
            _exit(0);
        }
        wait(NULL);
    }
}

static void first_line(char *text, ssize_t length)
{
    text[length > 0 ? length : 0] = 0;
    text[strcspn(text, "\n")] = 0;
}

/* Whether its user sees a set-id program's memory while exec still works on it, in steps because of
 * its arguments. */
static void starting(void)
{
    static char text[8192], first[8192], large[128 * 1024], *arguments[44] = { "given" };
    unsigned seen = 0;
    setrlimit(RLIMIT_STACK, &(struct rlimit){ 64 << 20, 64 << 20 });
    memset(large, 'a', sizeof large - 1);
    for (unsigned i = 1; i < 43; i++)
        arguments[i] = large;
    chown("given", 0, 0);
    chmod("given", 04755);
    for (unsigned round = 0; round < 12; round++) {
        int go[2];
        char byte, path[64];
        pipe(go);
        pid_t pid = fork();
        if (!pid) {
            as(9, 9);
            prctl(PR_SET_DUMPABLE, 1);
            read(go[0], &byte, 1);
            execv("given", arguments);
            _exit(1);
        }
        pid_t looker = fork();
        if (!looker) {
            as(9, 9);
            snprintf(path, sizeof path, "/proc/%d/maps", pid);
            int fd;
            while ((fd = open(path, O_RDONLY)) < 0)
                pause_ms(1);
            first_line(first, pread(fd, first, sizeof first - 1, 0));
            write(go[1], "x", 1);
            ssize_t n;
            while ((n = pread(fd, text, sizeof text - 1, 0)) > 0 && !kill(pid, 0)) {
                first_line(text, n);
                if (strcmp(text, first))
                    _exit(1);
            }
            _exit(0);
        }
        int status;
        waitpid(looker, &status, 0);
        seen += status != 0;
        close(go[0]);
        close(go[1]);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    SAY("memory of another's program seen: %u", seen);
}

/* Whether a program that gets its owner's rights knows that it must be careful, though a tracer,
 * for which it would get none, goes while exec works on it. */
static void parting(void)
{
    enum { ROUNDS = 40, STEP_US = 400 };
    static char large[128 * 1024], *arguments[44] = { "given", "secure" };
    unsigned wrong = 0;
    memset(large, 'a', sizeof large - 1);
    for (unsigned i = 2; i < 43; i++)
        arguments[i] = large;
    for (unsigned round = 0; round < ROUNDS; round++) {
        /* stays 0 when the SIGTRAP of exec has no tracer any more, and ends the program */
        char said = 0;
        int go[2], out[2];
        pipe(go), pipe(out);
        pid_t tracer = fork();
        if (!tracer) {
            char byte;
            as(9, 9);
            prctl(PR_SET_DUMPABLE, 1);
            if (!fork()) {
                dup2(out[1], 1);
                ptrace(PTRACE_TRACEME, 0, 0, 0);
                write(go[1], "x", 1);
                execv("given", arguments);
                _exit(1);
            }
            read(go[0], &byte, 1);
            usleep(round * STEP_US);
            _exit(0);
        }
        close(out[1]);
        waitpid(tracer, NULL, 0);
        read(out[0], &said, 1);
        wrong += said == 'c';
        close(out[0]), close(go[0]), close(go[1]);
    }
    SAY("careless with rights: %u", wrong);
}

static void leave_child(int sig)
{
    (void)sig;
    if (fork())
        _exit(0);
    signal(SIGUSR2, SIG_DFL);
}

int main(int count, char **argument)
{
    if (count > 3 && !strcmp(argument[1], "secure")) {
        write(1, getauxval(AT_SECURE) || getuid() == geteuid() ? "s" : "c", 1);
        return 0;
    }
    if (count > 3)
        for (;;)
            pause();
    if (count > 2) {
        tell(argument[2]);
        return 0;
    }
    if (count > 1) {
        signal(SIGUSR1, leave_child);
        signal(SIGUSR2, SIG_IGN);
        for (;;)
            pause();
    }
    char folder[] = "/tmp/rights.XXXXXX", self[512];
    self[readlink("/proc/self/exe", self, sizeof self - 1)] = 0;
    mkdtemp(folder);
    chmod(folder, 0777);
    chdir(folder);
    setpgid(0, 0);
    signal(SIGUSR2, SIG_IGN);
    umask(0);
    changed();
    busy(self);
    given(self);
    starting();
    parting();
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}
