/* What is written through a shared mapping reaches the disk by each of the calls that promise it.
 *
 *     _dirty protect|unmap|fsync|registers|syncfs|sync|msync|msync-child FILE
 *
 * registers: fsync, as libraries call it that leave what they please in the other registers.
 * The pages are 'A' and on the disk, as a write to another page of the file sees to (O_DSYNC), and
 * still writable: no fault tells of the 'B' that comes then, only the marks in the page table. When
 * "on the disk" is printed, the power may fail. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 16 * 4096 };

/* A process that writes to the map: 'A' at once, 'B' when it is let go on. Has written 'A'. */
static pid_t writer(char *map)
{
    pid_t child = fork();
    if (!child) {
        memset(map, 'A', SIZE);
        raise(SIGSTOP);
        memset(map, 'B', SIZE);
        raise(SIGSTOP);
    }
    waitpid(child, NULL, WUNTRACED);
    return child;
}

int main(int argc, char **argv)
{
    const char *how = argc == 3 ? argv[1] : "";
    int fd = open(argc == 3 ? argv[2] : "", O_RDWR | O_CREAT | O_TRUNC | O_DSYNC, 0600);
    if (fd < 0 || ftruncate(fd, SIZE))
        return 2;
    char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return 3;
    pid_t other = strcmp(how, "msync-child") ? 0 : writer(map);
    if (!other)
        memset(map, 'A', SIZE);
    if (pwrite(fd, "end", 3, SIZE) != 3)
        return 4;
    if (other) { /* the marks are in another space than that of msync */
        kill(other, SIGCONT);
        waitpid(other, NULL, WUNTRACED);
    } else {
        memset(map, 'B', SIZE);
    }
    if (!strcmp(how, "protect") && mprotect(map, SIZE, PROT_READ))
        return 5;
    if ((!strcmp(how, "protect") || !strcmp(how, "unmap")) && munmap(map, SIZE))
        return 6;
    if (!strcmp(how, "sync"))
        sync();
    else if (!strcmp(how, "syncfs")      ? syncfs(fd)
             : !strncmp(how, "msync", 5) ? msync(map, SIZE, MS_SYNC)
             : !strcmp(how, "registers") ? syscall(SYS_fsync, fd, -1L, -1L, -1L, -1L, -1L)
                                         : fsync(fd))
        return 7;
    puts("on the disk");
    fflush(stdout);
    pause();
}
