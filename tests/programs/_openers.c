/* _openers N: N processes at once create the same N files (O_EXCL), each some of them in an order
 * of its own, and keep them open. Every file is made once, and nobody meets another error: memory
 * of the kernel for descriptors is there as long as the machine has any. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MADE, ERROR };
enum { EACH = 150 };

static void opener(int number, int files, int result)
{
    char name[64], word[2] = { MADE, ERROR };
    for (int i = 0; i < files && i < EACH; i++) {
        sprintf(name, "/tmp/openers/%d", (i + number * 7) % files);
        if (open(name, O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0)
            (void)!write(result, &word[MADE], 1);
        else if (errno != EEXIST)
            (void)!write(result, &word[ERROR], 1);
    }
}

int main(int argc, char **argv)
{
    int files = argc > 1 ? atoi(argv[1]) : 100, result[2], start[2], found[2] = { 0, 0 };
    char c;
    if (pipe(result) || pipe(start))
        return 1;
    for (int i = 0; i < files; i++) {
        pid_t child = fork();
        if (child < 0) {
            perror("fork");
            return 1;
        }
        if (!child) {
            close(start[1]), close(result[0]);
            (void)!read(start[0], &c, 1); /* until all are there */
            opener(i, files, result[1]);
            _exit(0);
        }
    }
    close(start[1]), close(result[1]);
    while (read(result[0], &c, 1) == 1)
        found[c == ERROR]++;
    while (wait(NULL) > 0)
        ;
    printf("%d made, %d errors\n", found[MADE], found[ERROR]);
    return 0;
}
