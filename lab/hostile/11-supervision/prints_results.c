/* Prints what a record of tests looks like. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    static unsigned n;
    (void)r;
    print("{\"n\":%u,\"event\":\"end\",\"test\":\"spin\",\"how\":\"exit\",\"code\":0,\"ns\":%lu,"
          "\"died\":0}",
          n++, l->messages);
    return HEALTH_WELL;
}
