/* Answers calls that others hold, and its own twice. */
#include "serve.h"

static void begin(void) {}
static int64_t answer(struct message *m)
{
    for (call_t c = m->call - 300; c != m->call + 300; c++)
        reply(c, m->w[5]);
    return m->w[5];
}
