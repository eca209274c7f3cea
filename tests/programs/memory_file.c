/* /proc/N/mem belongs to the memory that the process had when the file was opened: after an execve
 * nothing is read or written by it, though the number is the same and the opener may look into the
 * process. */
#define _GNU_SOURCE
#include "oracle.h"

#define NEED(condition) ((condition) ? (void)0 : abort())

static volatile char value = 'a';

static int opened(pid_t pid)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    return open(path, O_RDWR);
}

static void through(const char *when, int fd)
{
    char now = '-';
    ssize_t written = pwrite(fd, "b", 1, (off_t)&value), read = pread(fd, &now, 1, (off_t)&value);
    SAY("%s: wrote %zd, read %zd %c, value %c", when, written, read, now, value);
}

/* A child that becomes this program again when it is told to, and waits then. */
static void of_child(const char *name)
{
    int go[2], up[2], status;
    char in[12], out[12], c;
    NEED(pipe(go) == 0 && pipe(up) == 0);
    pid_t child = fork();
    if (!child) {
        value = 'a'; /* so the page is the child's own */
        NEED(write(up[1], "", 1) == 1 && read(go[0], &c, 1) == 1);
        snprintf(in, sizeof in, "%d", go[0]);
        snprintf(out, sizeof out, "%d", up[1]);
        execl("/proc/self/exe", name, "wait", in, out, NULL);
        _exit(1);
    }
    NEED(read(up[0], &c, 1) == 1);
    int before = opened(child);
    through("the child's, before", before);
    NEED(write(go[1], "", 1) == 1 && read(up[0], &c, 1) == 1);
    through("the child's, after", before);
    int after = opened(child);
    through("the child's, opened after", after);
    NEED(write(go[1], "", 1) == 1);
    waitpid(child, &status, 0);
    through("the child's, when it has ended", after);
    SAY("its value was %c", WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
    char number[12], c;
    if (argc == 4) {
        NEED(write(atoi(argv[3]), "", 1) == 1 && read(atoi(argv[2]), &c, 1) == 1);
        return value;
    }
    if (argc == 2) {
        through("after execve", atoi(argv[1]));
        return 0;
    }
    int own = opened(getpid());
    through("own", own);
    of_child(argv[0]);
    snprintf(number, sizeof number, "%d", own);
    execl("/proc/self/exe", argv[0], number, NULL);
    return 1;
}
