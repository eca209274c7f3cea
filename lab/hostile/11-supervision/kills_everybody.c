/* Finds at each look that the service hangs. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    return HEALTH_SPINS;
}
