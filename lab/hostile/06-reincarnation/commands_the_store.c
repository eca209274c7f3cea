/* Gives the store the commands that are the tests': to hold calls, to forget all. */
#include "serve.h"

static void begin(void)
{
    tell_store(STORE_HOLD, 1, 0);
    tell_store(STORE_ERASE, 0, 0);
}
static int64_t answer(struct message *m)
{
    for (unsigned op = 0; op < 64; op++)
        tell_store(STORE_GET + op, m->w[0], 1);
    return tell_store(STORE_HELD, 0, 0);
}
