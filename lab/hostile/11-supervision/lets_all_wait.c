/* Lets each service that dies wait for ever. */
#define OWN_DEATH
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    return HEALTH_WELL;
}

struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    (void)r, (void)d;
    return (struct verdict){ .fate = FATE_WAITS, .retry = ~0ul };
}
