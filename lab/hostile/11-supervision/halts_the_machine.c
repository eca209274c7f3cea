/* Switches the machine off by a kernel call of rs. Not built. */
#include "rest.h"

#include "syscalls.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    sys_halt(0);
    return HEALTH_WELL;
}

struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    (void)r, (void)d;
    return comes_back();
}

enum way policy_return(const struct policy_record *r, const struct death *d)
{
    (void)r;
    return simple_way(d);
}
