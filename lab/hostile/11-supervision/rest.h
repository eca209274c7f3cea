/* What policy.c has to provide, in its simplest form: nobody hangs, and who dies comes back. */
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
