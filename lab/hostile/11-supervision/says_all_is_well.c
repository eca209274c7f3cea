/* Finds that all is well, whatever dies: its request fails each time, and nobody waits. */
#define OWN_DEATH
#define OWN_RETURN
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    return HEALTH_WELL;
}

struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    (void)r, (void)d;
    return (struct verdict){ .fate = FATE_RETURNS, .fails = true };
}

enum way policy_return(const struct policy_record *r, const struct death *d)
{
    (void)r;
    return d->afresh || !d->ready ? WAY_AFRESH : WAY_FAILING;
}
