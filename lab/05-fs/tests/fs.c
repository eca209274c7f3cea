/* The tests of lab 05 that only say what they see: the same program said it on Linux, and the two
 * are compared. fs TEST SEED */
#define _GNU_SOURCE
#include "mounted.h"

#include <dirent.h>
#include <stdbool.h>

/* ---- saying what is seen ---- */

static unsigned hash_bytes(unsigned h, const void *data, size_t n)
{
    for (const unsigned char *at = data; n--; at++)
        h = (h ^ *at) * 16777619u;
    return h;
}

/* The contents of a file as they are read: of all, and of up to 64 pieces, by which the grader
 * finds the first that differs. A piece of zeroes is "-". */
struct pieces {
    long size, piece;
    unsigned all, hash[64];
    bool zero[64];
};

static void add_bytes(struct pieces *p, const unsigned char *bytes, long n)
{
    p->all = hash_bytes(p->all, bytes, n);
    for (long i = 0; i < n; i++, p->size++) {
        long k = p->size / p->piece < 64 ? p->size / p->piece : 63;
        p->hash[k] = hash_bytes(p->hash[k], bytes + i, 1);
        p->zero[k] &= !bytes[i];
    }
}

static void say_contents(const char *path)
{
    unsigned char buffer[3000];
    struct stat s;
    struct pieces p = { .all = 2166136261u, .piece = 128 };
    long n;
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        say(-1, "contents of %s", path);
        return;
    }
    memset(p.zero, true, sizeof p.zero);
    while (fstat(fd, &s) == 0 && s.st_size > p.piece * 64)
        p.piece *= 2;
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        add_bytes(&p, buffer, n);
    close(fd);
    if (n < 0) {
        say(n, "contents of %s after %ld bytes", path, p.size);
        return;
    }
    printf("contents of %s = %ld bytes, hash %08x, by %ld:", path, p.size, p.all, p.piece);
    for (long k = 0; k < 64 && k * p.piece < p.size; k++)
        if (p.zero[k])
            printf(" -");
        else
            printf(" %04x", p.hash[k] & 0xffff);
    printf("\n");
}

static void say_stat(const char *path)
{
    struct stat s;
    if (lstat(path, &s) < 0)
        say(-1, "stat %s", path);
    else
        printf("stat %s = mode %o, %lu links, uid %u, gid %u, size %ld\n", path, s.st_mode,
               (unsigned long)s.st_nlink, s.st_uid, s.st_gid,
               S_ISDIR(s.st_mode) ? -1l : (long)s.st_size);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of a folder in order, without the folder's own. */
static int names_of(const char *path, char **names, int max)
{
    DIR *dir = opendir(path);
    int n = 0;
    if (!dir)
        return -1;
    for (struct dirent *e; (e = readdir(dir));)
        if (n < max && strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            names[n++] = strdup(e->d_name);
    closedir(dir);
    qsort(names, n, sizeof *names, by_name);
    return n;
}

static void say_folder(const char *path)
{
    static char *names[2000];
    int n = names_of(path, names, 2000);
    if (n < 0) {
        say(-1, "names in %s", path);
        return;
    }
    printf("names in %s = %d:", path, n);
    for (int i = 0; i < n; i++)
        printf(" %s", names[i]);
    printf("\n");
}

/* Everything below a folder, depth first. */
static void say_tree(const char *path)
{
    char *names[256], below[1024], target[256];
    struct stat s;
    say_stat(path);
    if (lstat(path, &s) < 0)
        return;
    if (S_ISREG(s.st_mode))
        say_contents(path);
    if (S_ISLNK(s.st_mode)) {
        ssize_t n = readlink(path, target, sizeof target);
        printf("readlink %s = %.*s\n", path, n < 0 ? 0 : (int)n, target);
    }
    int n = S_ISDIR(s.st_mode) ? names_of(path, names, 256) : 0;
    for (int i = 0; i < n; i++) {
        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        say_tree(below);
        free(names[i]);
    }
}

/* Random bytes at an offset of a file. */
static void say_write(const char *path, int flags, long offset, unsigned length)
{
    static unsigned char bytes[65536];
    for (unsigned i = 0; i < length; i++)
        bytes[i] = lab_random();
    int fd = open(path, O_WRONLY | flags, 0644);
    if (fd < 0) {
        say(-1, "open %s to write", path);
        return;
    }
    say(pwrite(fd, bytes, length, offset), "write %u bytes at %ld of %s", length, offset, path);
    close(fd);
}

/* ---- tests that are compared with Linux ---- */

/* In a folder that is there: nothing of folders is needed but to look into that one. */
static void test_create(void)
{
    if (root)
        NEED(mkdir("create", 0755) == 0);
    go_into("create");
    say_write("a", O_CREAT, 0, 1);
    say_write("b", O_CREAT | O_EXCL, 0, 1 + lab_below(1000));
    say_write("b", O_CREAT | O_EXCL, 0, 10);
    say_write("c", O_CREAT, 0, 1024);
    say_write("d", O_CREAT, 0, 1025 + lab_below(5000));
    say_write("absent", 0, 0, 10);
    say_write("d", 0, 500, 1000);
    say_write("a/x", O_CREAT, 0, 10);
    SAY(mknod("c", S_IFREG | 0644, 0));
    SAY(mknod("e", S_IFREG | 0640, 0));
    for (int i = 0; i < 8; i++)
        say_write("e", O_CREAT | O_APPEND, 0, 1 + lab_below(700));
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    say(fd < 0 ? -1 : 0, "create f, mode 600");
    close(fd);
    say_folder(".");
    for (char name[] = "a"; *name <= 'f'; ++*name) {
        say_stat(name);
        say_contents(name);
    }
}

static void test_folders(void)
{
    char name[32];
    SAY(mkdir("folders", 0755));
    SAY(mkdir("folders", 0755));
    go_into("folders");
    SAY(mkdir("a", 0700));
    SAY(mkdir("a/b", 0755));
    SAY(mkdir("a/b/c", 0755));
    SAY(mkdir("no/such", 0755));
    say_write("a/file", O_CREAT, 0, 10);
    SAY(mkdir("a/file/x", 0755));
    SAY(rmdir("a/b"));
    SAY(rmdir("a/file"));
    SAY(unlink("a/b"));
    SAY(rmdir("a/b/c"));
    say_tree(".");
    SAY(rmdir("a/b"));
    SAY(rmdir("a/."));
    SAY(rmdir("a/.."));
    say_stat("a/..");
    int count = 20 + lab_below(30);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "a/n%d", i);
        say(mkdir(name, 0755), "mkdir %s", name);
    }
    say_stat("a");
    for (int i = 0; i < count; i += 2) {
        snprintf(name, sizeof name, "a/n%d", i);
        say(rmdir(name), "rmdir %s", name);
    }
    say_stat("a");
    say_folder("a");
}

static void test_many(void)
{
    char name[64];
    SAY(mkdir("many", 0755));
    go_into("many");
    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof name, "%.*s%d", (int)lab_below(40),
                 "a-name-that-is-as-long-as-it-has-to-be---", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0644);
        say(fd < 0 ? -1 : 0, "create %s", name);
        close(fd);
        if (lab_below(3) == 0)
            say(unlink(name), "unlink %s", name);
    }
    say_folder(".");
    say(unlink("never-was-there"), "unlink of what is not there");
}

static void test_holes(void)
{
    static const long offsets[] = { 0, 5 << 10, 7 << 10, 100 << 10, 263 << 10, 300 << 10, 2 << 20 };
    SAY(mkdir("holes", 0755));
    go_into("holes");
    /* whose blocks are then to be had, with what is in them */
    say_write("old", O_CREAT, 0, 65000);
    SAY(unlink("old"));
    for (unsigned i = 0; i < sizeof offsets / sizeof offsets[0]; i++)
        say_write("far", O_CREAT, offsets[i] + lab_below(2000), 1 + lab_below(1500));
    say_contents("far");
    say_write("middle", O_CREAT, 600 << 10, 10);
    say_write("middle", 0, 264 << 10, 10);
    say_write("middle", 0, 3000, 10);
    say_contents("middle");
    say_stat("far");
    char there[20] = "", byte = 0;
    int deep = open("deep", O_RDWR | O_CREAT, 0644);
    SAY(pwrite(deep, "three levels down", 17, 70 << 20));
    SAY(pread(deep, there, 17, 70 << 20));
    printf("which says = %s\n", there);
    say(pread(deep, &byte, 1, 69 << 20) + byte, "read of a hole before it");
    close(deep);
    say_stat("deep");
    SAY(truncate("deep", 1000));
    SAY(unlink("far"));
    say_contents("middle");
}

static void test_truncate(void)
{
    SAY(mkdir("truncate", 0755));
    go_into("truncate");
    say_write("t", O_CREAT, 0, 20000);
    long sizes[] = { 15000, 15001, 12288, 12287,  7168,      7167, 100,
                     9000,  0,     5000,  400000, 263 << 10, 1025, 30000 };
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        say(truncate("t", sizes[i]), "truncate to %ld", sizes[i]);
        say_contents("t");
        if (lab_below(3) == 0)
            say_write("t", 0, lab_below(sizes[i] + 1), 1 + lab_below(3000));
    }
    say_contents("t");
    SAY(truncate("t", -1));
    SAY(truncate(".", 10));
    SAY(truncate("absent", 10));
}

static void test_links(void)
{
    SAY(mkdir("links", 0755));
    go_into("links");
    say_write("a", O_CREAT, 0, 100);
    SAY(mkdir("d", 0755));
    SAY(link("a", "b"));
    SAY(link("a", "d/c"));
    SAY(link("a", "b"));
    SAY(link("d", "e"));
    SAY(link("absent", "e"));
    say_write("d/c", 0, 50, 1000);
    SAY(unlink("a"));
    say_tree(".");
    SAY(unlink("b"));
    say_stat("d/c");
    SAY(symlink("d/c", "soft"));
    SAY(symlink("x", "soft"));
    SAY(symlink("nowhere", "dangling"));
    SAY(symlink("../links/d", "to-folder"));
    say_contents("soft");
    say_contents("dangling");
    say_contents("to-folder/c");
    char target[400];
    memset(target, 't', sizeof target);
    target[100 + lab_below(250)] = 0;
    say(symlink(target, "long"), "symlink to %zu bytes", strlen(target));
    say_tree(".");
    SAY(unlink("soft"));
    say_contents("d/c");
}

static void test_rename(void)
{
    SAY(mkdir("rename", 0755));
    go_into("rename");
    say_write("a", O_CREAT, 0, 10);
    say_write("b", O_CREAT, 0, 20);
    SAY(mkdir("d", 0755));
    SAY(mkdir("d/e", 0755));
    SAY(mkdir("empty", 0755));
    SAY(mkdir("f", 0755));
    say_write("f/x", O_CREAT, 0, 30);
    SAY(rename("a", "c"));
    SAY(rename("c", "b"));
    SAY(rename("b", "d/b"));
    SAY(rename("absent", "x"));
    SAY(rename("d/b", "empty"));
    SAY(rename("empty", "d/b"));
    SAY(rename("d", "f"));
    SAY(rename("d", "d/e/d"));
    SAY(rename("d", "d"));
    say_tree(".");
    SAY(rename("d/e", "empty"));
    say_tree(".");
    SAY(rename("f", "empty/f"));
    SAY(chdir("empty/f"));
    say_folder("..");
    say_folder("../..");
    SAY(chdir("../.."));
    say_write("p", O_CREAT, 0, 7);
    SAY(link("p", "q"));
    SAY(rename("p", "q"));
    say_tree(".");
}

static void test_attributes(void)
{
    SAY(mkdir("attributes", 0755));
    go_into("attributes");
    say_write("a", O_CREAT, 0, 10);
    unsigned mode = lab_random() & 0777;
    say(chmod("a", mode), "chmod %o", mode);
    SAY(chown("a", 1000, 100));
    say_stat("a");
    struct timespec times[2] = { { 1000000000 + lab_below(1000000), 0 },
                                 { 1200000000 + lab_below(1000000), 0 } };
    SAY(utimensat(AT_FDCWD, "a", times, 0));
    struct stat s;
    stat("a", &s);
    printf("times of a = %ld %ld\n", (long)s.st_atime, (long)s.st_mtime);
    char byte;
    int fd = open("a", O_RDONLY);
    SAY(read(fd, &byte, 1));
    close(fd);
    long then = s.st_atime;
    stat("a", &s);
    printf("time of the last access after a read is later = %d\n", s.st_atime > then);
    say_write("a", 0, 0, 1);
    long before = s.st_mtime;
    stat("a", &s);
    printf("time of the last change after a write is later = %d\n", s.st_mtime > before);
    SAY(mkdir("s", 0755));
    SAY(chown("s", 0, 50));
    SAY(chmod("s", 02755));
    say_write("s/x", O_CREAT, 0, 1);
    SAY(mkdir("s/y", 0700));
    say_tree("s");
}

static void test_open_unlinked(void)
{
    char text[16] = "";
    SAY(mkdir("open", 0755));
    go_into("open");
    int fd = open("a", O_RDWR | O_CREAT, 0644);
    SAY(write(fd, "still here", 10));
    SAY(unlink("a"));
    say_folder(".");
    struct stat s = { 0 };
    fstat(fd, &s);
    printf("links of the open file = %ld\n", (long)s.st_nlink);
    say_write("a", O_CREAT, 0, 10);
    say(pread(fd, text, 10, 0), "read of the file without a name");
    printf("which says = %s\n", text);
    SAY(pwrite(fd, "more", 4, 5000));
    SAY(ftruncate(fd, 3));
    say(lseek(fd, 0, SEEK_END), "its size");
    close(fd);
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    say_write("over", O_CREAT, 0, 2000);
    int over = open("over", O_RDONLY);
    SAY(rename("a", "over"));
    fstat(over, &s);
    printf("links of the file that was replaced = %ld\n", (long)s.st_nlink);
    say(read(over, text, 10), "read of it");
    close(over);
    close(dir);
    SAY(mkdir("gone", 0755));
    dir = open("gone", O_RDONLY | O_DIRECTORY);
    SAY(rmdir("gone"));
    SAY(openat(dir, "x", O_WRONLY | O_CREAT, 0644));
    SAY(mkdirat(dir, "x", 0755));
    SAY(symlinkat("x", dir, "y"));
    SAY(linkat(AT_FDCWD, "over", dir, "z", 0));
    SAY(renameat(AT_FDCWD, "over", dir, "z"));
    say(fstat(dir, &s), "stat of the folder that is removed");
    printf("links of it = %ld\n", (long)s.st_nlink);
    close(dir);
    say_tree(".");
}

static void path_of(char *path)
{
    int depth = 1 + lab_below(3);
    path[0] = 0;
    for (int i = 0; i < depth; i++)
        sprintf(path + strlen(path), "%s%c", i ? "/" : "", 'a' + lab_below(4));
}

/* Whatever comes to mind, on few names, so that they meet. */
static void test_random(void)
{
    char a[64], b[64];
    SAY(mkdir("random", 0755));
    go_into("random");
    for (int step = 0; step < 300; step++) {
        path_of(a);
        path_of(b);
        switch (lab_below(12)) {
        case 0:
        case 1: say(mkdir(a, 0755), "mkdir %s", a); break;
        case 2: say(rmdir(a), "rmdir %s", a); break;
        case 3:
        case 4:
            say_write(a, O_CREAT, lab_below(4) ? lab_below(20000) : lab_below(400000),
                      1 + lab_below(5000));
            break;
        case 5: say_write(a, O_APPEND, 0, 1 + lab_below(3000)); break;
        case 6: {
            long size = lab_below(30000);
            say(truncate(a, size), "truncate %s to %ld", a, size);
            break;
        }
        case 7: say(unlink(a), "unlink %s", a); break;
        case 8: say(link(a, b), "link %s %s", a, b); break;
        case 9:
        case 10:
            /* into itself: which error comes first is VFS's choice */
            if (strncmp(b, a, strlen(a)) || b[strlen(a)] != '/')
                say(rename(a, b), "rename %s %s", a, b);
            break;
        default: say_stat(a); say_contents(a);
        }
    }
    say_tree(".");
}

/* What was written is there after the disk has been let go and mounted again. */
static void test_lasting(void)
{
    SAY(mkdir("lasting", 0755));
    say_write("lasting/a", O_CREAT, 0, 60000);
    say_write("lasting/b", O_CREAT, 400000, 10);
    SAY(mkdir("lasting/d", 0755));
    SAY(symlink("a", "lasting/l"));
    SAY(link("lasting/a", "lasting/d/c"));
    SAY(rename("lasting/b", "lasting/d/b"));
    leave();
    come();
    say_tree("lasting");
    SAY(unlink("lasting/d/b"));
    SAY(unlink("lasting/d/c"));
    leave();
    come();
    say_tree("lasting");
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "create", test_create },      { "folders", test_folders },
        { "many", test_many },          { "holes", test_holes },
        { "truncate", test_truncate },  { "links", test_links },
        { "rename", test_rename },      { "attributes", test_attributes },
        { "open", test_open_unlinked }, { "random", test_random },
        { "lasting", test_lasting },    { 0 },
    };
    come();
    int status = lab_main(argc, argv, tests);
    leave();
    return status;
}
