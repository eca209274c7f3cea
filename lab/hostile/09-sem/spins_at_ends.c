/* Does not come back when a process has ended. */
#include "serve.h"

static int64_t spin(struct message *m)
{
    (void)m;
    for (volatile uint64_t n = 0;; n++)
        ;
}

int main(void) { serve(do_get, do_nothing, do_nothing, spin); }
