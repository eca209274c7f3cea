/* The owner of an advisory lock, the calls that release it, and what F_GETLK reports of it. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sys/file.h>
#include <sys/syscall.h>

#ifndef F_OFD_GETLK
enum { F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW };
#endif

static int lock(int fd, int command, int type, long start, long length)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    return fcntl(fd, command, &l);
}

/* Runs in a child of its own, which owns nothing that its parent has. */
#define ELSEWHERE(what)     \
    do {                    \
        if (!fork()) {      \
            what;           \
            fflush(stdout); \
            _exit(0);       \
        }                   \
        wait(NULL);         \
    } while (0)

static void blocker(int fd, int command, int type, long start, long length)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    int result = fcntl(fd, command, &l);
    const char *who = l.l_type == F_UNLCK    ? "nobody"
                      : l.l_pid == -1        ? "an open file"
                      : l.l_pid == getppid() ? "parent"
                                             : "somebody";
    SAY("  %ld+%ld: %d, type %d start %ld length %ld %s", start, length, result, l.l_type,
        (long)l.l_start, (long)l.l_len, who);
}

/* All locks that another process meets, one after the other. */
static void map(int fd, const char *title)
{
    SAY("%s", title);
    ELSEWHERE(for (long at = 0; at < 60; at += 10) blocker(fd, F_GETLK, F_WRLCK, at, 10);
              blocker(fd, F_GETLK, F_RDLCK, 0, 0); blocker(fd, F_GETLK, F_WRLCK, 0, 0));
}

static void ranges(int fd)
{
    lock(fd, F_SETLK, F_WRLCK, 40, 10);
    lock(fd, F_SETLK, F_WRLCK, 10, 10);
    lock(fd, F_SETLK, F_RDLCK, 0, 5);
    map(fd, "three");
    lock(fd, F_SETLK, F_WRLCK, 20, 20);
    map(fd, "joined");
    lock(fd, F_SETLK, F_RDLCK, 25, 2);
    map(fd, "a reader's amidst");
    lock(fd, F_SETLK, F_UNLCK, 12, 33);
    map(fd, "a hole");
    lock(fd, F_SETLK, F_RDLCK, 0, 0);
    map(fd, "all to its end");
    lock(fd, F_SETLK, F_UNLCK, 0, 0);
    map(fd, "none");
}

static void closing(int fd)
{
    SAY("whatever closes a descriptor of the file");
    lock(fd, F_SETLK, F_WRLCK, 0, 1);
    close(open("f", O_RDONLY));
    ELSEWHERE(blocker(fd, F_GETLK, F_WRLCK, 0, 0));
    lock(fd, F_SETLK, F_WRLCK, 0, 1);
    int other = open("f", O_RDONLY), null = open("/dev/null", O_RDONLY);
    SHOW(dup2(null, other) == other);
    ELSEWHERE(blocker(fd, F_GETLK, F_WRLCK, 0, 0));
    lock(fd, F_SETLK, F_WRLCK, 0, 1);
    close(other);
    close(null);
    ELSEWHERE(blocker(fd, F_GETLK, F_WRLCK, 0, 0));
    other = dup(fd);
    lock(fd, F_SETLK, F_WRLCK, 0, 1);
    SHOW(syscall(SYS_close_range, other, other, 0));
    ELSEWHERE(blocker(fd, F_GETLK, F_WRLCK, 0, 0));
    SHOW(dup3(fd, fd, 0));
    SHOW(dup2(fd, fd) == fd);
    SHOW(dup2(-1, fd));
    SHOW(close(other));
    lock(fd, F_SETLK, F_WRLCK, 0, 1);
    ELSEWHERE(close(fd));
    ELSEWHERE(blocker(fd, F_GETLK, F_WRLCK, 0, 0));
    lock(fd, F_SETLK, F_UNLCK, 0, 0);
}

/* Which of n files other processes have locked, and from which byte on. */
static void locked(const int *fd, int n)
{
    for (int i = 0; i < n; i++) {
        struct flock l = { .l_type = F_WRLCK, .l_start = 0 };
        fcntl(fd[i], F_GETLK, &l);
        SAY("  file %d: type %d start %ld", i, l.l_type, (long)l.l_start);
    }
}

/* A range of descriptors takes the locks of all files behind it, also of those that are open
 * elsewhere, and of no others. */
static void closing_many(void)
{
    enum { FILES = 12, ELSE = 3, TWICE = 700 };
    int fd[FILES], reader[FILES];
    char name[] = "m00";
    for (int i = 0; i < FILES; i++) {
        name[1] = '0' + i / 10, name[2] = '0' + i % 10;
        fd[i] = open(name, O_RDWR | O_CREAT, 0600);
        reader[i] = dup2(fd[i], 100 + i);
        for (int k = 0; k < 3; k++)
            lock(fd[i], F_SETLK, k % 2 ? F_RDLCK : F_WRLCK, 10 * k, 5);
    }
    SAY("many are closed");
    dup2(fd[1], TWICE);
    SHOW(syscall(SYS_close_range, TWICE - 100, ~0u, 4));
    ELSEWHERE(locked(reader, FILES));
    SHOW(syscall(SYS_close_range, TWICE - 100, ~0u, 0));
    ELSEWHERE(locked(reader, FILES));
    SHOW(syscall(SYS_close_range, reader[ELSE], reader[FILES - ELSE], 0));
    ELSEWHERE(locked(fd, FILES));
    SHOW(syscall(SYS_close_range, 2000, ~0u, 0));
    ELSEWHERE(locked(fd, FILES));
    for (int i = 0; i < FILES; i++) {
        close(fd[i]);
        close(reader[i]);
    }
}

static void through_exec(int fd, const char *self)
{
    SAY("through exec");
    char number[12];
    for (int cloexec = 0; cloexec < 2; cloexec++) {
        int ends[2], again[2];
        pipe(ends);
        pipe(again);
        pid_t child = fork();
        if (!child) {
            int mine = open("f", O_RDWR);
            fcntl(mine, F_SETFD, cloexec);
            lock(mine, F_SETLK, F_WRLCK, 3, 4);
            dup2(ends[1], 100);
            dup2(again[0], 101);
            snprintf(number, sizeof number, "%d", 100);
            execl(self, "locks", number, (char *)NULL);
            _exit(1);
        }
        char byte;
        close(ends[1]);
        read(ends[0], &byte, 1);
        struct flock l = { .l_type = F_WRLCK };
        fcntl(fd, F_GETLK, &l);
        SAY("  %s: type %d start %ld", cloexec ? "closed by it" : "kept open", l.l_type,
            (long)l.l_start);
        write(again[1], "", 1);
        waitpid(child, NULL, 0);
    }
}

static void open_files(int fd)
{
    int other = open("f", O_RDWR), same = dup(fd), ends[2];
    SAY("open files");
    SHOW(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
    SHOW(lock(other, F_OFD_SETLK, F_WRLCK, 5, 10));
    SHOW(lock(same, F_OFD_SETLK, F_WRLCK, 5, 10));
    SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 1));
    blocker(other, F_OFD_GETLK, F_WRLCK, 0, 0);
    blocker(fd, F_GETLK, F_WRLCK, 0, 0);
    ELSEWHERE(SHOW(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 20));
              SHOW(lock(other, F_OFD_SETLK, F_RDLCK, 0, 20)); close(fd));
    close(open("f", O_RDONLY));
    blocker(other, F_OFD_GETLK, F_WRLCK, 0, 0);
    close(same);
    blocker(other, F_OFD_GETLK, F_WRLCK, 0, 0);
    struct flock named = { .l_type = F_WRLCK, .l_pid = 1 };
    SHOW(fcntl(fd, F_OFD_SETLK, &named));
    SHOW(lock(fd, F_OFD_SETLK, F_UNLCK, 3, 3));
    blocker(other, F_OFD_GETLK, F_WRLCK, 3, 0);
    SHOW(lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
    SAY("waiting for the end of a process that holds one");
    pipe(ends);
    if (!fork()) {
        int mine = open("f", O_RDWR);
        lock(mine, F_OFD_SETLK, F_WRLCK, 0, 0);
        write(ends[1], "", 1);
        pause_ms(50);
        _exit(0);
    }
    char byte;
    read(ends[0], &byte, 1);
    SHOW(lock(other, F_OFD_SETLK, F_WRLCK, 7, 1));
    SHOW(lock(other, F_OFD_SETLKW, F_WRLCK, 7, 1));
    wait(NULL);
    close(other);
}

static void whole_files(int fd)
{
    int other = open("f", O_RDWR), same = dup(fd);
    SAY("flock");
    SHOW(flock(fd, LOCK_EX));
    SHOW(flock(other, LOCK_SH | LOCK_NB));
    SHOW(lock(other, F_SETLK, F_WRLCK, 0, 0));
    ELSEWHERE(SHOW(flock(fd, LOCK_EX | LOCK_NB)); SHOW(flock(other, LOCK_EX | LOCK_NB)); close(fd);
              close(same));
    SHOW(flock(other, LOCK_SH | LOCK_NB));
    SHOW(flock(same, LOCK_SH));
    SHOW(flock(other, LOCK_SH | LOCK_NB));
    SHOW(flock(fd, LOCK_EX | LOCK_NB));
    SHOW(flock(other, LOCK_EX | LOCK_NB));
    SHOW(flock(other, LOCK_UN));
    SHOW(flock(fd, LOCK_EX | LOCK_NB));
    ELSEWHERE(SHOW(flock(same, LOCK_UN)));
    SHOW(flock(other, LOCK_EX | LOCK_NB));
    close(same);
    ELSEWHERE(SHOW(flock(fd, LOCK_SH | LOCK_NB)));
    close(other);
    SHOW(flock(fd, LOCK_SH | LOCK_NB));
    SHOW(flock(fd, LOCK_SH | LOCK_EX));
    SHOW(flock(fd, 0));
    SHOW(flock(-1, LOCK_SH));
    SHOW(flock(-1, 77));
    int path = open("f", O_PATH);
    SHOW(flock(path, LOCK_SH));
    close(path);
    int second = open("f", O_RDWR);
    SHOW(flock(second, LOCK_SH));
    close(second);
    SHOW(flock(fd, LOCK_EX | LOCK_NB));
    flock(fd, LOCK_UN);
}

int main(int count, char **argument)
{
    if (count > 1) { /* what through_exec has started */
        char byte;
        write(atoi(argument[1]), "", 1);
        read(101, &byte, 1);
        return 0;
    }
    char folder[] = "/tmp/locks.XXXXXX", self[256];
    self[readlink("/proc/self/exe", self, sizeof self - 1)] = 0;
    mkdtemp(folder);
    chdir(folder);
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    ranges(fd);
    closing(fd);
    closing_many();
    through_exec(fd, self);
    open_files(fd);
    whole_files(fd);
    unlink("f");
    rmdir(folder);
    return 0;
}
