/* Answers every call that there is with 0. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    for (call_t c = 1; c < 4096; c++)
        if (c != m->call)
            reply(c, 0);
    for (unsigned i = 1; i < 64; i++)
        reply(m->call + ((call_t)i << 32), 0);
    return m->w[0] ? LATER : 0;
}

int main(void) { serve(); }
