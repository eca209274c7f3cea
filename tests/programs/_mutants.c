/* mutants PLAN: trials of services whose code has been altered. Each line of PLAN is `NAME ADDRESS
 * BYTES`, as /dev/service takes it behind "mutate". A trial: the service is altered; every kind of
 * work is done once and compared; the service is killed, which makes its code sound again; the work
 * is done again. Prints a line each: number, deaths and hangs of all services, the outcome of the
 * work, and of the work afterwards:
 *
 *   ok       all results were right
 *   error    a call failed that must not, or the program died
 *   wrong    data were wrong
 *   late     the work did not end
 *
 * Ends with status 1 when the work afterwards, done twice, is not ok, since the next trial would
 * not be a fair one. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OK, ERROR, WRONG, LATE, LIMIT_MS = 1200, RECORD = 3000 };
static const char *const words[] = { "ok", "error", "wrong", "late" };

static void result(int good, int bad)
{
    if (!good)
        _exit(bad);
}

static void file_system(const char *folder)
{
    char path[64], other[64], want[RECORD], got[RECORD];
    struct stat s;
    snprintf(path, sizeof path, "%s/mutant", folder);
    snprintf(other, sizeof other, "%s/mutant2", folder);
    unlink(path), unlink(other);
    for (int i = 0; i < RECORD; i++)
        want[i] = i * 7 + folder[1];
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    result(fd >= 0, ERROR);
    result(write(fd, want, RECORD) == RECORD && write(fd, want, 100) == 100, ERROR);
    result(fstat(fd, &s) == 0, ERROR);
    result(s.st_size == RECORD + 100, WRONG);
    result(pread(fd, got, RECORD, 100) == RECORD, ERROR);
    result(memcmp(got, want + 100, RECORD - 100) == 0 && memcmp(got + RECORD - 100, want, 100) == 0,
           WRONG);
    result(rename(path, other) == 0 && stat(other, &s) == 0, ERROR);
    result(stat(path, &s) < 0 && errno == ENOENT, WRONG);
    result(ftruncate(fd, 10) == 0 && lseek(fd, 0, SEEK_END) == 10, ERROR);
    close(fd);
    DIR *d = opendir(folder);
    result(d != NULL, ERROR);
    int found = 0;
    errno = 0;
    for (struct dirent *e; (e = readdir(d));)
        found += !strcmp(e->d_name, "mutant2");
    result(errno == 0, ERROR);
    closedir(d);
    result(found == 1, WRONG);
    result(unlink(other) == 0, ERROR);
}

static void content(const char *path, int bytes, const char *start)
{
    char got[512];
    int fd = open(path, O_RDONLY);
    result(fd >= 0, ERROR);
    ssize_t n = read(fd, got, sizeof got);
    close(fd);
    result(n > 0, ERROR);
    result(n >= bytes && !memcmp(got, start, strlen(start)), WRONG);
}

static void *thread(void *word) { return (char *)word + 1; }
static volatile sig_atomic_t signalled;
static void on_signal(int number) { signalled = number; }

static void processes(void)
{
    int ends[2], status, copy;
    result(pipe(ends) == 0, ERROR);
    pid_t child = fork();
    result(child >= 0, ERROR);
    if (!child) {
        dup2(ends[1], 1);
        close(ends[0]);
        execl("/bin/busybox", "echo", "through", "a", "pipe", NULL);
        _exit(9);
    }
    close(ends[1]);
    char got[64];
    ssize_t n = 0;
    for (ssize_t r; (r = read(ends[0], got + n, sizeof got - n)) > 0;)
        n += r;
    close(ends[0]);
    result(waitpid(child, &status, 0) == child && status == 0, ERROR);
    result(n == 15 && !memcmp(got, "through a pipe\n", 15), WRONG);
    int *shared = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    result(shared != MAP_FAILED, ERROR);
    copy = shared[5] = 7;
    child = fork();
    if (!child) {
        copy = shared[5] = 8;
        _exit(copy);
    }
    result(waitpid(child, &status, 0) == child, ERROR);
    result(WEXITSTATUS(status) == 8 && shared[5] == 8 && copy == 7, WRONG);
    pthread_t t;
    void *said;
    result(pthread_create(&t, NULL, thread, got) == 0 && pthread_join(t, &said) == 0, ERROR);
    result(said == got + 1, WRONG);
    signal(SIGUSR1, on_signal);
    result(kill(getpid(), SIGUSR1) == 0, ERROR);
    result(signalled == SIGUSR1, WRONG);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    result(poll(NULL, 0, 2) == 0, ERROR);
    clock_gettime(CLOCK_MONOTONIC, &after);
    result((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 2000000,
           WRONG);
}

static void devices(void)
{
    char sector[4096];
    content("/dev/zero", 512, "");
    content("/dev/rtc0", 8, "");
    content("/proc/self/comm", 8, "_mutants");
    content("/etc/passwd", 20, "root:");
    const char *paths[] = { "/dev/tty1", "/dev/ttyS0" };
    for (int i = 0; i < 2; i++) {
        int fd = open(paths[i], O_WRONLY | O_NOCTTY);
        result(fd >= 0 && write(fd, ".\n", 2) == 2, ERROR);
        close(fd);
    }
    int fd = open("/dev/vda", O_RDONLY);
    result(fd >= 0 && pread(fd, sector, sizeof sector, 0) == sizeof sector, ERROR);
    result((uint8_t)sector[510] == 0x55 && (uint8_t)sector[511] == 0xaa, WRONG);
    close(fd);
}

static int work(void)
{
    int status, waited = 0;
    pid_t child = fork();
    if (child < 0)
        return ERROR;
    if (!child) {
        setpgid(0, 0);
        file_system("/root");
        file_system("/tmp");
        file_system("/boot");
        processes();
        devices();
        sync();
        _exit(OK);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (waited++ == LIMIT_MS) {
            kill(-child, SIGKILL);
            for (int i = 0; i < 1000 && waitpid(child, &status, WNOHANG) == 0; i++)
                usleep(1000);
            return LATE;
        }
        usleep(1000);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) <= WRONG ? WEXITSTATUS(status) : ERROR;
}

/* The manager's device, open from the start: a mutant must not stand between it and its own end. */
static int manager;

static int command(const char *text) { return write(manager, text, strlen(text)) < 0 ? -errno : 0; }

static void count(unsigned *deaths, unsigned *hangs)
{
    char line[256], name[32];
    FILE *f = fopen("/dev/service", "r");
    *deaths = *hangs = 0;
    for (unsigned d, h; f && fgets(line, sizeof line, f);)
        if (sscanf(line + 22, "%*u %u %u", &d, &h) == 2 && sscanf(line, "%31s", name) == 1)
            *deaths += d, *hangs += h;
    if (f)
        fclose(f);
}

int main(int argc, char **argv)
{
    char line[256], text[300], name[32];
    FILE *plan = fopen(argc > 1 ? argv[1] : "/dev/null", "r");
    setvbuf(stdout, NULL, _IOLBF, 0);
    manager = open("/dev/service", O_WRONLY | O_CLOEXEC);
    if (!plan || manager < 0 || work() != OK)
        return 2;
    for (int n = 0; fgets(line, sizeof line, plan); n++) {
        unsigned deaths, hangs, deaths_after, hangs_after;
        sscanf(line, "%31s", name);
        line[strcspn(line, "\n")] = 0;
        count(&deaths, &hangs);
        snprintf(text, sizeof text, "mutate %s\n", line);
        int error = command(text), during = work();
        count(&deaths_after, &hangs_after);
        snprintf(text, sizeof text, "kill %s\n", name);
        for (int tries = 0; command(text) && tries < 300; tries++)
            usleep(10000);
        int after = work();
        if (after == OK)
            after = work(); /* the first run may have repaired what a second one would have found */
        printf("%d %u %u %s %s\n", n, deaths_after - deaths, hangs_after - hangs,
               error ? "refused" : words[during], words[after]);
        if (after != OK)
            return 1;
    }
    return 0;
}
