/* Where a process says that its arguments and its environment stand (PR_SET_MM): what /proc shows
 * of them then. For root, and what others are told. */
#include "oracle.h"

#include <sys/prctl.h>

#define MM(what, at) SAY("%s: %s", #what, outcome(prctl(PR_SET_MM, what, (long)(at), 0, 0)))

static const char *outcome(int result) { return result < 0 ? error_name(errno) : "done"; }

static void show(const char *name)
{
    char path[40], text[200] = "";
    snprintf(path, sizeof path, "/proc/self/%s", name);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    for (ssize_t i = 0; i < n; i++)
        text[i] = text[i] ? text[i] : '|';
    SAY("%s: %zd %s", name, n, text);
    close(fd);
}

int main(int argc, char **argv)
{
    char title[] = "another title\0with two words", place[] = "HERE=1\0THERE=2";
    char *const arguments[] = { "program", "one", "two", NULL };
    char *const environment[] = { "A=1", "B=2", NULL };
    if (argc == 1)
        execve("/proc/self/exe", arguments, environment);
    show("cmdline");
    MM(PR_SET_MM_ARG_START, argv[1]);
    show("cmdline");
    MM(PR_SET_MM_ARG_END, argv[2]);
    show("cmdline");
    MM(PR_SET_MM_ARG_END, argv[1] - 1);
    MM(PR_SET_MM_ARG_START, 0);
    MM(PR_SET_MM_ARG_START, 1000);
    MM(PR_SET_MM_ARG_START, -1);
    MM(PR_SET_MM_ARG_START, title);
    MM(PR_SET_MM_ARG_END, title + sizeof title);
    MM(PR_SET_MM_ENV_START, place);
    MM(PR_SET_MM_ENV_END, place + sizeof place);
    show("cmdline");
    show("environ");
    MM(99, title);
    SAY("%s", outcome(prctl(PR_SET_MM, PR_SET_MM_ARG_START, (long)title, 1, 0)));
    SAY("%s", outcome(prctl(PR_SET_MM, PR_SET_MM_ARG_START, (long)title, 0, 1)));
    if (!fork()) {
        show("cmdline");
        setuid(1000);
        MM(PR_SET_MM_ARG_START, title);
        MM(99, title);
        SAY("%s", outcome(prctl(PR_SET_MM, PR_SET_MM_ARG_START, (long)title, 1, 0)));
        _exit(0);
    }
    wait(NULL);
    return 0;
}
