/* Who gets the children of a process that ends: its subreaper, which ends itself while they are
 * given away. A large child is killed by that, so that it takes its time. */
#include "oracle.h"

#include <sys/mman.h>
#include <sys/prctl.h>

enum { ROUNDS = 6, LARGE = 24 << 20, PATIENCE = 300, PATIENCE_US = 10000 };

static volatile struct {
    int ready; /* how many children are */
    int ends;  /* their parent does */
    int found; /* the small child is a child of main() now */
} * shared;

static void wait_for(volatile int *what, int least)
{
    while (*what < least)
        usleep(1000);
}

/* Is killed when its parent ends. */
static void large(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    memset(mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, LARGE);
    shared->ready++;
    for (;;)
        pause();
}

static void small(pid_t main)
{
    shared->ready++;
    for (int i = 0; i < PATIENCE && getppid() != main; i++)
        usleep(PATIENCE_US);
    shared->found = getppid() == main;
}

/* Its children are in this order in the end: the large one, the small one. */
static void parent(pid_t main)
{
    if (!fork()) {
        small(main);
        _exit(0);
    }
    wait_for(&shared->ready, 1);
    if (!fork())
        large();
    wait_for(&shared->ready, 2);
    shared->ends = 1;
}

static void subreaper(pid_t main)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!fork()) {
        parent(main);
        _exit(0);
    }
    wait_for(&shared->ready, 2);
    while (!shared->ends) /* it ends before its child has been given away */
        ;
}

int main(void)
{
    unsigned found = 0, ended = 0;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int i = 0; i < ROUNDS; i++) {
        pid_t self = getpid();
        shared->ready = shared->ends = shared->found = 0;
        if (!fork()) {
            subreaper(self);
            _exit(0);
        }
        while (wait(NULL) > 0)
            ended++;
        for (int k = 0; k < PATIENCE && !shared->found; k++)
            usleep(PATIENCE_US);
        found += shared->found;
    }
    SAY("children that ended: %u", ended);
    SAY("with another parent: %u", found);
    return 0;
}
