/* Does not come back from the first look at a service. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    for (;;)
        __asm__ volatile("");
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
