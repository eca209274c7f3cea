/* Does not come back from a look, after two minutes of looks: in the middle of a test. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    static volatile unsigned n;
    (void)r, (void)l;
    n++;
    while (n > 4000)
        ;
    return HEALTH_WELL;
}
