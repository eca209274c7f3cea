/* exec: arguments, environment, scripts, errors; posix_spawn, system, popen. */
#define _GNU_SOURCE
#include "oracle.h"
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void put(const char *path, const char *text, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (write(fd, text, strlen(text)) < 0)
        SAY("cannot write %s", path);
    fchmod(fd, mode);
    close(fd);
}

static void try(const char *path, char *const *args)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        char *environment[] = { "A=1", "B=two", NULL };
        execve(path, args, environment);
        SAY("execve: %s", error_name(errno));
        _exit(99);
    }
    waitpid(pid, &status, 0);
    show_status(args[0] ? args[0] : "nothing", status);
}

/* With stacks of all sizes: a program starts, and its mappings are whole pages. */
static void stacks(const char *self)
{
    static const rlim_t limits[] = { 1 << 20, 8 << 20, 1ul << 40, RLIM_INFINITY };
    for (unsigned i = 0; i < 4; i++) {
        struct rlimit limit = { limits[i], RLIM_INFINITY };
        int status;
        pid_t pid = fork();
        if (!pid) {
            setrlimit(RLIMIT_STACK, &limit);
            execl(self, "programs", "map", (char *)NULL);
            _exit(99);
        }
        waitpid(pid, &status, 0);
        show_status("with a limit for its stack", status);
    }
}

extern char **environ;

int main(int argc, char **argv)
{
    char self[256];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (argc > 1 && !strcmp(argv[1], "print")) {
        for (int i = 1; i < argc; i++)
            SAY("argument %d: %s", i, argv[i]);
        for (char **e = environ; *e; e++)
            SAY("environment: %s", *e);
        return argc;
    }
    self[n > 0 ? n : 0] = 0;
    if (argc > 1 && !strcmp(argv[1], "map"))
        return (uintptr_t)mmap(NULL, 10000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) % 4096 !=
               0;
    stacks(self);
    if (chdir("/tmp") < 0)
        return 1;
    char *args[] = { "me", "print", "a b", "", NULL };
    try(self, args);
    try("/bin/no-such-program", args);
    try("/tmp", args);
    put("oracle-empty", "", 0755);
    put("oracle-noexec", "#!/bin/sh\nexit 3\n", 0644);
    put("oracle-script", "#!/bin/sh\necho script \"$0\" \"$@\"; exit 5\n", 0755);
    put("oracle-option", "#! /bin/sh  -e  \necho option $#\nfalse\necho not here\n", 0755);
    put("oracle-missing", "#!/no/interpreter\n", 0755);
    put("oracle-garbage",
        "\177ELFgarbage that is no program at all, really not one, not even sixty-four bytes of it",
        0755);
    put("oracle-text", "echo plain text\n", 0755);
    put("oracle-loop", "#!/tmp/oracle-loop\n", 0755);
    char *words[] = { "x", "one", "two", NULL };
    try("oracle-empty", words);
    try("oracle-noexec", words);
    try("./oracle-script", words);
    try("./oracle-option", words);
    try("oracle-missing", words);
    try("oracle-garbage", words);
    try("oracle-text", words);
    try("oracle-loop", words);
    try("oracle-script/x", words);
    char *big = malloc(200000), *many[] = { "x", big, NULL };
    memset(big, 'y', 199999);
    big[199999] = 0;
    try("/bin/true", many);
    pid_t pid;
    int status;
    int spawned = posix_spawn(&pid, self, NULL, NULL, args, words);
    waitpid(pid, &status, 0);
    SAY("posix_spawn %d", spawned);
    show_status("spawned", status);
    SHOW(posix_spawn(&pid, "/no/such", NULL, NULL, args, words));
    SHOW(system("exit 4") >> 8);
    FILE *p = popen("echo from a pipe; exit 2", "r");
    char line[64] = "";
    if (p && fgets(line, sizeof line, p))
        SAY("popen: %s", line);
    SHOW(pclose(p) >> 8);
    static const char *const files[] = { "empty",   "noexec",  "script", "option",
                                         "missing", "garbage", "text",   "loop" };
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "oracle-%s", files[i]);
        unlink(name);
    }
    return 0;
}
