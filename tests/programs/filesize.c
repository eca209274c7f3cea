/* RLIMIT_FSIZE: writes and truncations up to the limit, and behind it. */
#define _GNU_SOURCE
#include "oracle.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

static volatile int told;
static char bytes[20000];

static void tell(int sig, siginfo_t *info, void *context)
{
    (void)context;
    told += sig == SIGXFSZ && info->si_code == SI_USER && info->si_pid == getpid();
}

static void size_is(int fd)
{
    struct stat st;
    fstat(fd, &st);
    SAY("size %ld at %ld, told %d", (long)st.st_size, (long)lseek(fd, 0, SEEK_CUR), told);
}

static void limit_to(rlim_t soft)
{
    struct rlimit r = { soft, RLIM_INFINITY };
    SHOW(setrlimit(RLIMIT_FSIZE, &r));
}

static void writes(int fd)
{
    limit_to(100);
    SHOW(write(fd, bytes, 60));
    SHOW(write(fd, bytes, 60));
    size_is(fd);
    SHOW(write(fd, bytes, 1));
    SHOW(write(fd, bytes, 0));
    SHOW(pwrite(fd, bytes, 20, 90));
    SHOW(pwrite(fd, bytes, 20, 100));
    SHOW(pwrite(fd, bytes, 20, 1000));
    SHOW(pwrite(fd, bytes, 0, 1000));
    size_is(fd);
    struct iovec v[3] = { { bytes, 5 }, { bytes, 5 }, { bytes, 50 } };
    SHOW(pwritev(fd, v, 3, 80));
    SHOW(pwritev(fd, v, 3, 92));
    SHOW(lseek(fd, 70, SEEK_SET));
    SHOW(writev(fd, v, 3));
    SHOW(writev(fd, v, 3));
    size_is(fd);
}

static void truncates(int fd, const char *name)
{
    SHOW(ftruncate(fd, 100));
    SHOW(ftruncate(fd, 101));
    SHOW(truncate(name, 101));
    SHOW(truncate(name, 99));
    size_is(fd);
    limit_to(50);
    SHOW(truncate(name, 98));
    SHOW(ftruncate(fd, 97));
    SHOW(ftruncate(fd, 98));
    SHOW(pwrite(fd, bytes, 1, 49));
    SHOW(pwrite(fd, bytes, 1, 50));
    size_is(fd);
    limit_to(RLIM_INFINITY);
    SHOW(truncate(name, 5000));
    SHOW(ftruncate(fd, 0));
}

static void appends(const char *name)
{
    int fd = open(name, O_WRONLY | O_APPEND);
    limit_to(10000);
    SHOW(write(fd, bytes, 6000));
    SHOW(write(fd, bytes, 6000));
    SHOW(write(fd, bytes, 6000));
    size_is(fd);
    close(fd);
}

static void copies(int from, int fd)
{
    off_t at = 0, to = 10000;
    limit_to(10000);
    SHOW(lseek(fd, 10000, SEEK_SET));
    SHOW(sendfile(fd, from, &at, 100));
    SHOW(copy_file_range(from, &at, fd, &to, 100, 0));
    to = 9990;
    SHOW(copy_file_range(from, &at, fd, &to, 100, 0));
    size_is(fd);
}

static void *writes_too(void *fd)
{
    SHOW(pwrite((int)(long)fd, bytes, 100, 9950));
    SHOW(pwrite((int)(long)fd, bytes, 100, 10000));
    return NULL;
}

static void children(int fd)
{
    int status;
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork(); /* has the limit as well */
        if (!pid) {
            signal(SIGXFSZ, i ? SIG_IGN : SIG_DFL);
            SHOW(pwrite(fd, bytes, 1, 9999));
            SHOW(pwrite(fd, bytes, 1, 10000));
            _exit(0);
        }
        waitpid(pid, &status, 0);
        show_status("child", status & ~0x80);
    }
}

static void all(const char *name)
{
    SAY("%s", name);
    unlink(name);
    /* copies stay within a file system */
    int from = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (write(from, bytes, 1000) != 1000 || unlink(name))
        SAY("no file to copy from");
    int fd = open(name, O_RDWR | O_CREAT, 0644);
    writes(fd);
    truncates(fd, name);
    appends(name);
    copies(from, fd);
    pthread_t other;
    pthread_create(&other, NULL, writes_too, (void *)(long)fd);
    pthread_join(other, NULL);
    size_is(fd);
    children(fd);
    close(fd);
    close(from);
    unlink(name);
}

/* Descriptors that cannot be written to, or cannot be cut. */
static void refused(const char *name)
{
    int reads = open(name, O_RDONLY | O_CREAT, 0600), path = open(name, O_PATH), pipes[2];
    int folder = open("/tmp", O_RDONLY);
    SHOW(ftruncate(reads, 10));
    SHOW(ftruncate(reads, -1));
    SHOW(posix_fallocate(reads, 0, 10));
    SHOW(write(reads, bytes, 1));
    SHOW(pwrite(reads, bytes, 1, -1));
    SHOW(ftruncate(path, 10));
    SHOW(ftruncate(folder, 10));
    SHOW(ftruncate(-1, 10));
    SHOW(pipe(pipes));
    SHOW(ftruncate(pipes[0], 10));
    SHOW(ftruncate(pipes[1], 10));
    close(reads), close(path), close(folder), close(pipes[0]), close(pipes[1]);
    SHOW(unlink(name));
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = tell, .sa_flags = SA_SIGINFO };
    sigaction(SIGXFSZ, &action, NULL);
    all("/tmp/filesize.tmp");
    all("/var/tmp/filesize.tmp");
    refused("/tmp/filesize.tmp");
    refused("/var/tmp/filesize.tmp");
    int pipes[2], null = open("/dev/null", O_WRONLY);
    SHOW(pipe(pipes));
    SHOW(write(pipes[1], bytes, 20000));
    SHOW(write(null, bytes, 20000));
    return 0;
}
