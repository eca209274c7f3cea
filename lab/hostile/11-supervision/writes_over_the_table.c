/* Writes over the table of services, in which its records stand. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)l;
    for (unsigned i = 0; i < 512; i++)
        ((uint64_t *)r)[i] = 0x4141414141414141;
    return HEALTH_WELL;
}
