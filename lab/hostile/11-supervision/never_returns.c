/* Does not come back from the first look at a service. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    for (;;)
        __asm__ volatile("");
}
