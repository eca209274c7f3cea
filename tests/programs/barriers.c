/* membarrier: what there is, and who has to register. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/syscall.h>

enum { GLOBAL = 1, GLOBAL_EXPEDITED, REGISTER_GLOBAL = 4, PRIVATE = 8, REGISTER = 16 };

static long barrier(int command, unsigned flags)
{
    return syscall(SYS_membarrier, command, flags, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        SAY("a new program");
        SHOW(barrier(PRIVATE, 0));
        return 0;
    }
    SHOW(barrier(0, 0) & 31);
    SHOW(barrier(0, 1));
    SHOW(barrier(-1, 0));
    SHOW(barrier(3, 0));
    SHOW(barrier(1 << 20, 0));
    SHOW(barrier(GLOBAL, 0));
    SHOW(barrier(GLOBAL, 1));
    SHOW(barrier(GLOBAL_EXPEDITED, 0));
    SHOW(barrier(REGISTER_GLOBAL, 0));
    SHOW(barrier(PRIVATE, 0));
    SHOW(barrier(REGISTER, 0));
    SHOW(barrier(REGISTER, 0));
    SHOW(barrier(PRIVATE, 0));
    if (!fork()) {
        SAY("a child");
        SHOW(barrier(PRIVATE, 0));
        execl("/proc/self/exe", argv[0], "again", NULL);
    }
    wait(NULL);
    return 0;
}
