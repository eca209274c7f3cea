/* ipctrace [-a] [--html FILE] [--] COMMAND [ARG...]: runs a command and prints its messages: each
 * system call of the command at the margin, and below it the messages between services, and the
 * kernel calls, that the call needed.
 *
 *   -a            also the messages between the command's own calls
 *   --html FILE   writes them to a page instead that shows them as a picture, in any browser
 *
 * The kernel keeps the trace in a ring; /proc/minnow/trace decodes it, a line of fixed columns for
 * each record. The child switches the trace on right before it becomes the command, the parent off
 * when the command has ended. Exit status: the command's; 126 or 127 if it could not be run. */
#include "page.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
enum { TIME = 9, FROM = 26, TO = 47, WHAT = 68, WORDS = 101, END = 511 };

/* Whether a record belongs to the command: *inside: the last process in the trace was the command,
 * or a child of it, so that records of services are their work for it. */
static int belongs(const char *line, int *inside)
{
    size_t length = strlen(line);
    const char *from = length > TO ? line + FROM : "";
    from += strspn(from, " ");
    const char *end = strpbrk(from, "[ ");
    if (end && *end == '[')
        *inside = strncmp(from, "ipctrace[", 9) != 0;
    return *inside;
}

/* Prints one record. *start: the time of the first that was printed; negative before that. */
static void print_record(char *line, double *start)
{
    char *words = field(line, WORDS, END), *what = field(line, WHAT, WORDS - 1),
         *to = field(line, TO, WHAT - 1), *from = field(line, FROM, TO - 1);
    double at = atof(field(line, TIME, FROM - 1));
    if (*start < 0)
        *start = at;
    if (!strcmp(to, "-"))
        to = "kernel";
    if (strchr(from, '[')) {
        size_t name = strcspn(what, " ");
        printf("%10.3f  %-14s %-16.*s -> %-11s%s  %s\n", at - *start, from, (int)name, what, to,
               what + name, words);
    } else
        printf("%10.3f        %-14s %s -> %s  %s\n", at - *start, from, what, to, words);
}

/* The records as text, or as they are into a page that shows them. all: those outside the command
 * too. */
static void put_trace(FILE *page, int all)
{
    char line[END + 1];
    double start = -1;
    int inside = 0;
    FILE *file = fopen(trace, "r");
    while (file && fgets(line, sizeof line, file))
        if (belongs(line, &inside) || all) {
            if (page)
                page_text(page, line);
            else
                print_record(line, &start);
        }
    if (file)
        fclose(file);
}

static int all; /* -a */

static void fill(FILE *page, const char *mark)
{
    (void)mark;
    put_trace(page, all);
}

int main(int argc, char **argv)
{
    static const char *usage = "usage: ipctrace [-a] [--html FILE] [--] COMMAND [ARG...]\n";
    static const struct option options[] = { { "html", required_argument, NULL, 'h' }, { 0 } };
    int status, option;
    const char *page = NULL;
    while ((option = getopt_long(argc, argv, "+a", options, NULL)) != -1)
        switch (option) {
        case 'a': all = 1; break;
        case 'h': page = optarg; break;
        default: fputs(usage, stderr); return 2;
        }
    char **command = argv + optind;
    if (!*command) {
        fputs(usage, stderr);
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
    if (!page)
        put_trace(NULL, all);
    else if (page_write("ipctrace", "sequence.html", page, fill))
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
