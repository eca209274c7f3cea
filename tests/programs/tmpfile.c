/* O_TMPFILE: files without a name, and how they get one; room and holes of files on the disk. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>
#include <sys/stat.h>

static void give_name(int fd, const char *name)
{
    char path[64];
    struct stat s;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int result = linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
    SAY("link to %s: %d %s", name, result, result ? error_name(errno) : "");
    fstat(fd, &s);
    SAY("%ld links, %o", (long)s.st_nlink, s.st_mode);
}

static void nameless(const char *dir)
{
    char text[32] = "";
    SAY("in %s", dir);
    umask(027);
    int fd = open(dir, O_TMPFILE | O_RDWR, 0666);
    SHOW(fd < 0);
    SHOW(write(fd, "contents", 8));
    give_name(fd, "named");
    give_name(fd, "named");
    give_name(fd, "named2");
    int again = open("named", O_RDONLY);
    SHOW(read(again, text, sizeof text));
    SAY("%s", text);
    SHOW(unlink("named"));
    SHOW(unlink("named2"));
    give_name(fd, "named3");
    close(again);
    close(fd);
    fd = open(dir, O_TMPFILE | O_WRONLY | O_EXCL, 0600);
    give_name(fd, "named4");
    close(fd);
    fd = open(dir, O_TMPFILE | O_WRONLY, 0600);
    SHOW(linkat(fd, "", AT_FDCWD, "named5", AT_EMPTY_PATH));
    SHOW(linkat(fd, "", AT_FDCWD, "named6", 0));
    SHOW(unlink("named5"));
    close(fd);
    SHOW(open(dir, O_TMPFILE | O_RDONLY, 0600));
    SHOW(open(dir, O_TMPFILE | O_CREAT | O_RDWR, 0600));
    SHOW(open(dir, (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600));
    SHOW(open("none", O_TMPFILE | O_RDWR, 0600));
    close(open("file", O_CREAT | O_WRONLY, 0600));
    SHOW(open("file", O_TMPFILE | O_RDWR, 0600));
    unlink("file");
}

static void seek(int fd, long from)
{
    long data = lseek(fd, from, SEEK_DATA), hole = lseek(fd, from, SEEK_HOLE);
    SAY("from %ld: data %ld, hole %ld", from, data, hole);
}

static void holes(void)
{
    static char page[4096];
    int fd = open("holes", O_CREAT | O_RDWR | O_TRUNC, 0600);
    struct stat s;
    memset(page, 'x', sizeof page);
    SHOW(ftruncate(fd, 3000l * 4096));
    SHOW(pwrite(fd, page, 4096, 8 * 4096));
    SHOW(pwrite(fd, page, 4096, 9 * 4096));
    SHOW(pwrite(fd, page, 4096, 20 * 4096));
    SHOW(pwrite(fd, page, 4096, 2000l * 4096));
    SHOW(fsync(fd));
    seek(fd, 0);
    seek(fd, 8 * 4096 + 17);
    seek(fd, 10 * 4096);
    seek(fd, 21 * 4096);
    seek(fd, 2001l * 4096);
    SHOW(fallocate(fd, 3, 8 * 4096, 4096));
    seek(fd, 0);
    SHOW(fallocate(fd, 3, 9 * 4096 + 10, 4096));
    SHOW(pread(fd, page, 4096, 9 * 4096));
    SAY("%d %d %d", page[0], page[9], page[10]);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2000l * 4096);
    SAY("%d", map[3]);
    SHOW(fallocate(fd, 3, 1990l * 4096, 20 * 4096));
    SAY("%d", map[3]);
    map[4] = 'y';
    SHOW(pread(fd, page, 10, 2000l * 4096));
    SAY("%d %d", page[3], page[4]);
    SHOW(fallocate(fd, 3, 0, 3000l * 4096));
    fstat(fd, &s);
    SAY("size %ld", (long)s.st_size);
    SHOW(fallocate(fd, 0, 2999l * 4096, 2 * 4096));
    fstat(fd, &s);
    SAY("size %ld", (long)s.st_size);
    SHOW(lseek(fd, 2999l * 4096, SEEK_CUR) != -1);
    SHOW(fallocate(fd, 2, 0, 4096));
    unlink("holes");
}

int main(void)
{
    mkdir("dir", 0700);
    nameless("dir");
    rmdir("dir");
    holes();
    return 0;
}
