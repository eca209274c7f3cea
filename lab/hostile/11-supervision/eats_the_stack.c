/* Goes deeper and deeper. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    volatile char much[4096];
    much[l->messages % 4096] = 1;
    return policy_look(r, l) + much[0];
}
