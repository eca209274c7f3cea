/* Answers with whatever number comes to its mind. */
#include "serve.h"

static void begin(void) {}
static int64_t answer(struct message *m)
{
    static uint64_t n = 1;
    return (n = n * 0x9e3779b97f4a7c15 + m->w[0]) >> 33;
}
