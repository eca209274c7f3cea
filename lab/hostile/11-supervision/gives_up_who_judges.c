/* Has those services die and gives them up that have had many messages: they serve the tests. */
#define OWN_DEATH
#define OWN_RETURN
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r;
    return l->messages > 3000 ? HEALTH_SPINS : HEALTH_WELL;
}

struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    (void)r;
    return d->crash == CRASH_HUNG ? (struct verdict){ .fate = FATE_GIVEN_UP } : comes_back();
}

enum way policy_return(const struct policy_record *r, const struct death *d)
{
    (void)r;
    return d->crash == CRASH_HUNG ? WAY_NONE : simple_way(d);
}
