/* Does not answer when a process has ended, so that POSIX waits. */
#include "serve.h"

static int64_t keep(struct message *m)
{
    (void)m;
    return LATER;
}

int main(void) { serve(do_get, do_nothing, do_nothing, keep); }
