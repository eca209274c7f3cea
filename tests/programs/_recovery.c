/* recovery TIMES: how long a caller waits for a service that has died. For each service there is an
 * operation that only it answers; the service is killed at an instant within the operation, and the
 * time from the kill to the first right answer is measured. Prints `NAME nanoseconds` for each
 * death, and `NAME operation nanoseconds` for the operation without a death. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

static char buffer[4096];
static int pipe_ends[2];

static int reads(const char *path, int bytes)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    int n = read(fd, buffer, bytes);
    close(fd);
    return n == bytes;
}

static int writes(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_NOCTTY, 0600);
    int n = write(fd, text, strlen(text));
    close(fd);
    return n == (int)strlen(text);
}

static int lists(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n > 1;
}

static int disk(void)
{
    static int at;
    int fd = open("/dev/vda", O_RDONLY);
    int n = pread(fd, buffer, sizeof buffer, (off_t)(at++ % 4000) * 4096);
    close(fd);
    return n == sizeof buffer;
}

static int ext2(void) { return reads("/etc/passwd", 50); }
static int tmpfs(void) { return writes("/tmp/recovery", "written") && reads("/tmp/recovery", 7); }
static int fat(void) { return reads("/boot/kernel.elf", 512) && buffer[1] == 'E'; }
static int devfs(void) { return lists("/dev"); }
static int procfs(void) { return reads("/proc/self/comm", 10); }
static int vfs(void)
{
    struct stat s;
    return stat("/", &s) == 0 && S_ISDIR(s.st_mode);
}
static int posix(void) { return getsid(0) >= 0 && getpgid(0) > 0; }
static int pipes(void)
{
    return write(pipe_ends[1], "abcd", 4) == 4 && read(pipe_ends[0], buffer, 4) == 4 &&
           !memcmp(buffer, "abcd", 4);
}
static int mem(void) { return reads("/dev/zero", 4096) && buffer[4095] == 0; }
static int rtc(void) { return reads("/dev/rtc0", 8); }
static int console(void) { return writes("/dev/tty1", "."); }
static int serial(void) { return writes("/dev/ttyS0", "."); }
static int pty(void)
{
    int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    int ok = write(fd, "typed", 5) == 5 && read(fd, buffer, sizeof buffer) == 5 &&
             !memcmp(buffer, "typed", 5);
    return close(fd) == 0 && ok;
}
static int host(void) { return writes("/dev/host", "\n"); }
static int rs(void) { return reads("/dev/service", 64) && !memcmp(buffer, "NAME ", 5); }
static int pm(void)
{
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at != MAP_FAILED && (at[4096] = 1) && at[0] == 0 && munmap(at, 8192) == 0;
}

static const struct {
    const char *name;
    int (*operation)(void);
} services[] = {
    { "vfs", vfs },         { "posix", posix },     { "pm", pm },      { "ext2", ext2 },
    { "tmpfs", tmpfs },     { "fat", fat },         { "pipe", pipes }, { "devfs", devfs },
    { "procfs", procfs },   { "virtio_blk", disk }, { "mem", mem },    { "rtc", rtc },
    { "console", console }, { "serial", serial },   { "host", host },  { "rs", rs },
    { "pty", pty },
};

static unsigned deaths(const char *name)
{
    char line[256], found[32];
    unsigned result = 0, d;
    FILE *f = fopen("/dev/service", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%31s", found) == 1 && !strcmp(found, name) &&
            sscanf(line + 22, "%*u %u", &d) == 1)
            result = d;
    if (f)
        fclose(f);
    return result;
}

static int64_t alone(int (*operation)(void))
{
    enum { MANY = 16 };
    operation();
    int64_t start = now();
    for (int i = 0; i < MANY; i++)
        operation();
    return (now() - start) / MANY;
}

static int complain(const char *what)
{
    fprintf(stderr, "%s: failed or wrong: %m\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    int times = argc > 1 ? atoi(argv[1]) : 20, status = 0;
    uint64_t draw = 88172645463325252ul;
    if (pipe(pipe_ends) < 0)
        return 2;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        int64_t cost = alone(services[i].operation);
        printf("%s operation %ld\n", services[i].name, cost);
        for (int done = 0, tries = 0; done < times && tries < 20 * times; tries++) {
            char text[64];
            draw ^= draw << 13, draw ^= draw >> 7, draw ^= draw << 17;
            unsigned before = deaths(services[i].name);
            int fd = open("/dev/service", O_WRONLY);
            int64_t when = now() + 60000 + (int64_t)(draw % (uint64_t)(cost + 1));
            int length = sprintf(text, "strike %ld %s\n", when, services[i].name), answers = 0;
            if (services[i].operation == rs) /* the manager, which kills the others: at once */
                length = sprintf(text, "kill rs\n"), when = now();
            if (write(fd, text, length) != length)
                status = complain("strike");
            int64_t end;
            do {
                if (services[i].operation())
                    answers++;
                else
                    status = complain(services[i].name);
                end = now();
            } while (end <= when);
            close(fd);
            if (deaths(services[i].name) == before)
                continue; /* the service was not at work at that instant */
            printf("%s %ld\n", services[i].name, end - when);
            done++;
        }
    }
    unlink("/tmp/recovery");
    return status;
}
