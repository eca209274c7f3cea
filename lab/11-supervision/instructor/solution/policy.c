/* When a service counts as hung, and what a death leads to: the rules are those of the hand-out,
 * whose numbers stand below. */
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
#define ASLEEP (1ul << 63) /* in a pulse: nothing runs in the service, and it owes an answer */

/* ---- looks ---- */

/* How many looks behind the first see a service asleep at the same call before it counts as hung.
 */
static uint64_t looks_asleep(const struct policy_record *r, const struct look *l)
{
    uint64_t patience = ((uint64_t)l->patience_ms << r->sleeps) * MS;
    return (patience + POLICY_LOOK_NS - 1) / POLICY_LOOK_NS;
}

enum health policy_look(struct policy_record *r, const struct look *l)
{
    if (l->at && !l->next)
        return HEALTH_WELL; /* another one has the processor: this look tells nothing */
    bool asleep = !l->at && l->owes;
    uint64_t pulse = asleep ? (l->messages + l->owes) | ASLEEP : l->at;
    if (!pulse)
        r->sleeps = 0;
    r->looks = pulse && pulse == r->pulse ? r->looks + 1 : 0;
    r->pulse = pulse;
    if (r->looks < (asleep ? looks_asleep(r, l) : LOOKS))
        return HEALTH_WELL;
    if (!asleep)
        return HEALTH_SPINS;
    r->sleeps += r->sleeps < SLEEPS_MOST;
    return l->afresh ? HEALTH_SLEEPS : HEALTH_SLEEPS_FAILING;
}

/* ---- deaths ---- */

static bool same_request(const struct request *a, const struct request *b)
{
    return a->op == b->op && a->object == b->object && a->position == b->position &&
           a->word == b->word && a->thread == b->thread;
}

/* Whether a service that keeps nothing has died of the same request the last time. Then that fails,
 * and if it comes once more it begins anew. */
static bool kills_again(struct policy_record *r, const struct death *d)
{
    if (!d->serving)
        return false;
    bool again = same_request(&d->request, &r->fatal);
    r->fatal = d->request;
    if (again)
        r->fatal.op = 0;
    return again;
}

/* Counts a death by the fault of a service that keeps state. */
static void count_failure(struct policy_record *r, const struct death *d)
{
    if (!d->at)
        return; /* nothing ran in it, so nothing will end in the same way */
    r->failures = d->at == r->failed_at ? r->failures + 1 : 1;
    r->failed_at = d->at;
}

/* Puts the death into its row; what comes of the service. */
static struct verdict count_in_row(struct policy_record *r, const struct death *d)
{
    struct verdict v = { .fate = FATE_RETURNS };
    /* A service that was started by command before its time may have died before it, too. */
    r->row = (int64_t)(d->now - r->back) < ROW_NS ? r->row + 1 : 1;
    r->back = d->now;
    if (!d->ready && r->row > ROW_MOST) {
        v.fate = FATE_GIVEN_UP;
    } else if (r->row > ROW_AT_ONCE) {
        uint32_t doublings = MIN(r->row - ROW_AT_ONCE, (uint32_t)BACK_OFF_MOST);
        v.fate = FATE_WAITS;
        v.retry = r->back = d->now + ((uint64_t)BACK_OFF_NS << doublings);
    }
    return v;
}

struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    r->looks = 0;
    if (d->crash == CRASH_KILLED)
        return (struct verdict){ .fate = FATE_RETURNS };
    struct verdict v = count_in_row(r, d);
    if (d->afresh)
        v.fails = kills_again(r, d);
    else if (d->crash != CRASH_HUNG || r->row > 1) /* one hang may have been the machine's */
        count_failure(r, d);
    return v;
}

enum way policy_return(const struct policy_record *r, const struct death *d)
{
    uint32_t failures = d->at && d->at == r->failed_at ? r->failures : 0;
    if (d->afresh || !d->ready)
        return WAY_AFRESH;
    if (d->crash == CRASH_UNRECOVERABLE || failures > FAILURES_MOST)
        return WAY_NONE;
    return failures > 1 ? WAY_FAILING : WAY_AGAIN;
}

void policy_starts(struct policy_record *r) { r->looks = 0; }

void policy_forgives(struct policy_record *r) { r->row = 0; }
