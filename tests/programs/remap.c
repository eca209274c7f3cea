/* remap_file_pages: shared memory shows other pages; what is refused. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>

enum { PAGE = 4096, PAGES = 8 };

static long remap(void *at, unsigned long size, unsigned long prot, unsigned long page)
{
    return syscall(SYS_remap_file_pages, at, size, prot, page, 0);
}

/* The first byte of each page; '-' where there is none. */
static void show(const char *what, const char *at, int pages)
{
    char text[PAGES * 2 + 1] = { 0 };
    int p[2];
    pipe(p);
    for (int i = 0; i < pages; i++)
        text[i] = write(p[1], at + i * PAGE, 1) != 1 ? '-' : at[i * PAGE] ? at[i * PAGE] : '0';
    SAY("%s: %s", what, text);
    close(p[0]);
    close(p[1]);
}

static void fill(char *at, int pages)
{
    for (int i = 0; i < pages; i++)
        at[i * PAGE] = 'a' + i;
}

static void of_file(void)
{
    int fd = open("r", O_CREAT | O_RDWR | O_TRUNC, 0600);
    ftruncate(fd, PAGES * PAGE);
    char *m = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), byte[2] = "";
    fill(m, PAGES);
    show("file", m, PAGES);
    SHOW(remap(m, PAGE, 0, 5));
    SHOW(remap(m + PAGE, 2 * PAGE, 0, 2));
    SHOW(remap(m + 5 * PAGE + 100, PAGE + 200, 0, 0));
    show("changed", m, PAGES);
    m[0] = 'X';
    pread(fd, byte, 1, 5 * PAGE);
    SAY("in the file: %s", byte);
    SHOW(remap(m, PAGES * PAGE, 0, 0)); /* over all its parts */
    show("as before", m, PAGES);
    SHOW(remap(m + 7 * PAGE, PAGE, 0, 100));
    show("behind the end", m, PAGES);
    SHOW(mprotect(m + PAGE, PAGE, PROT_READ));
    SHOW(remap(m, 2 * PAGE, 0, 0));
    SHOW(remap(m + PAGE, PAGE, 0, 3));
    show("for reading", m, 3);
    munmap(m + 2 * PAGE, PAGE);
    SHOW(remap(m + PAGE, 3 * PAGE, 0, 0));
    SHOW(remap(m + 7 * PAGE, 2 * PAGE, 0, 0));
    munmap(m, PAGES * PAGE);
    close(fd);
    unlink("r");
}

static void refused(void)
{
    char *m = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
         *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fill(m, PAGES);
    SHOW(remap(m, PAGE, 0, 3));
    show("shared", m, PAGES);
    SHOW(remap(m, PAGE, PROT_READ, 3));
    SHOW(remap(m, PAGE - 1, 0, 3));
    SHOW(remap(m, 0, 0, 3));
    SHOW(remap(m, -PAGE, 0, 3));
    SHOW(remap(m, PAGE, 0, -1));
    SHOW(remap(m, PAGE, 0, -2));
    SHOW(remap(own, PAGE, 0, 0));
    munmap(own, PAGE);
    SHOW(remap(own, PAGE, 0, 0));
    SHOW(remap(NULL, PAGE, 0, 0));
    munmap(m, PAGES * PAGE);
}

/* A segment goes with the last mapping, which a new one of all of it is not before. */
static void segment(void)
{
    int id = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
    char *m = shmat(id, NULL, 0);
    struct shmid_ds d;
    fill(m, 3);
    SHOW(remap(m, PAGE, 0, 2));
    show("segment", m, 3);
    SHOW(shmctl(id, IPC_STAT, &d));
    SAY("attached %d", (int)d.shm_nattch);
    SHOW(remap(m, 3 * PAGE, 0, 0));
    SHOW(shmctl(id, IPC_STAT, &d));
    SAY("attached %d", (int)d.shm_nattch);
    SHOW(shmctl(id, IPC_RMID, NULL));
    SHOW(remap(m, PAGE, 0, 1));
    show("removed", m, 3);
    SHOW(remap(m + PAGE, 2 * PAGE, 0, 0));
    show("removed", m, 3);
    SHOW(remap(m, 3 * PAGE, 0, 0));
    show("removed", m, 3);
    SHOW(remap(m, 3 * PAGE, 0, 0));
    show("gone", m, 3);
    SHOW(shmctl(id, IPC_STAT, &d));
}

int main(void)
{
    of_file();
    refused();
    segment();
    return 0;
}
