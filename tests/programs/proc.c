/* /proc/PID: the objects of a process, as shown to processes that may see them and to others. The
 * program starts itself as `proc exe` and `proc sleep`. */
#define _GNU_SOURCE
#include "oracle.h"

#include <grp.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static char folder[] = "/tmp/proc.XXXXXX";

/* The link's text, with the folder of this run left out. */
static void show_link(const char *path)
{
    char text[512];
    ssize_t n = readlink(path, text, sizeof text - 1);
    if (n < 0) {
        SAY("  %s: %s", path, error_name(errno));
        return;
    }
    text[n] = 0;
    bool here = strncmp(text, folder, strlen(folder)) == 0;
    SAY("  %s: %s%s", path, here ? "FOLDER" : "", here ? text + strlen(folder) : text);
}

static void copy_file(const char *from, const char *to, mode_t mode)
{
    char buffer[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
        write(out, buffer, n);
    fchmod(out, mode);
    close(in);
    close(out);
}

static int same(const char *a, int fd)
{
    struct stat x, y;
    return stat(a, &x) == 0 && fstat(fd, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* In a program that was started by a path of any kind: /proc/self/exe afterwards. */
static int looks_at_itself(const char *how)
{
    SAY("%s", how);
    show_link("/proc/self/exe");
    chdir("/");
    SHOW(open("/proc/self/exe", O_RDONLY) >= 0);
    if (strcmp(how, "sub/second"))
        return 0;
    char path[600];
    snprintf(path, sizeof path, "%s/sub/second", folder);
    SHOW(unlink(path));
    show_link("/proc/self/exe");
    char short_text[8] = "";
    SHOW(readlink("/proc/self/exe", short_text, 4));
    int fd = open("/proc/self/exe", O_RDONLY);
    char head[4] = "";
    SHOW(read(fd, head, 4));
    SHOW(memcmp(head, "\177ELF", 4));
    char *again[] = { "proc", "again", folder, NULL };
    execv("/proc/self/exe", again);
    return 1;
}

static void programs(const char *self)
{
    copy_file(self, "first", 0755);
    mkdir("sub", 0755);
    copy_file(self, "sub/second", 0755);
    symlink("first", "link");
    static const char *const how[] = { "./first", "sub/../first", "./link", "sub/second" };
    for (unsigned i = 0; i < sizeof how / sizeof how[0]; i++) {
        if (!fork()) {
            execl(how[i], "proc", "exe", folder, how[i], (char *)NULL);
            _exit(1);
        }
        wait(NULL);
    }
}

static void descriptors(void)
{
    char path[64], byte;
    int fd = open("file", O_RDWR | O_CREAT, 0600), ends[2];
    write(fd, "x", 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    dup2(fd, 50);
    show_link("/proc/self/fd/50");
    unlink("file");
    show_link("/proc/self/fd/50");
    int again = open("/proc/self/fd/50", O_RDONLY);
    SHOW(again >= 0);
    SHOW(same("/proc/self/fd/50", again));
    SHOW(read(again, &byte, 1));
    pipe(ends);
    dup2(ends[0], 51);
    dup2(ends[1], 52);
    int writer = open("/proc/self/fd/52", O_WRONLY);
    SHOW(write(writer, "y", 1));
    SHOW(read(ends[0], &byte, 1));
    SHOW(same("/proc/self/fd/51", ends[0]));
    show_link("/proc/self/cwd");
    mkdir("gone", 0700);
    SHOW(same("/proc/self/cwd", open(".", O_RDONLY)));
    SHOW(same("/proc/self/root", open("/", O_RDONLY)));
    SHOW(readlink("/proc/self/fd/99", path, 1));
}

static char read_char(const char *path, int skip)
{
    char text[512] = "";
    int fd = open(path, O_RDONLY);
    read(fd, text, sizeof text - 1);
    close(fd);
    char *at = strrchr(text, ')');
    return skip && at ? at[2] : text[0];
}

static void as(uid_t uid)
{
    setgroups(0, NULL);
    setgid(uid);
    setuid(uid);
}

/* What `who` may see of the process pid: opens, or the error. */
static void look(const char *who, pid_t pid)
{
    static const char *const links[] = { "exe", "cwd", "root", "fd/0" }, *const files[] = {
        "fd", "maps", "environ", "cmdline", "stat", "cwd/."
    };
    char path[64], text[512];
    SAY("%s", who);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
        SAY("  readlink %s: %s", links[i],
            readlink(path, text, sizeof text) < 0 ? error_name(errno) : "told");
    }
    for (unsigned i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
        int fd = open(path, O_RDONLY);
        SAY("  open %s: %s", files[i], fd < 0 ? error_name(errno) : "opened");
        close(fd);
    }
}

/* A process of uid 7 that runs `program`, looked at by root, by its own user and by another. */
static void looked_at(const char *program)
{
    int ends[2];
    pipe(ends);
    pid_t pid = fork();
    if (!pid) {
        as(7);
        dup2(ends[1], 60);
        chdir("/");
        execl(program, "proc", "sleep", (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    char byte;
    read(ends[0], &byte, 1);
    static const uid_t users[] = { 0, 7, 8 };
    for (unsigned i = 0; i < 3; i++) {
        if (!fork()) {
            if (users[i])
                as(users[i]);
            look(users[i] == 0 ? "root" : users[i] == 7 ? "the same user" : "another user", pid);
            _exit(0);
        }
        wait(NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void who_may_look(void)
{
    char path[600];
    static const struct {
        const char *what;
        mode_t mode;
    } kinds[] = { { "a program", 0755 },
                  { "set-user-id", 04755 },
                  { "set-group-id", 02755 },
                  { "unreadable", 0711 } };
    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/first", folder);
        chmod(path, kinds[i].mode);
        SAY("== %s", kinds[i].what);
        looked_at(path);
    }
    SAY("== dumpable");
    SHOW(prctl(PR_GET_DUMPABLE));
    if (!fork()) {
        as(7);
        SHOW(prctl(PR_GET_DUMPABLE));
        show_link("/proc/self/cwd");
        SHOW(prctl(PR_SET_DUMPABLE, 1));
        SHOW(prctl(PR_GET_DUMPABLE));
        _exit(0);
    }
    wait(NULL);
}

static void texts(void)
{
    char text[4096], path[64];
    SAY("state %c", read_char("/proc/self/stat", 1));
    pid_t pid = fork();
    if (!pid) {
        char *arguments[] = { "proc", "sleep", "", "an argument", NULL },
             *environment[] = { "A=1", "", "BC=2 3", NULL };
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 60);
        execve("first", arguments, environment);
        _exit(1);
    }
    static const char *const names[] = { "environ", "cmdline" };
    pause_ms(100);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, names[i]);
        int fd = open(path, O_RDONLY);
        ssize_t n = read(fd, text, sizeof text - 1);
        for (ssize_t k = 0; k < n; k++)
            text[k] = text[k] ? text[k] : '|';
        text[n < 0 ? 0 : n] = 0;
        SAY("%s: %s", names[i], text);
        SHOW(lseek(fd, 2, SEEK_SET));
        SHOW(read(fd, text, 3));
        SAY("%.3s", text);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    static const char *const settings[] = { "kernel/pid_max",   "kernel/ostype",
                                            "kernel/tainted",   "kernel/cap_last_cap",
                                            "kernel/osrelease", "kernel/hostname",
                                            "fs/nr_open" };
    for (unsigned i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        snprintf(path, sizeof path, "/proc/sys/%s", settings[i]);
        SAY("%s: %d", settings[i], read_char(path, 0) > ' ');
    }
}

/* A pipe's link shows the pipe's inode and leads to the pipe, whichever process made it; when the
 * number has become another pipe's, the link does not lead to that one. */
static void pipes_again(unsigned user)
{
    int ends[2];
    char path[64], text[64] = "", expected[64], byte = 0;
    struct stat s;
    if (!fork()) {
        SAY("pipes of user %u", user);
        setuid(user);
        for (int round = 0; round < 3; round++) {
            SHOW(pipe(ends));
            SHOW(fstat(ends[0], &s) == 0 && s.st_uid == user);
            snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
            snprintf(expected, sizeof expected, "pipe:[%lu]", (unsigned long)s.st_ino);
            SHOW(readlink(path, text, sizeof text - 1) == (ssize_t)strlen(expected) &&
                 !strcmp(text, expected));
            int again = open(path, O_RDONLY | O_NONBLOCK);
            SHOW(again >= 0);
            SHOW(write(ends[1], "x", 1) == 1 && read(again, &byte, 1) == 1 && byte == 'x');
            close(ends[0]);
            SHOW(write(ends[1], "y", 1) == 1 && read(again, &byte, 1) == 1 && byte == 'y');
            close(ends[1]);
            SHOW(read(again, &byte, 1));
            close(again);
        }
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

int main(int count, char **argument)
{
    if (count > 3 && !strcmp(argument[1], "exe")) {
        strcpy(folder, argument[2]);
        return looks_at_itself(argument[3]);
    }
    if (count > 2 && !strcmp(argument[1], "again")) {
        SAY("run again, though it has no name");
        return 0;
    }
    if (count > 1) {
        write(60, "", 1);
        pause_ms(20000);
        return 0;
    }
    char self[512];
    self[readlink("/proc/self/exe", self, sizeof self - 1)] = 0;
    mkdtemp(folder);
    chmod(folder, 0755);
    chdir(folder);
    programs(self);
    descriptors();
    pipes_again(0);
    pipes_again(1000);
    who_may_look();
    chmod("first", 0755);
    texts();
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}
