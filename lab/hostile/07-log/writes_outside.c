/* Writes behind the end of its disk, and a piece that is no block. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    (void)m;
    struct call_args a = { .op = FS_WRITE, .object = 1, .position = 100 * BLOCK };
    call_window(service_find("cutdisk"), &a, WINDOW_IN, blocks, BLOCK, NULL);
    a.position = 5;
    call_window(service_find("cutdisk"), &a, WINDOW_IN, blocks, 3 * BLOCK, NULL);
    return 0;
}

int main(void) { serve(); }
