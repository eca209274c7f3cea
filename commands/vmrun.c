/* vmrun: runs the command of a tests/vm run, and reports to the harness. init starts vmrun. The top
 * of tests/vmlib.py describes the files that vmrun finds on the boot partition, and the frames that
 * it writes to /dev/host:
 *
 *     b                begin          before anything else
 *     o, e             output, error  pieces of what the command writes
 *     x                the end        "exit N" or "signal N"
 *     f                a file         that the harness wants back, in pieces
 *     E                complaint      something that vmrun itself could not do */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEADER = 9, CHUNK = 16384, WORDS_MAX = 4096 };

static int host;

/* Sends one frame: its type and length, then the bytes of head and data; `head` has at most 16. */
static void send_frame(char type, const void *head, uint32_t head_size, const void *data,
                       uint32_t size)
{
    static unsigned char out[HEADER + 16 + CHUNK];
    uint32_t length = head_size + size;
    memcpy(out, "\177MNW", 4);
    out[4] = type;
    memcpy(out + 5, &length, 4);
    if (head_size)
        memcpy(out + HEADER, head, head_size);
    if (size)
        memcpy(out + HEADER + head_size, data, size);
    for (uint32_t done = 0; done < HEADER + length;) {
        ssize_t n = write(host, out + done, HEADER + length - done);
        if (n < 0 && errno != EINTR)
            exit(1);
        if (n > 0)
            done += n;
    }
}

/* Sends a message about something that vmrun could not do. */
static void complain(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    send_frame('E', NULL, 0, text, n < (int)sizeof text ? n : (int)sizeof text - 1);
}

/* Reads the NUL-terminated words of a file: a NULL-terminated array, which is never freed. NULL:
 * there is no such file. */
static char **read_words(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    char *text = malloc(st.st_size + 1), **words = calloc(WORDS_MAX + 1, sizeof *words);
    ssize_t have = 0, n;
    while (have < st.st_size && (n = read(fd, text + have, st.st_size - have)) > 0)
        have += n;
    close(fd);
    int count = 0;
    for (char *at = text; at < text + have && count < WORDS_MAX; at += strlen(at) + 1)
        words[count++] = at;
    text[have] = 0;
    return words;
}

/* Unpacks the files that the harness has added, if there are any, into /. */
static void unpack_archive(const char *archive)
{
    if (access(archive, F_OK) < 0)
        return;
    pid_t pid = fork();
    if (!pid) {
        execl("/bin/busybox", "tar", "-xf", archive, "-C", "/", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    if (status)
        complain("cannot unpack the added files (status %x)", status);
}

/* The way by which the command's output comes here: a pipe, or, if the harness says so because the
 * server of pipes is on trial, a pair of sockets. 0, or -1. */
static int make_way(int ends[2])
{
    return access("/boot/vm/sockets", F_OK) == 0
               ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)
               : pipe2(ends, O_CLOEXEC);
}

/* Starts the command in a session of its own, with the ways for its output and errors, and its
 * input from a file of the harness if there is one. The child's pid, or -1. */
static pid_t start_command(char **command, const int out[2], const int error[2])
{
    pid_t pid = fork();
    if (pid)
        return pid;
    int in = open("/boot/vm/input", O_RDONLY);
    if (in < 0)
        in = open("/dev/null", O_RDONLY);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGCHLD, SIG_DFL);
    setsid();
    dup2(in, 0);
    dup2(out[1], 1);
    dup2(error[1], 2);
    if (in > 2)
        close(in);
    if (chdir("/root") < 0)
        perror("/root");
    execvp(command[0], command);
    fprintf(stderr, "%s: %s\n", command[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* Sends one piece of what a pipe or socket holds. false: it has ended, or, if it does not block, is
 * empty. */
static bool send_piece(char type, int fd)
{
    static char piece[CHUNK];
    ssize_t n = read(fd, piece, sizeof piece);
    if (n > 0)
        send_frame(type, NULL, 0, piece, n);
    return n > 0 || (n < 0 && errno == EINTR);
}

static void child_ended(int signal) { (void)signal; }

/* Sends what the command writes until the command has ended and the ways are empty. Returns its
 * status. Processes that the command leaves in the background may still hold the ways, so their
 * end is not waited for. */
static int listen_to(pid_t pid, int out, int error, const sigset_t *unblocked)
{
    struct pollfd fds[2] = { { .fd = out, .events = POLLIN }, { .fd = error, .events = POLLIN } };
    int status;
    for (;;) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            break;
        if (ppoll(fds, 2, NULL, unblocked) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (fds[i].fd >= 0 && fds[i].revents && !send_piece("oe"[i], fds[i].fd))
                fds[i].fd = -1;
    }
    for (int i = 0; i < 2; i++)
        if (fds[i].fd >= 0) {
            fcntl(fds[i].fd, F_SETFL, O_NONBLOCK);
            while (send_piece("oe"[i], fds[i].fd))
                ;
        }
    return status;
}

/* Sends a file that the harness wants. */
static void send_file(uint16_t index, const char *path)
{
    static char piece[CHUNK];
    struct stat st;
    unsigned char head[6];
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
        complain("%s: %s", path, fd < 0 ? strerror(errno) : "is a directory");
        return;
    }
    uint32_t mode = st.st_mode & 07777;
    memcpy(head, &index, 2);
    memcpy(head + 2, &mode, 4);
    send_frame('f', head, sizeof head, NULL, 0);
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) != 0;) {
        if (n < 0) {
            complain("%s: %s", path, strerror(errno));
            break;
        }
        send_frame('f', head, sizeof head, piece, n);
    }
    close(fd);
}

int main(void)
{
    int out[2], error[2];
    char text[32];
    host = open("/dev/host", O_WRONLY | O_CLOEXEC);
    if (host < 0) {
        perror("vmrun: /dev/host");
        return 1;
    }
    send_frame('b', NULL, 0, NULL, 0);
    char **command = read_words("/boot/vm/cmd");
    if (!command || !command[0]) {
        complain("there is no command in /boot/vm/cmd");
        return 1;
    }
    setenv("HOME", "/root", 1);
    setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
    unpack_archive("/boot/vm/add.tar");

    sigset_t child, unblocked;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &unblocked);
    sigdelset(&unblocked, SIGCHLD);
    struct sigaction ended = { .sa_handler = child_ended };
    sigaction(SIGCHLD, &ended, NULL);
    if (make_way(out) < 0 || make_way(error) < 0) {
        complain("no pipe or socket for the command's output: %s", strerror(errno));
        return 1;
    }
    pid_t pid = start_command(command, out, error);
    if (pid < 0) {
        complain("fork: %s", strerror(errno));
        return 1;
    }
    close(out[1]);
    close(error[1]);
    int status = listen_to(pid, out[0], error[0], &unblocked);
    int n = WIFSIGNALED(status) ? snprintf(text, sizeof text, "signal %d", WTERMSIG(status))
                                : snprintf(text, sizeof text, "exit %d", WEXITSTATUS(status));
    send_frame('x', NULL, 0, text, n);
    char **get = read_words("/boot/vm/get");
    for (int i = 0; get && get[i]; i++)
        send_file(i, get[i]);
    sync();
    return 0;
}
