/* Gives verdicts that are none. */
#define OWN_DEATH
#define OWN_RETURN
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    r->sleeps++;
    return l->messages % 97 == 96 ? (enum health)(l->messages * 0x9e3779b97f4a7c15 >> 33)
                                  : HEALTH_WELL;
}

struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    (void)r;
    return (struct verdict){ (enum fate)(d->now >> 7), d->now & 1, d->now * 77 };
}

enum way policy_return(const struct policy_record *r, const struct death *d)
{
    (void)r;
    return (enum way)(d->now >> 5);
}
