/* openat2: its structure in each size, what it refuses, and where its path may lead. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/stat.h>
#include <sys/syscall.h>

struct how {
    uint64_t flags, mode, resolve;
    uint64_t more[4];
};
enum { KNOWN = 24 };
enum { NO_XDEV = 1, NO_MAGIC = 2, NO_LINKS = 4, BENEATH = 8, IN_ROOT = 16 };

/* Opens and closes: 0 or -1. */
static int try_how(int dir, const char *path, struct how how, size_t size)
{
    int fd = syscall(SYS_openat2, dir, path, &how, size);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}
static int at(int dir, const char *path, uint64_t resolve)
{
    return try_how(dir, path, (struct how){ O_RDONLY, 0, resolve, { 0 } }, KNOWN);
}
static int with(const char *path, uint64_t flags, uint64_t mode)
{
    return try_how(AT_FDCWD, path, (struct how){ flags, mode, 0, { 0 } }, KNOWN);
}

static void structure(void)
{
    struct how how = { 0 };
    SHOW(try_how(AT_FDCWD, "d/f", how, KNOWN));
    SHOW(try_how(AT_FDCWD, "d/f", how, 0));
    SHOW(try_how(AT_FDCWD, "d/f", how, KNOWN - 1));
    SHOW(try_how(AT_FDCWD, "d/f", how, KNOWN + 8));
    SHOW(try_how(AT_FDCWD, "d/f", how, KNOWN + 13));
    how.more[1] = 1;
    SHOW(try_how(AT_FDCWD, "d/f", how, KNOWN + 8));
    SHOW(try_how(AT_FDCWD, "d/f", how, KNOWN + 16));
    SHOW(syscall(SYS_openat2, AT_FDCWD, "d/f", &how, 4097));
    SHOW(syscall(SYS_openat2, AT_FDCWD, "d/f", (void *)8, KNOWN));
    SHOW(syscall(SYS_openat2, AT_FDCWD, (void *)8, &(struct how){ 0 }, KNOWN));
}

static void flags(void)
{
    SHOW(with("d/f", 1ull << 40, 0));
    SHOW(with("d/f", 1ull << 31, 0));
    SHOW(with("d/f", O_RDONLY, 0644));
    SHOW(with("d/new", O_CREAT | O_WRONLY, 0644));
    SHOW(with("d/new", O_CREAT | O_WRONLY | O_EXCL, 0644));
    SHOW(with("d/new", O_CREAT | O_WRONLY, 010000));
    SHOW(with("d/f", O_PATH, 0));
    SHOW(with("d/f", O_PATH | O_CLOEXEC | O_NOFOLLOW, 0));
    SHOW(with("d/f", O_PATH | O_RDWR, 0));
    SHOW(with("d/f", O_PATH | O_TRUNC, 0));
    SHOW(with("d", O_DIRECTORY, 0));
    SHOW(with("d/f", O_DIRECTORY, 0));
    SHOW(with("d", O_WRONLY, 0));
    SHOW(at(AT_FDCWD, "d/f", 1 << 10));
    SHOW(at(AT_FDCWD, "d/f", BENEATH | IN_ROOT));
    unlink("d/new");
}

static void resolve(void)
{
    int d = open("d", O_RDONLY | O_DIRECTORY), file = open("d/f", O_RDONLY);
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", file);
    SHOW(at(AT_FDCWD, "nothing", 0));
    SHOW(at(file, "f", 0));
    SHOW(at(77, "f", 0));
    SHOW(at(AT_FDCWD, "to_f", NO_LINKS));
    SHOW(at(AT_FDCWD, "to_d/f", NO_LINKS));
    SHOW(at(AT_FDCWD, "to_d/f", NO_MAGIC));
    SHOW(try_how(AT_FDCWD, "to_f", (struct how){ O_PATH | O_NOFOLLOW, 0, NO_LINKS, { 0 } }, KNOWN));
    SHOW(at(AT_FDCWD, self, 0));
    SHOW(at(AT_FDCWD, self, NO_MAGIC));
    SHOW(at(AT_FDCWD, self, NO_LINKS));
    SHOW(at(AT_FDCWD, "/proc/self/cwd/d/f", NO_MAGIC));
    SHOW(at(AT_FDCWD, "/dev/null", NO_XDEV));
    SHOW(at(AT_FDCWD, "d/f", NO_XDEV));
    SHOW(at(d, "f", BENEATH));
    SHOW(at(d, "e/../f", BENEATH));
    SHOW(at(d, "..", BENEATH));
    SHOW(at(d, "../d/f", BENEATH));
    SHOW(at(d, "e/../../d/f", BENEATH));
    SHOW(at(d, "/", BENEATH));
    SHOW(at(d, "up", BENEATH));
    SHOW(at(d, "absolute", BENEATH));
    SHOW(at(d, "inside", BENEATH));
    SHOW(at(d, "f", IN_ROOT));
    SHOW(at(d, "/f", IN_ROOT));
    SHOW(at(d, "../../f", IN_ROOT));
    SHOW(at(d, "/e/../../f", IN_ROOT));
    SHOW(at(d, "absolute", IN_ROOT));
    SHOW(at(d, "up", IN_ROOT));
    SHOW(at(d, "/etc/passwd", IN_ROOT));
    SHOW(at(d, "/", IN_ROOT));
    SHOW(at(d, "", IN_ROOT));
    SHOW(at(AT_FDCWD, "/d/f", IN_ROOT));
}

int main(void)
{
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    close(open("d/f", O_CREAT | O_WRONLY, 0644));
    symlink("d/f", "to_f");
    symlink("d", "to_d");
    symlink("../d/f", "d/up");
    symlink("/f", "d/absolute");
    symlink("e/../f", "d/inside");
    structure();
    flags();
    resolve();
    unlink("to_f");
    unlink("to_d");
    unlink("d/f");
    unlink("d/up");
    unlink("d/absolute");
    unlink("d/inside");
    rmdir("d/e");
    rmdir("d");
    return 0;
}
