/* _waiters FILE: many processes read from one open file, which only one may do at a time. Its
 * server, which never answers a read and does not survive a write, is lost while all but the first
 * wait for their turn. Each must see ENXIO; prints how many did. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAITERS = 500, START_US = 20000 };

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1,
        other = fd < 0 ? -1 : open(argv[1], O_WRONLY), status, children = 0, refused = 0;
    char c;
    if (other < 0)
        return 2;
    for (pid_t pid; children < WAITERS && (pid = fork()) >= 0; children++)
        if (!pid)
            _exit(read(fd, &c, 1) < 0 && errno == ENXIO);
    usleep(START_US);
    if (write(other, "", 1) >= 0 || errno != ENXIO)
        printf("the server survived: %m\n");
    while (wait(&status) > 0)
        refused += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    printf("%d of %d\n", refused, children);
    return 0;
}
