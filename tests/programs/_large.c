/* Takes as many MiB as its argument says, gives each page its own number, and looks whether all
 * have kept theirs: a frame that is two pages, or none, shows. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096, PAGES_A_MIB = 256 };

int main(int argc, char **argv)
{
    long pages = argc > 1 ? atol(argv[1]) * PAGES_A_MIB : 0, wrong = 0;
    char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    for (long i = 0; i < pages; i++)
        *(long *)(at + i * PAGE) = i + 1;
    for (long i = 0; i < pages; i++)
        wrong += *(long *)(at + i * PAGE) != i + 1;
    printf("%ld pages, %ld wrong\n", pages, wrong);
    return 0;
}
