/* What is written through a shared mapping reaches the disk by each of the calls that promise it.
 *
 *     _dirty protect|unmap|fsync|syncfs|sync|msync FILE
 *
 * The pages are 'A' and on the disk, as a write to another page of the file sees to (O_DSYNC), and
 * still writable: no fault tells of the 'B' that comes then, only the marks in the page table. When
 * "on the disk" is printed, the power may fail. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 16 * 4096 };

int main(int argc, char **argv)
{
    const char *how = argc == 3 ? argv[1] : "";
    int fd = open(argc == 3 ? argv[2] : "", O_RDWR | O_CREAT | O_TRUNC | O_DSYNC, 0600);
    if (fd < 0 || ftruncate(fd, SIZE))
        return 2;
    char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return 3;
    memset(map, 'A', SIZE);
    if (pwrite(fd, "end", 3, SIZE) != 3)
        return 4;
    memset(map, 'B', SIZE);
    if (!strcmp(how, "protect") && mprotect(map, SIZE, PROT_READ))
        return 5;
    if ((!strcmp(how, "protect") || !strcmp(how, "unmap")) && munmap(map, SIZE))
        return 6;
    if (!strcmp(how, "sync"))
        sync();
    else if (!strcmp(how, "syncfs")  ? syncfs(fd)
             : !strcmp(how, "msync") ? msync(map, SIZE, MS_SYNC)
                                     : fsync(fd))
        return 7;
    puts("on the disk");
    fflush(stdout);
    pause();
}
