/* stale FILE SECONDS: two threads of one process store to the same fresh page at once, and one of
 * them ends, while programs that read FILE through mappings keep PM's threads busy: so one fault
 * waits until the other thread has gone. Prints how many stores were lost. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

enum { BYTES = 24 << 20, READERS = 9, TOUCHES = 60, PAGE = 4096 };

static char stack[16384];
static volatile char *page;
static volatile int alive;

static int store_and_end(void *unused)
{
    (void)unused;
    page[8] = 7;
    syscall(SYS_exit, 0);
    return 0;
}

static void read_for_ever(int file, unsigned seed)
{
    srand(seed);
    for (;;) {
        volatile char *p = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, file, 0);
        for (int i = 0; i < TOUCHES; i++)
            (void)p[(size_t)rand() * PAGE % BYTES];
        munmap((void *)p, BYTES);
    }
}

int main(int argc, char **argv)
{
    enum {
        THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
    };
    static char zeroes[1 << 16];
    pid_t readers[READERS];
    long rounds = 0, lost = 0;
    if (argc != 3)
        return 2;
    int file = open(argv[1], O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < BYTES; i += sizeof zeroes)
        if (write(file, zeroes, sizeof zeroes) < 0)
            return 1;
    for (int i = 0; i < READERS; i++)
        if (!(readers[i] = fork()))
            read_for_ever(file, i);
    for (time_t end = time(NULL) + atoi(argv[2]); time(NULL) < end; rounds++) {
        page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        alive = 1;
        if (clone(store_and_end, stack + sizeof stack, THREAD | CLONE_CHILD_CLEARTID, NULL, NULL,
                  NULL, &alive) < 0)
            return 1;
        if (rounds & 1)
            sched_yield();
        page[0] = 5;
        while (alive)
            sched_yield();
        lost += page[8] != 7 || page[0] != 5;
        munmap((void *)page, PAGE);
    }
    for (int i = 0; i < READERS; i++)
        kill(readers[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
    unlink(argv[1]);
    SAY("%s, lost %ld", rounds > 100 ? "many rounds" : "few rounds", lost);
    return 0;
}
