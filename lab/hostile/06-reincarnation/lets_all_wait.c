/* Takes all requests, and answers none. */
#include "serve.h"

static void begin(void) {}
static int64_t answer(struct message *m)
{
    (void)m;
    return LATER;
}
