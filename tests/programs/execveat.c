/* execveat: programs by directory and by descriptor, and scripts. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/stat.h>
#include <sys/syscall.h>

static char *const arguments[] = { "name", "child", NULL };
static char *const environment[] = { "A=b", NULL };

static void run(const char *what, int dir, const char *path, int flags)
{
    pid_t pid = fork();
    int status;
    if (!pid) {
        syscall(SYS_execveat, dir, path, arguments, environment, flags);
        SAY("%s: %s", what, error_name(errno));
        _exit(1);
    }
    waitpid(pid, &status, 0);
    show_status(what, status);
}

static void copy_self(int out)
{
    char buffer[65536];
    int in = open("/proc/self/exe", O_RDONLY);
    for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
        write(out, buffer, n);
    close(in);
}

static void script(const char *name)
{
    int fd = open(name, O_CREAT | O_WRONLY, 0755);
    dprintf(fd, "#!/proc/self/cwd/xd/prog of\n");
    close(fd);
}

int main(int argc, char **argv, char **envp)
{
    if (argc > 1) {
        for (int i = 0; i < argc; i++)
            printf("%s ", argv[i]);
        SAY("with %s", *envp ? *envp : "nothing");
        char exe[8] = "";
        readlink("/proc/self/exe", exe, sizeof exe - 1);
        if (exe[0] != '/' || !strcmp(exe, "/memfd:"))
            SAY("it runs from %s", exe);
        return 7;
    }
    mkdir("xd", 0755);
    int program = open("xd/prog", O_CREAT | O_WRONLY, 0755),
        memory = syscall(SYS_memfd_create, "some", 0);
    copy_self(program);
    close(program);
    copy_self(memory);
    script("xd/script");
    symlink("prog", "xd/link");
    int dir = open("xd", O_RDONLY | O_DIRECTORY), opened = open("xd/prog", O_RDONLY),
        path_only = open("xd/prog", O_PATH | O_CLOEXEC), s = open("xd/script", O_RDONLY),
        closing = open("xd/script", O_RDONLY | O_CLOEXEC),
        closing_dir = open("xd", O_RDONLY | O_CLOEXEC);
    run("by directory", dir, "prog", 0);
    run("by working directory", AT_FDCWD, "xd/prog", 0);
    run("by descriptor", opened, "", AT_EMPTY_PATH);
    run("by path descriptor", path_only, "", AT_EMPTY_PATH);
    run("memory", memory, "", AT_EMPTY_PATH);
    run("empty path", opened, "", 0);
    run("link", dir, "link", 0);
    run("link not followed", dir, "link", AT_SYMLINK_NOFOLLOW);
    run("no link, not followed", dir, "prog", AT_SYMLINK_NOFOLLOW);
    run("script", dir, "script", 0);
    run("script by descriptor", s, "", AT_EMPTY_PATH);
    run("script by descriptor that closes", closing, "", AT_EMPTY_PATH);
    run("script by directory that closes", closing_dir, "script", 0);
    run("script by working directory", AT_FDCWD, "xd/script", 0);
    run("directory", dir, "", AT_EMPTY_PATH);
    run("nothing", dir, "none", 0);
    run("no directory", opened, "prog", 0);
    run("bad descriptor", 99, "prog", 0);
    run("bad descriptor, empty", 99, "", AT_EMPTY_PATH);
    run("unknown flag", dir, "prog", 1);
    run("no path", dir, (void *)8, 0);
    unlink("xd/prog");
    unlink("xd/script");
    unlink("xd/link");
    rmdir("xd");
    return 0;
}
