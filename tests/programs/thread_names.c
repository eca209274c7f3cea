/* Names and timer slacks of threads: prctl, /proc/.../comm, who inherits them and who may change
 * them. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/prctl.h>

/* What a file of /proc says, its newlines shown as '|'. */
static const char *content(const char *path)
{
    static char text[64];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        return strerror(errno);
    close(fd);
    text[n] = 0;
    for (char *p = text; (p = strchr(p, '\n'));)
        *p = '|';
    return text;
}

static const char *own(void)
{
    static char name[17];
    prctl(PR_GET_NAME, name);
    return name;
}

static void change(const char *path, const char *name, size_t length)
{
    int fd = open(path, O_WRONLY);
    errno = 0;
    ssize_t n = write(fd, name, length);
    SAY("write of %zu to comm: %zd %s", length, n, strerror(errno));
    close(fd);
}

static void wait_for(pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    SAY("child: %x", status);
}

static void *second(void *path)
{
    char other[64];
    snprintf(other, sizeof other, "/proc/self/task/%d/comm", getpid());
    SAY("a new thread is called %s", own());
    prctl(PR_SET_NAME, "second");
    SAY("then %s, the first %s", content("/proc/thread-self/comm"), content("/proc/self/comm"));
    change(other, "by another", 10);
    SAY("first: %s", content("/proc/self/comm"));
    SAY("slack %d", prctl(PR_GET_TIMERSLACK));
    prctl(PR_SET_TIMERSLACK, 123456);
    SAY("slack %d", prctl(PR_GET_TIMERSLACK));
    prctl(PR_SET_TIMERSLACK, 0);
    SAY("slack after 0: %d", prctl(PR_GET_TIMERSLACK));
    prctl(PR_SET_TIMERSLACK, 33);
    pid_t child = fork();
    if (!child) {
        SAY("a child is called %s, slack %d", own(), prctl(PR_GET_TIMERSLACK));
        prctl(PR_SET_TIMERSLACK, 0);
        SAY("its slack after 0: %d", prctl(PR_GET_TIMERSLACK));
        _exit(0);
    }
    wait_for(child);
    return path;
}

static void strangers(void)
{
    char path[64];
    pid_t child = fork();
    if (!child) {
        snprintf(path, sizeof path, "/proc/%d/comm", getppid());
        change(path, "stolen", 6);
        _exit(0);
    }
    wait_for(child);
    SAY("after that: %s", content("/proc/self/comm"));
}

static void run(void)
{
    char path[64];
    pid_t child = fork();
    if (!child) {
        prctl(PR_SET_NAME, "before");
        prctl(PR_SET_TIMERSLACK, 77);
        snprintf(path, sizeof path, "/proc/self/exe");
        execl(path, "thread_names", "again", NULL);
        _exit(1);
    }
    wait_for(child);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc > 1) {
        SAY("after execve: %s, slack %d", argv[1], prctl(PR_GET_TIMERSLACK));
        return 0;
    }
    SAY("slack %d", prctl(PR_GET_TIMERSLACK));
    SAY("bad address %d %s", prctl(PR_SET_NAME, 8), strerror(errno));
    prctl(PR_SET_NAME, "a name that is longer than fifteen");
    SAY("%s %s", own(), content("/proc/self/comm"));
    change("/proc/self/comm", "short\n", 6);
    SAY("%s", content("/proc/self/comm"));
    change("/proc/self/comm", "0123456789abcdefghijklmnop", 26);
    SAY("%s", content("/proc/self/comm"));
    prctl(PR_SET_NAME, "first");
    prctl(PR_SET_TIMERSLACK, 60000);
    pthread_create(&thread, NULL, second, NULL);
    pthread_join(thread, NULL);
    SAY("slack of the first %d", prctl(PR_GET_TIMERSLACK));
    SAY("open to write as its user: %d", access("/proc/self/comm", W_OK));
    strangers();
    run();
    return 0;
}
