/* Writes until the disk can record no more, so that no cut can be made of what it does. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    (void)m;
    for (unsigned i = 0; disk_write(i % LOG_BLOCKS, blocks[0]) == 0; i++)
        ;
    return 0;
}

int main(void) { serve(); }
