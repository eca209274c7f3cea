/* memfd_create and seals; room and holes in such files. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

enum { KEEP = 1, PUNCH = 2 };
static int make(const char *name, unsigned flags) { return syscall(SYS_memfd_create, name, flags); }
static char page[4096];

static void creation(void)
{
    char name[256];
    struct stat s;
    struct statfs f;
    memset(name, 'n', sizeof name);
    name[249] = 0;
    SHOW(make(name, 0) > 0);
    name[249] = 'n', name[250] = 0;
    SHOW(make(name, 0));
    SHOW(make("", 0) > 0);
    SHOW(make((void *)8, 0));
    SHOW(make("x", 0x400));
    int fd = make("x", MFD_CLOEXEC);
    SAY("%x %x", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
    fstat(fd, &s);
    SAY("%o links %ld size %ld", s.st_mode, (long)s.st_nlink, (long)s.st_size);
    fstatfs(fd, &f);
    SAY("type %lx", (long)f.f_type);
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(write(fd, "hello", 5));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(read(fd, name, 10));
    SHOW(fchmod(fd, 0600));
    SHOW(fstat(fd, &s));
    SAY("%o size %ld", s.st_mode, (long)s.st_size);
    SHOW(ftruncate(fd, 100000));
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int again = open(name, O_RDONLY);
    SAY("opened again %d, reads %ld", again > 0, (long)read(again, page, 4096));
    SHOW(fcntl(again, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(linkat(AT_FDCWD, name, AT_FDCWD, "a_name", AT_SYMLINK_FOLLOW) == -1 && errno != EEXIST);
    close(fd);
    SAY("still there %ld", (long)pread(again, page, 5, 0));
    close(again);
}

static void sealed(void)
{
    int fd = make("s", MFD_ALLOW_SEALING), pipes[2];
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(ftruncate(fd, 8192));
    SHOW(fcntl(fd, F_ADD_SEALS, 0x1000));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    char *own = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    own[4096] = 1;
    SHOW(ftruncate(fd, 4096));
    SAY("own %d", own[4096]);
    munmap(own, 8192);
    SHOW(ftruncate(fd, 8192));
    SHOW(ftruncate(fd, 12000));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(ftruncate(fd, 12001));
    SHOW(pwrite(fd, page, 4096, 0));
    SHOW(pwrite(fd, page, 4096, 8192));
    SHOW(pwrite(fd, page, 4096, 4097));
    SHOW(pwrite(fd, page, 1, 12000));
    SHOW(pwrite(fd, page, 10, 11990));
    SHOW(fallocate(fd, 0, 8192, 8192));
    SHOW(fallocate(fd, 0, 0, 12000));
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[5] = 1;
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(munmap(map, 8192));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(write(fd, page, 1));
    SHOW(fallocate(fd, PUNCH | KEEP, 0, 4096));
    SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    SAY("%s", error_name(errno));
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SAY("private %d, holds %d", map != MAP_FAILED, map[5]);
    map[5] = 2;
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(pipe(pipes));
    SHOW(fcntl(pipes[0], F_GET_SEALS));
    SHOW(fcntl(pipes[1], F_ADD_SEALS, 1));
    SHOW(fcntl(99, F_GET_SEALS));
}

static void future(void)
{
    int fd = make("f", MFD_ALLOW_SEALING);
    SHOW(ftruncate(fd, 4096));
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    map[0] = 'm';
    SHOW(pread(fd, page, 1, 0));
    SAY("%c", page[0]);
    SHOW(pwrite(fd, page, 1, 0));
    SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    char *view = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    SAY("%c", view[0]);
    SHOW(mprotect(view, 4096, PROT_READ | PROT_WRITE));
}

static void seek(int fd, long from)
{
    long data = lseek(fd, from, SEEK_DATA), hole = lseek(fd, from, SEEK_HOLE);
    SAY("from %ld: data %ld, hole %ld", from, data, hole);
}
static void room(int fd)
{
    struct stat s;
    fstat(fd, &s);
    SAY("size %ld, %ld blocks", (long)s.st_size, (long)s.st_blocks);
}

static void holes(void)
{
    int fd = make("h", 0);
    memset(page, 'x', sizeof page);
    SHOW(ftruncate(fd, 100 * 4096));
    seek(fd, 0);
    SHOW(pwrite(fd, page, 4096, 10 * 4096));
    SHOW(pwrite(fd, page, 10, 12 * 4096 + 5));
    SHOW(pwrite(fd, page, 10, 5000l * 4096));
    room(fd);
    seek(fd, 0);
    seek(fd, 10 * 4096 + 1);
    seek(fd, 11 * 4096);
    seek(fd, 13 * 4096);
    seek(fd, 5000l * 4096);
    seek(fd, 5000l * 4096 + 10);
    seek(fd, -1);
    SHOW(fallocate(fd, KEEP, 20 * 4096, 3 * 4096));
    room(fd);
    SHOW(fallocate(fd, KEEP, 6000l * 4096, 4096));
    room(fd);
    SHOW(fallocate(fd, 0, 6000l * 4096 + 1, 1));
    room(fd);
    SHOW(fallocate(fd, PUNCH | KEEP, 10 * 4096 + 100, 3 * 4096));
    room(fd);
    SHOW(pread(fd, page, 4096, 10 * 4096));
    SAY("%d %d %d %d", page[0], page[99], page[100], page[4095]);
    seek(fd, 10 * 4096);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 30 * 4096);
    map[7] = 'm';
    SHOW(fallocate(fd, PUNCH | KEEP, 30 * 4096, 4096));
    SAY("mapped %d", map[7]);
    map[8] = 'n';
    SHOW(pread(fd, page, 10, 30 * 4096));
    SAY("%d %d", page[7], page[8]);
    SHOW(fallocate(fd, PUNCH | KEEP, 0, 1l << 46));
    SHOW(ftruncate(fd, 6000l * 4096));
    SHOW(fallocate(fd, PUNCH, 0, 4096));
    SHOW(fallocate(fd, 0, -1, 4096));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(fallocate(fd, 0, 0, -1));
    SHOW(fallocate(fd, 0x40, 0, 4096));
    SHOW(fallocate(fd, 0, 0x7fffffffffffffff, 4096));
    SHOW(fallocate(99, 0, 0, 4096));
    SHOW(fallocate(open("/proc/self/exe", O_RDONLY), 0, 0, 4096));
}

int main(void)
{
    creation();
    sealed();
    future();
    holes();
    return 0;
}
