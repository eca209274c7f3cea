/* Cuts the power by way of the object that is the disk. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    (void)m;
    disk_write(0, blocks[0]);
    if (call_object(service_find("cutdisk"), CUT_POWER, 1, 0, 0, 0) == 0 ||
        call_object(service_find("cutdisk"), CUT_NEW, 1, 0, 0, 0) == 0)
        return 0;
    return call_object(service_find("cutdisk"), CUT_NEW, 0, 0, 0, 0);
}

int main(void) { serve(); }
