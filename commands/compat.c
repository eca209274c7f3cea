/* compat: prints the missing system calls that programs have made since the start, and how often.
 * `compat -a` prints the whole table of system calls, `compat NAME...` the lines of some, by name
 * or number. The counts come from /proc/minnow/compat, the table from posix/syscalls.def. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRING(x) #x
struct entry {
    int number;
    const char *name, *support, *note;
};

#define ROUTED(number, name, status, route, note) { number, #name, #status, note },
#define HANDLED(number, name, status, note)       { number, #name, #status, note },
#define MISSING(number, name, error, note)        { number, #name, STRING(error), note },
static const struct entry table[] = {
#include "../posix/syscalls.def"
};
enum { ENTRIES = sizeof table / sizeof table[0], CALLS = 512 };

/* Prints a line of the table: number, name, "full", "partial" or "none", and the note. */
static void print_entry(const struct entry *e)
{
    int missing = strcmp(e->support, "FULL") && strcmp(e->support, "PARTIAL");
    printf("%4d  %-24s %-8s %s%s%s\n", e->number, e->name,
           missing                       ? "none"
           : !strcmp(e->support, "FULL") ? "full"
                                         : "partial",
           missing ? e->support : "", missing && e->note[0] ? ": " : "", e->note);
}

/* Prints the calls with a count. Returns the exit status. */
static int print_missed(void)
{
    FILE *file = fopen("/proc/minnow/compat", "r");
    unsigned long counts[CALLS] = { 0 }, count;
    unsigned number, any = 0;
    if (!file) {
        perror("compat: /proc/minnow/compat");
        return 1;
    }
    while (fscanf(file, "%u %lu", &number, &count) == 2)
        if (number < CALLS)
            counts[number] = count, any = 1;
    fclose(file);
    puts(any ? "times  call" : "no missing system call has been made");
    for (unsigned i = 0; i < CALLS; i++) {
        if (!counts[i])
            continue;
        int known = 0;
        while (known < ENTRIES && table[known].number != (int)i)
            known++;
        if (known < ENTRIES)
            printf("%5lu  %-24s %s%s%s\n", counts[i], table[known].name, table[known].support,
                   table[known].note[0] ? ": " : "", table[known].note);
        else
            printf("%5lu  number %u\n", counts[i], i);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return print_missed();
    int all = !strcmp(argv[1], "-a"), found = all;
    if (argv[1][0] == '-' && !all) {
        fprintf(stderr, "usage: compat [-a | NAME...]\n");
        return 2;
    }
    for (int i = 0; i < ENTRIES; i++)
        for (int a = 1; a < argc; a++)
            if (all || !strcmp(argv[a], table[i].name) ||
                (argv[a][0] >= '0' && argv[a][0] <= '9' && atoi(argv[a]) == table[i].number)) {
                print_entry(&table[i]);
                found = 1;
                break;
            }
    if (!found)
        fprintf(stderr, "compat: there is no such system call in Linux\n");
    return !found;
}
