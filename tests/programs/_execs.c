/* _execs USER: a hundred processes of that user run programs all at once: copies of this one, named
 * p0 to p99 in the working directory, which the disk has yet to be asked for. Meanwhile the parent,
 * which is root, looks again and again at what POSIX's threads do, and goes on with calls of its
 * own. Prints how many of these threads were seen at work at most, how many looks saw one at work,
 * and how many of the hundred programs ran. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXECS = 100 };

/* How many of POSIX's threads wait for another service: each has a handler's work in hand. */
static int at_work(void)
{
    static char text[256 << 10];
    char task[32], state[32], *line = text;
    int fd = open("/proc/minnow/threads", O_RDONLY), count = 0;
    ssize_t n, have = 0;
    while ((n = read(fd, text + have, sizeof text - 1 - have)) > 0)
        have += n;
    close(fd);
    text[have] = 0;
    while ((line = strchr(line, '\n')) != NULL)
        if (sscanf(++line, "%*d %31s %31s", task, state) == 2 && !strcmp(task, "posix"))
            count += !strcmp(state, "held") || !strcmp(state, "queued");
    return count;
}

int main(int argc, char **argv)
{
    int go[2], most = 0, seen = 0, ran = 0, left = EXECS, status;
    char name[8], bytes[EXECS] = "";
    if (argc > 1 && !strcmp(argv[1], "-end"))
        return 0;
    if (argc < 2 || pipe(go))
        return 2;
    for (int i = 0; i < EXECS; i++) {
        if (fork())
            continue;
        if (setuid(atoi(argv[1])) || read(go[0], bytes, 1) < 0)
            _exit(1);
        snprintf(name, sizeof name, "p%d", i);
        execl(name, name, "-end", NULL);
        _exit(1);
    }
    close(go[0]);
    if (write(go[1], bytes, EXECS) != EXECS)
        return 2;
    while (left) {
        int now = at_work();
        most = now > most ? now : most;
        seen += now > 0;
        while (left && waitpid(-1, &status, WNOHANG) > 0)
            left--, ran += !status;
    }
    printf("%d %d %d\n", most, seen, ran);
    return 0;
}
