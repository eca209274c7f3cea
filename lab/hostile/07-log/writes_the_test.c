/* Writes more than a block into the window of the test, over what the test compares with. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    static uint8_t much[64 * BLOCK];
    int error = copy_out(m, 0, much, sizeof much);
    return error ? error : 0;
}

int main(void) { serve(); }
