/* labrun: runs the tests of a lab inside the system, one after the other, and writes a record of
 * each, a line of JSON, to its standard output, which leaves the machine by a way that the server
 * under test cannot reach. It stops behind the first test that did not come to a good end, for what
 * comes after it would prove nothing.
 *
 *     labrun PLAN SERVER [TEST [only]]
 *
 *     PLAN     lines "test limit-in-ms command argument..."
 *     SERVER   the service under test
 *     TEST     the messages of this one are traced; only: of the server alone
 *
 * Records, whose n counts without gaps:
 *
 *     {"n":0,"event":"start","test":..}
 *     {"n":1,"event":"end","test":..,"how":"exit|signal|hang","code":..,"ns":..,"died":..,
 *      "out":..,"threads":..,"trace":..}
 *     {"event":"done","died":..} */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 262144, WORDS = 16, GRACE_MS = 50, LOOK_MS = 100 };

static unsigned number;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* A JSON string. Bytes above 126 are taken for Latin-1, so that nothing is lost. */
static void put_string(const char *text, size_t length)
{
    putchar('"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = text[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 32 || c > 126)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

/* The contents of a file, with a NUL behind, in memory that the caller may free; empty when there
 * is no such file. */
static char *read_file(const char *path, size_t *length)
{
    size_t size = 0, room = 65536;
    char *text = malloc(room + 1);
    int fd = open(path, O_RDONLY);
    for (ssize_t n; fd >= 0 && (n = read(fd, text + size, room - size)) > 0;) {
        size += n;
        if (size == room)
            text = realloc(text, (room *= 2) + 1);
    }
    if (fd >= 0)
        close(fd);
    text[size] = 0;
    *length = size;
    return text;
}

/* How often the server has died or hung, as the service manager counts it: the log it could have
 * made forget. Lines of the list are "name state starts deaths hangs ...". */
static unsigned deaths(const char *server)
{
    size_t length;
    char word[64], *list = read_file("/dev/service", &length), *line;
    unsigned starts, died = 0, hung = 0;
    snprintf(word, sizeof word, "\n%s ", server);
    line = strstr(list, word);
    if (!line || sscanf(line + strlen(word) + strcspn(line + strlen(word), "0123456789\n"),
                        "%u %u %u", &starts, &died, &hung) != 3) {
        printf("{\"trouble\":\"/dev/service does not list %s\"}\n", server);
        exit(2);
    }
    free(list);
    return died + hung;
}

static const char *traced, *only = ""; /* TEST, " SERVER" */

static void trace(const char *command)
{
    char word[64];
    snprintf(word, sizeof word, "%s%s", command, strcmp(command, "on") ? "" : only);
    int fd = open("/proc/minnow/trace", O_WRONLY);
    if (fd < 0 || write(fd, word, strlen(word)) < 0)
        printf("trouble: the trace cannot be switched %s\n", word);
    close(fd);
}

static void start_record(const char *event, const char *test)
{
    printf("{\"n\":%u,\"event\":\"%s\",\"test\":", number++, event);
    put_string(test, strlen(test));
}

static pid_t start(char **command, int out)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    setpgid(0, 0);
    dup2(out, 1);
    dup2(out, 2);
    int in = open("/dev/null", O_RDONLY);
    dup2(in, 0);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    execv(command[0], command);
    printf("trouble: %s: %s\n", command[0], strerror(errno));
    fflush(stdout);
    _exit(2);
}

/* Waits until the program has ended or its time is over; returns whether the program has ended.
 * What the program writes is kept. This loop looks seldom, so that labrun does not compute itself;
 * the end of the program's output shows that the program ends. */
static bool watch(pid_t pid, int out, uint64_t until, char *text, size_t *length, int *status)
{
    for (;;) {
        struct pollfd p = { .fd = out, .events = POLLIN };
        bool ended = waitpid(pid, status, WNOHANG) == pid;
        int left = now() < until ? (until - now()) / 1000000 + 1 : 0;
        while (poll(&p, 1, ended ? 0 : left < LOOK_MS ? left : LOOK_MS) > 0 && p.revents) {
            ssize_t n = read(out, text + *length, OUTPUT_MAX - *length);
            if (n <= 0) {
                usleep(1000); /* nobody writes any more: it is about to end */
                break;
            }
            *length += n;
        }
        if (ended)
            return true;
        if (now() >= until)
            return false;
    }
}

static void put_file(const char *key, const char *path)
{
    size_t length = 0;
    char *text = path ? read_file(path, &length) : NULL;
    printf(",\"%s\":", key);
    put_string(text, length);
    free(text);
}

/* Runs one test and writes its record. Returns whether the next one may run. */
static bool run(const char *server, const char *test, unsigned limit, char **command)
{
    static char text[OUTPUT_MAX];
    size_t length = 0;
    int out[2], status = 0;
    unsigned before = deaths(server);
    bool shown = traced && !strcmp(traced, test);
    start_record("start", test);
    printf("}\n");
    fflush(stdout);
    /* no pipe: the server of pipes may be the one on trial */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) < 0)
        exit(2);
    if (shown)
        trace("clear"), trace("on");
    uint64_t begin = now();
    pid_t pid = start(command, out[1]);
    close(out[1]);
    bool ended = watch(pid, out[0], begin + limit * 1000000ull, text, &length, &status);
    uint64_t spent = now() - begin;
    if (shown)
        trace("off");
    char *threads = ended ? NULL : read_file("/proc/minnow/threads", &(size_t){ 0 });
    kill(-pid, SIGKILL);
    close(out[0]);
    /* if the server is to fall over what was left behind, let it be now */
    usleep(GRACE_MS * 1000);
    unsigned died = deaths(server) - before;
    start_record("end", test);
    printf(",\"how\":\"%s\",\"code\":%d,\"ns\":%llu,\"died\":%u,\"out\":",
           !ended                ? "hang"
           : WIFSIGNALED(status) ? "signal"
                                 : "exit",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (unsigned long long)spent,
           died);
    put_string(text, length);
    printf(",\"threads\":");
    put_string(threads, threads ? strlen(threads) : 0);
    put_file("log", died ? "/proc/minnow/log" : NULL);
    put_file("trace", shown ? "/proc/minnow/trace" : NULL);
    printf("}\n");
    fflush(stdout);
    free(threads);
    return ended && !status && !died;
}

int main(int argc, char **argv)
{
    size_t length;
    char *next;
    char server[32];
    if (argc < 3)
        return 2;
    traced = argc > 3 ? argv[3] : NULL;
    snprintf(server, sizeof server, " %s", argv[2]);
    if (argc > 4)
        only = server;
    for (char *line = read_file(argv[1], &length); line && *line; line = next) {
        char *words[WORDS + 3] = { 0 };
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        int n = 0;
        for (char *w = strtok(line, " "); w && n < WORDS + 2; w = strtok(NULL, " "))
            words[n++] = w;
        if (n >= 3 && !run(argv[2], words[0], atoi(words[1]), words + 2))
            break;
    }
    printf("{\"n\":%u,\"event\":\"done\",\"died\":%u}\n", number++, deaths(argv[2]));
    return 0;
}
