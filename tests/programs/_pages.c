/* Processes, one after the other, that touch memory: _pages new|copied PROCESSES MIB. Each child
 * writes to every page of memory that is new, or that its parent has filled and shares with it
 * until then. Prints the sum of what the children found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static volatile char *area(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        exit(1);
    return p;
}

/* In a child: the sum of what stood there, modulo 127. */
static int touch(volatile char *pages, size_t size)
{
    unsigned sum = 0;
    for (size_t at = 0; at < size; at += PAGE) {
        sum += pages[at];
        pages[at] = 2;
    }
    return sum % 127;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int copied = strcmp(argv[1], "copied") == 0, processes = atoi(argv[2]);
    size_t size = (size_t)atoi(argv[3]) << 20;
    volatile char *pages = copied ? area(size) : NULL;
    if (copied)
        memset((void *)pages, 1, size);
    int sum = 0, status;
    for (int i = 0; i < processes; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(touch(copied ? pages : area(size), size));
        if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
            return 1;
        sum += WEXITSTATUS(status);
    }
    printf("%d processes, sum %d\n", processes, sum);
    return 0;
}
