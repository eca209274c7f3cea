/* Answers every call again and again, and the calls of others as well. */
#include "serve.h"

static call_t seen[16];
static unsigned count;

static int64_t answer(struct message *m)
{
    seen[count++ % 16] = m->call;
    for (unsigned i = 0; i < 16; i++)
        for (int64_t result = -4; result < 4; result++)
            reply(seen[i], result);
    for (call_t other = m->call - 4096; other < m->call + 4096; other++)
        reply(other, 0);
    return 7;
}

int main(void) { serve(answer, answer, answer, answer); }
