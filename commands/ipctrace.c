/* ipctrace [-a] COMMAND [ARG...]: runs a command and prints its messages: each system call of the
 * command at the margin, and below it the messages between services, and the kernel calls, that the
 * call needed.
 *
 *   -a   also the messages between the command's own calls
 *
 * The kernel keeps the trace in a ring; /proc/minnow/trace decodes it, a line of fixed columns for
 * each record. The child switches the trace on right before it becomes the command, the parent off
 * when the command has ended. Exit status: the command's; 126 or 127 if it could not be run. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUTED(number, name, status, route, note) { number, #name },
#define HANDLED(number, name, status, note)       { number, #name },
#define MISSING(number, name, error, note)        { number, #name },
static const struct {
    unsigned number;
    const char *name;
} calls[] = {
#include "../posix/syscalls.def"
};

static const char *trace = "/proc/minnow/trace";

/* Writes a command ("on", "off", "clear") to the trace. 0 or -1, with a message. */
static int command_trace(const char *word)
{
    int fd = open(trace, O_WRONLY);
    if (fd < 0 || write(fd, word, strlen(word)) < 0) {
        fprintf(stderr, "ipctrace: %s: %s\n", trace, strerror(errno));
        return -1;
    }
    return close(fd);
}

/* The name of a system call; "call N" if Linux has none. Valid until the next call. */
static const char *call_name(unsigned number)
{
    static char other[24];
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (calls[i].number == number)
            return calls[i].name;
    snprintf(other, sizeof other, "call %u", number);
    return other;
}

/* A field of a record, cut out of the line, without the blanks at its ends. */
static char *field(char *line, size_t from, size_t to)
{
    size_t length = strlen(line);
    if (from > length)
        from = length;
    if (to > length)
        to = length;
    line[to] = 0;
    while (to > from && isspace((unsigned char)line[to - 1]))
        line[--to] = 0;
    while (isspace((unsigned char)line[from]))
        from++;
    return line + from;
}

/* Columns of a record. */
enum { TIME = 9, FROM = 26, TO = 43, WHAT = 60, WORDS = 89, END = 511 };

/* Prints one record. *inside: the last process in the trace was the command, or a child of it, so
 * that records of services are their work for it. *start: the time of the first record that was
 * printed; negative before that. */
static void print_record(char *line, double *start, int all, int *inside)
{
    char *words = field(line, WORDS, END), *what = field(line, WHAT, WORDS - 1),
         *to = field(line, TO, WHAT - 1), *from = field(line, FROM, TO - 1);
    double at = atof(field(line, TIME, FROM - 1));
    int process = strchr(from, '[') || !strncmp(from, "task ", 5), number, skip;
    if (process)
        *inside = strncmp(from, "ipctrace[", 9) != 0;
    if (!*inside && !all)
        return;
    if (*start < 0)
        *start = at;
    if (!strcmp(to, "-"))
        to = "kernel";
    if (process && sscanf(what, "syscall %d%n", &number, &skip) == 1)
        printf("%10.3f  %-14s %-16s -> %-11s%s  %s\n", at - *start, from, call_name(number), to,
               what + skip, words);
    else
        printf("%10.3f        %-14s %s -> %s  %s\n", at - *start, from, what, to, words);
}

static void print_trace(int all)
{
    char line[END + 1];
    double start = -1;
    int inside = 0;
    FILE *file = fopen(trace, "r");
    while (file && fgets(line, sizeof line, file))
        print_record(line, &start, all, &inside);
    if (file)
        fclose(file);
}

int main(int argc, char **argv)
{
    int all = argc > 1 && !strcmp(argv[1], "-a"), status;
    char **command = argv + 1 + all;
    if (argc < 2 + all || *command[0] == '-') {
        fprintf(stderr, "usage: ipctrace [-a] COMMAND [ARG...]\n");
        return 2;
    }
    if (command_trace("clear") < 0)
        return 1;
    pid_t pid = fork();
    if (!pid) {
        if (command_trace("on") < 0)
            _exit(126);
        execvp(command[0], command);
        fprintf(stderr, "ipctrace: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        perror("ipctrace");
        return 1;
    }
    command_trace("off");
    fflush(stdout);
    print_trace(all);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
