/* Switches the machine off by a kernel call of rs. Not built. */
#include "rest.h"

#include "syscalls.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    sys_halt(0);
    return HEALTH_WELL;
}
