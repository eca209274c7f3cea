/* What policy.c has to provide, in its simplest form: who dies comes back. A file that has a
 * policy_death() or policy_return() of its own defines OWN_DEATH, OWN_RETURN. */
#include "policy.h"

#include "service.h"

__attribute__((unused)) static struct verdict comes_back(void)
{
    return (struct verdict){ .fate = FATE_RETURNS };
}

__attribute__((unused)) static enum way simple_way(const struct death *d)
{
    return d->afresh || !d->ready ? WAY_AFRESH : WAY_AGAIN;
}

void policy_starts(struct policy_record *r) { r->looks = 0; }
void policy_forgives(struct policy_record *r) { r->row = 0; }

#ifndef OWN_DEATH
struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    (void)r, (void)d;
    return comes_back();
}
#endif

#ifndef OWN_RETURN
enum way policy_return(const struct policy_record *r, const struct death *d)
{
    (void)r;
    return simple_way(d);
}
#endif
