/* services: shows the services of the system. `services -t`: all threads, and what each waits for.
 * Both are files of /proc/minnow, printed as they are. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *path = argc > 1 && !strcmp(argv[1], "-t") ? "/proc/minnow/threads"
                                                          : "/proc/minnow/services";
    char line[512];
    if (argc > 2 || (argc > 1 && strcmp(argv[1], "-t"))) {
        fprintf(stderr, "usage: services [-t]\n");
        return 2;
    }
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 1;
    }
    while (fgets(line, sizeof line, file))
        fputs(line, stdout);
    return fclose(file) != 0;
}
