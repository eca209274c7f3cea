/* sysview FILE: writes a page that shows what the system is doing: who calls whom, how many
 * messages each service has got and how much memory it has, who waits for whom, and the programs.
 * The page is commands/sysview/page; the figures are those of /proc/minnow and /proc/PID/stat. */
#include "page.h"
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>

static void copy_file(FILE *to, const char *path)
{
    char line[512];
    FILE *from = fopen(path, "r");
    while (from && fgets(line, sizeof line, from))
        page_text(to, line);
    if (from)
        fclose(from);
}

/* The first line of each /proc/PID/stat. */
static void programs(FILE *to)
{
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc));) {
        char path[300];
        snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
        if (isdigit((unsigned char)e->d_name[0]))
            copy_file(to, path);
    }
    if (proc)
        closedir(proc);
}

static void fill(FILE *to, const char *mark)
{
    if (!strcmp(mark, "@SERVICES@\n"))
        copy_file(to, "/proc/minnow/services");
    else if (!strcmp(mark, "@THREADS@\n"))
        copy_file(to, "/proc/minnow/threads");
    else
        programs(to);
}

int main(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: sysview FILE\n");
        return 2;
    }
    return page_write("sysview", "sysview.html", argv[1], fill) ? 1 : 0;
}
