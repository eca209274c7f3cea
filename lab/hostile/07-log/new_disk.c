/* Puts another disk in place, on which nothing has been recorded. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    (void)m;
    call(service_find("cutdisk"), CUT_NEW, 0, 0, 0, 0);
    return 0;
}

int main(void) { serve(); }
