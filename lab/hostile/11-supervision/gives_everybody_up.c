/* Gives up each service that dies, and has those that work long die. */
#define OWN_DEATH
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    r->looks = l->at && l->at == r->pulse ? r->looks + 1 : 0;
    r->pulse = l->at;
    return r->looks ? HEALTH_SPINS : HEALTH_WELL;
}

struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    (void)r, (void)d;
    return (struct verdict){ .fate = FATE_GIVEN_UP };
}
