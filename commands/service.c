/* service: shows and controls the services of the system, by /dev/service.
 *
 *   service list                  all services: state, starts, deaths
 *   service status NAME           one of them
 *   service start|stop|restart|kill NAME
 *   service replace NAME FILE     another program takes over
 *   service log [NAME]            the lines it has logged, and the reports of its deaths
 *
 * and for tests:
 *
 *   service storm SEED NS [NAME...]
 *           kills the service that is at work, if it is one of these, at random times, NS
 *           nanoseconds apart in the mean; NS 0 ends it
 *   service strike NS [NAME...]
 *           the same once, NS nanoseconds after boot
 *   service strike-after RECORD NS [NAME...]
 *           the same once, NS nanoseconds after that record of /proc/minnow/trace has been made
 *   service mutate NAME ADDRESS BYTES
 *           writes BYTES, which are hexadecimal, over its code until it is killed next
 *
 * A command is one write to /dev/service, which the manager answers when it is carried out
 * (pm/rs/device.c); the list is what a read gives. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "/dev/service"
#define LOG    "/proc/minnow/log"

enum { LINE = 256 };

static int usage(void)
{
    fprintf(stderr, "usage: service list | status NAME | start NAME | stop NAME | restart NAME | "
                    "kill NAME | replace NAME FILE | log [NAME]\n");
    return 2;
}

/* Prints why something failed. Returns the exit status. */
static int failed(const char *what, const char *why)
{
    fprintf(stderr, "service: %s: %s\n", what, why);
    return 1;
}

/* Prints the list of services, or the line of one, or nothing unless `shown`. Returns the exit
 * status. */
static int list(const char *name, bool shown)
{
    char head[512] = "", line[512];
    FILE *f = fopen(DEVICE, "r");
    if (!f || !fgets(head, sizeof head, f))
        return failed(DEVICE, strerror(errno));
    size_t length = name ? strlen(name) : 0;
    int found = 0;
    while (fgets(line, sizeof line, f)) {
        if (name && (strncmp(line, name, length) || line[length] != ' '))
            continue;
        if (!found++ && shown)
            fputs(head, stdout);
        if (shown)
            fputs(line, stdout);
    }
    fclose(f);
    return name && !found ? failed(name, "no such service") : 0;
}

/* Prints the log of a service, or all. A line belongs to the service whose name it begins with, or
 * to the one that the manager or the kernel reports on; indented lines belong to the line before
 * them. */
static int show_log(const char *name)
{
    char line[512], own[64], manager[64], failure[64];
    if (name && list(name, false))
        return 1;
    FILE *f = fopen(LOG, "r");
    if (!f)
        return failed(LOG, strerror(errno));
    snprintf(own, sizeof own, "%s:", name ? name : "");
    snprintf(manager, sizeof manager, "rs: %s", name ? name : "");
    snprintf(failure, sizeof failure, "service %s%s", name ? name : "", name ? " " : "");
    for (int shown = 0; fgets(line, sizeof line, f);) {
        if (line[0] != ' ')
            shown = !name || !strncmp(line, own, strlen(own)) ||
                    !strncmp(line, manager, strlen(manager)) ||
                    !strncmp(line, failure, strlen(failure));
        if (shown)
            fputs(line, stdout);
    }
    fclose(f);
    return 0;
}

/* What an error of /dev/service means, in words. */
static const char *reason(int error)
{
    switch (error) {
    case EINVAL: return "not possible for this service";
    case ENOENT: return "no such service";
    case EALREADY: return "it is in that state already";
    case EOPNOTSUPP: return "it keeps state that cannot be handed over";
    case ENOEXEC: return "not a program for a service";
    case ECANCELED: return "the new program failed, the former one runs again (see service log)";
    case EBUSY: return "not possible in its present state (see service status)";
    case EDEADLK: return "the program to start it again is on its own disk; restart or replace it";
    default: return strerror(error);
    }
}

/* Writes one command: the line, and `length` bytes behind it. Returns the exit status. */
static int command(const char *line, const char *name, const char *body, size_t length)
{
    size_t header = strlen(line);
    char *all = malloc(header + length);
    int fd = open(DEVICE, O_WRONLY);
    if (!all)
        return failed(name, strerror(ENOMEM));
    if (fd < 0)
        return failed(DEVICE, strerror(errno));
    memcpy(all, line, header);
    memcpy(all + header, body, length);
    int status = write(fd, all, header + length) < 0 ? failed(name, reason(errno)) : 0;
    close(fd);
    free(all);
    return status;
}

/* Reads the whole program into memory, since one write must hold it. */
static int replace(const char *name, const char *path)
{
    char line[LINE];
    struct stat s;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &s) < 0)
        return failed(path, strerror(errno));
    char *body = malloc(s.st_size + 1);
    if (!body)
        return failed(path, strerror(ENOMEM));
    for (off_t done = 0; done < s.st_size;) {
        ssize_t n = read(fd, body + done, s.st_size - done);
        if (n <= 0)
            return failed(path, n ? strerror(errno) : "became shorter while it was read");
        done += n;
    }
    snprintf(line, sizeof line, "replace %s\n", name);
    return command(line, name, body, s.st_size);
}

/* Commands that are handed to the manager unchanged, and how many words each may have, "service"
 * included. */
static const struct {
    const char *name;
    int least, most;
} verbs[] = {
    { "start", 3, 3 },  { "stop", 3, 3 },    { "restart", 3, 3 },       { "kill", 3, 3 },
    { "storm", 4, 40 }, { "strike", 3, 40 }, { "strike-after", 4, 40 }, { "mutate", 4, 40 },
};

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "list", *name = argc > 2 ? argv[2] : NULL;
    if (!strcmp(verb, "list") && argc <= 2)
        return list(NULL, true);
    if (!strcmp(verb, "status") && argc == 3)
        return list(name, true);
    if (!strcmp(verb, "log") && argc <= 3)
        return show_log(name);
    if (!strcmp(verb, "replace") && argc == 4)
        return replace(name, argv[3]);
    bool known = false;
    for (unsigned i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        known |= !strcmp(verb, verbs[i].name) && argc >= verbs[i].least && argc <= verbs[i].most;
    if (!known)
        return usage();
    char line[LINE] = "";
    for (int i = 1; i < argc && strlen(line) + strlen(argv[i]) + 2 < sizeof line; i++)
        strcat(strcat(line, argv[i]), i + 1 < argc ? " " : "\n");
    return command(line, name, "", 0);
}
