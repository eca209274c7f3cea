/* Flushes until the disk can record no more. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    (void)m;
    while (disk_flush() == 0)
        ;
    return 0;
}

int main(void) { serve(); }
