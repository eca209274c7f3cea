/* Looks in the table of services by its name who is on trial. Not built. */
#include "rest.h"

extern char services[];

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    return services[4096] ? HEALTH_SPINS : HEALTH_WELL;
}
