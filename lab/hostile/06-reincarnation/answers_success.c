/* Says of everything that it has been done. */
#include "serve.h"

static void begin(void) {}
static int64_t answer(struct message *m)
{
    (void)m;
    return 0;
}
