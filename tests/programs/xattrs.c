/* Extended attributes: names, sizes, flags, files of each type, users; many of one file. Once in
 * the working directory. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/stat.h>
#include <sys/xattr.h>

static char buffer[70000];

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names, in order; those that the host itself may set are left out. */
static void names(const char *path)
{
    char *list[200];
    int count = 0;
    long n = llistxattr(path, buffer, sizeof buffer);
    for (char *at = buffer; at < buffer + n; at += strlen(at) + 1)
        if (strcmp(at, "security.selinux"))
            list[count++] = at;
    qsort(list, count, sizeof list[0], by_name);
    printf("%s: %d:", path, n < 0 ? -errno : count);
    for (int k = 0; k < count; k++)
        printf(" %s", list[k]);
    SAY("%s", "");
}

static void value(const char *path, const char *name)
{
    char text[100];
    long n = getxattr(path, name, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    SAY("%s of %s: %ld \"%s\" %s", name, path, n, text, n < 0 ? error_name(errno) : "");
}

static void plain(void)
{
    int fd = open("f", O_RDWR), path_only = open("f", O_PATH);
    struct stat before, after;
    SHOW(setxattr("f", "user.one", "first", 5, 0));
    stat("f", &before);
    pause_ms(20);
    SHOW(setxattr("f", "user.two", "second value", 12, XATTR_CREATE));
    stat("f", &after);
    SAY("ctime moved %d, mtime %d", after.st_ctim.tv_nsec != before.st_ctim.tv_nsec,
        after.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
    SHOW(setxattr("f", "user.two", "x", 1, XATTR_CREATE));
    SHOW(setxattr("f", "user.one", "the first", 9, XATTR_REPLACE));
    SHOW(setxattr("f", "user.three", "x", 1, XATTR_REPLACE));
    SHOW(setxattr("f", "user.empty", "", 0, 0));
    names("f");
    value("f", "user.one");
    value("f", "user.two");
    value("f", "user.empty");
    value("f", "user.none");
    SHOW(getxattr("f", "user.two", NULL, 0));
    SHOW(getxattr("f", "user.two", buffer, 11));
    SHOW(getxattr("f", "user.two", buffer, 12));
    SHOW(getxattr("f", "user.two", buffer, 1 << 20));
    SHOW(listxattr("f", buffer, 3));
    SHOW(fgetxattr(fd, "user.two", buffer, 100));
    SHOW(fsetxattr(fd, "user.two", "again", 5, 0));
    SHOW(fremovexattr(fd, "user.one"));
    SHOW(fremovexattr(fd, "user.one"));
    SHOW(removexattr("f", "user.none"));
    SHOW(flistxattr(fd, buffer, 100) > 0);
    names("f");
    SHOW(fgetxattr(path_only, "user.two", buffer, 100));
    SHOW(fsetxattr(path_only, "user.two", "", 0, 0));
    SHOW(fgetxattr(99, "user.two", buffer, 100));
    close(fd);
    close(path_only);
}

static void errors(void)
{
    char name[300];
    memset(name, 'n', sizeof name);
    memcpy(name, "user.", 5);
    name[255] = 0;
    SHOW(setxattr("f", name, "long", 4, 0));
    SHOW(getxattr("f", name, buffer, 10));
    SHOW(removexattr("f", name));
    name[255] = 'n', name[256] = 0;
    SHOW(setxattr("f", name, "long", 4, 0));
    SHOW(getxattr("f", name, buffer, 10));
    SHOW(removexattr("f", name));
    SHOW(setxattr("f", "", "x", 1, 0));
    SHOW(setxattr("f", "user.", "x", 1, 0));
    SHOW(setxattr("f", "plain", "x", 1, 0));
    SHOW(setxattr("f", "other.x", "x", 1, 0));
    SHOW(getxattr("f", "other.x", buffer, 10));
    SHOW(removexattr("f", "other.x"));
    SHOW(setxattr("f", "user.a", "x", 1, 4));
    SHOW(setxattr("f", "user.a", buffer, 65537, 0));
    SHOW(setxattr("f", "user.a", (void *)8, 5, 0));
    SHOW(setxattr("f", (void *)8, "x", 1, 0));
    SHOW(setxattr((void *)8, "user.a", "x", 1, 0));
    SHOW(getxattr("f", "user.two", (void *)8, 100));
    SHOW(getxattr("none", "user.a", buffer, 10));
    SHOW(setxattr("none", "user.a", "x", 1, 0));
    SHOW(listxattr("none", buffer, 10));
    SHOW(getxattr("f/x", "user.a", buffer, 10));
    SHOW(listxattr("/proc/self", buffer, 10));
    SHOW(setxattr("/proc/self/stat", "user.a", "x", 1, 0));
}

static void types(void)
{
    int ends[2];
    symlink("f", "l");
    mkfifo("p", 0666);
    SHOW(setxattr("d", "user.dir", "x", 1, 0));
    names("d");
    SHOW(setxattr("p", "user.a", "x", 1, 0));
    SHOW(getxattr("p", "user.a", buffer, 10));
    SHOW(setxattr("l", "user.through", "x", 1, 0));
    SHOW(lsetxattr("l", "user.link", "x", 1, 0));
    SHOW(lgetxattr("l", "user.link", buffer, 10));
    SHOW(lremovexattr("l", "user.link"));
    SHOW(lgetxattr("l", "user.through", buffer, 10));
    SHOW(getxattr("l", "user.through", buffer, 10));
    SHOW(removexattr("l", "user.through"));
    names("l");
    SHOW(setxattr("/dev/null", "user.a", "x", 1, 0));
    SHOW(pipe(ends));
    SHOW(fsetxattr(ends[0], "user.a", "x", 1, 0));
    unlink("l");
    unlink("p");
}

static void many(void)
{
    char name[32], text[40], got[40];
    int set = 0, good = 0, removed = 0;
    close(open("m", O_CREAT | O_WRONLY, 0644));
    for (int k = 0; k < 30; k++) {
        snprintf(name, sizeof name, "user.n%d", k * 7 % 30);
        memset(text, 'a' + k % 26, sizeof text);
        set += setxattr("m", name, text, k, 0) == 0;
    }
    for (int k = 0; k < 30; k++) {
        snprintf(name, sizeof name, "user.n%d", k * 7 % 30);
        memset(text, 'a' + k % 26, sizeof text);
        good += getxattr("m", name, got, sizeof got) == k && !memcmp(got, text, k);
    }
    SAY("set %d, good %d", set, good);
    for (int k = 0; k < 30; k += 2) {
        snprintf(name, sizeof name, "user.n%d", k);
        removed += removexattr("m", name) == 0;
    }
    names("m");
    SHOW(setxattr("m", "user.n1", "a longer value than there was", 29, XATTR_REPLACE));
    value("m", "user.n1");
    SHOW(link("m", "m2"));
    value("m2", "user.n1");
    SHOW(unlink("m"));
    SHOW(rename("m2", "m"));
    value("m", "user.n1");
    for (int k = 1; k < 30; k += 2) {
        snprintf(name, sizeof name, "user.n%d", k);
        removed += removexattr("m", name) == 0;
    }
    SAY("removed %d", removed);
    names("m");
    unlink("m");
}

/* As a user that owns nothing here. */
static void user(void)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        if (setgid(1000) || setuid(1000))
            _exit(1);
        SHOW(getxattr("f", "user.two", buffer, 100));
        SHOW(setxattr("f", "user.two", "mine", 4, 0));
        SHOW(removexattr("f", "user.two"));
        SHOW(setxattr("w", "user.mine", "x", 1, 0));
        SHOW(getxattr("w", "user.mine", buffer, 10));
        SHOW(getxattr("secret", "user.s", buffer, 10));
        SHOW(listxattr("secret", buffer, 100) > 0);
        SHOW(setxattr("sticky", "user.x", "x", 1, 0));
        SHOW(setxattr("w", "trusted.x", "x", 1, 0));
        SHOW(getxattr("f", "trusted.x", buffer, 10));
        SHOW(setxattr("w", "security.x", "x", 1, 0));
        exit(0);
    }
    waitpid(pid, &status, 0);
    show_status("user", status);
}

int main(void)
{
    umask(0);
    close(open("f", O_CREAT | O_WRONLY, 0644));
    close(open("w", O_CREAT | O_WRONLY, 0666));
    close(open("secret", O_CREAT | O_WRONLY, 0600));
    mkdir("d", 0755);
    mkdir("sticky", 01777);
    chmod(".", 0755);
    plain();
    errors();
    types();
    many();
    setxattr("secret", "user.s", "x", 1, 0);
    user();
    unlink("f");
    unlink("w");
    unlink("secret");
    rmdir("d");
    rmdir("sticky");
    return 0;
}
