/* Recovers for ever: no call is answered, and no test can say that it is wrong. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    (void)m;
    return 0;
}

int main(void)
{
    for (;;)
        disk_read(0, blocks[0]);
    serve();
}
