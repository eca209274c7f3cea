/* The first program of the Linux that stands beside Minnow in the benchmarks (tests/linuxlib.py):
 * mounts Minnow's own disk, and runs one command on it. The initial memory disk holds, besides this
 * program:
 *
 *     /modules/0.ko ...   the kernel's modules for the disk and its file system, in this order
 *     /command            the command, each argument followed by a NUL byte
 *
 * What the command prints goes to the second serial line; its end follows, "\0exit STATUS\n". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 4096, DEBUG_EXIT_PORT = 0xf4, DISK_TRIES = 500 };

static void die(const char *what)
{
    perror(what);
    reboot(RB_POWER_OFF);
    _exit(1);
}

static void load_modules(void)
{
    char path[64];
    for (int i = 0;; i++) {
        sprintf(path, "/modules/%d.ko", i);
        int fd = open(path, O_RDONLY);
        if (fd < 0)
            return;
        if (syscall(SYS_finit_module, fd, "", 0))
            die(path);
        close(fd);
    }
}

static void mount_on(const char *device, const char *where, const char *type)
{
    if (mount(device, where, type, 0, NULL))
        die(where);
}

/* Makes Minnow's disk the root, with the file systems that Minnow has in the same places. */
static void mount_all(void)
{
    mkdir("/dev", 0755), mkdir("/disk", 0755);
    mount_on("dev", "/dev", "devtmpfs");
    for (int i = 0; i < DISK_TRIES && access("/dev/vda2", F_OK); i++)
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    mount_on("/dev/vda2", "/disk", "ext2");
    if (chdir("/disk") || chroot("."))
        die("/disk");
    mount_on("dev", "/dev", "devtmpfs");
    mkdir("/dev/pts", 0755);
    mount_on("devpts", "/dev/pts", "devpts");
    mount_on("proc", "/proc", "proc");
    mount_on("tmpfs", "/tmp", "tmpfs");
}

/* The words of /command, NULL-terminated. */
static char **read_command(void)
{
    static char text[1 << 16], *words[WORDS_MAX + 1];
    int fd = open("/command", O_RDONLY);
    ssize_t size = read(fd, text, sizeof text - 1), count = 0;
    if (size <= 0)
        die("/command");
    close(fd);
    for (char *at = text; at < text + size && count < WORDS_MAX; at += strlen(at) + 1)
        words[count++] = at;
    return words;
}

/* Makes the second serial line, unaltered, the output and error of this program. */
static void open_output(void)
{
    struct termios raw;
    int in = open("/dev/null", O_RDONLY), out = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
    if (in < 0 || out < 0 || tcgetattr(out, &raw))
        die("/dev/ttyS1");
    cfmakeraw(&raw);
    tcsetattr(out, TCSANOW, &raw);
    dup2(in, 0), dup2(out, 1), dup2(out, 2);
}

static int run(char **words)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        execvp(words[0], words);
        perror(words[0]);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        die("fork");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The boot has come to its end: a mark for count.c. */
static void tell_booted(void) { __asm__ volatile("nopl 0x4d4e574b(%%rax)" : : : "memory"); }

int main(void)
{
    setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
    setenv("HOME", "/root", 1);
    load_modules();
    char **words = read_command();
    mount_all();
    open_output();
    tell_booted();
    int status = run(words);
    printf("%cexit %d\n", 0, status);
    fflush(stdout);
    tcdrain(1);
    sync();
    if (iopl(3) == 0)
        outl(0, DEBUG_EXIT_PORT);
    die("the end");
}
