/* When a service counts as hung, and what a death leads to: the rules are those of the hand-out,
 * whose numbers stand below. policy.h says what each function is asked, and what may be remembered.
 *
 * As it stands nobody hangs, and who has died always comes back at once. The system runs with that
 * until a service goes wrong. */
#include "policy.h"

#include "service.h"

enum {
    LOOKS = 4,       /* so many looks behind the first find a service that spins */
    SLEEPS_MOST = 4, /* doublings of a patience */

    FAILURES_MOST = 3, /* deaths at the same point; at one more the state is lost */
    ROW_NS = 500 * MS, /* a death so soon after the service has come back stands in the row */
    ROW_AT_ONCE = 3,   /* so many of a row are brought back at once, */
    ROW_MOST = 8,      /* and so many are too many for a service that never comes up */
    BACK_OFF_NS = 50 * MS,
    BACK_OFF_MOST = 4, /* doublings */
};

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r, (void)l;
    return HEALTH_WELL; /* To do: R1 to R4. */
}

struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    (void)r, (void)d;
    return (struct verdict){ .fate = FATE_RETURNS }; /* To do: R5 to R11. */
}

enum way policy_return(const struct policy_record *r, const struct death *d)
{
    (void)r;
    return d->afresh || !d->ready ? WAY_AFRESH : WAY_AGAIN; /* To do: R6 to R8. */
}

void policy_starts(struct policy_record *r) { (void)r; } /* To do: looks are counted anew. */

void policy_forgives(struct policy_record *r) { (void)r; } /* To do: R11. */
