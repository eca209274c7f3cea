/* Finds at each look that the service hangs. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    return HEALTH_SPINS;
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
