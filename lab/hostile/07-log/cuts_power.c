/* Cuts the power itself, before the test can. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    (void)m;
    call(service_find("cutdisk"), CUT_POWER, 0, 0, 0, 0);
    return 0;
}

int main(void) { serve(); }
