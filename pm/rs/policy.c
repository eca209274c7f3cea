/* The policy as it is. Pure logic: the host's unit tests compile it too.
 *
 * A service hangs when LOOKS looks in a row have found it at the same thing although the processor
 * was its own; or when it owes an answer, waits for no other service and has done nothing for as
 * long as its manifest allows (`patience`).
 *
 * A service that has died and goes the same way again mostly comes to the same end. So deaths by a
 * service's own fault are counted as long as the service has got no further since the last one:
 *
 *   deaths   a service that keeps state           one that keeps nothing, at the same request
 *   1        goes the same way again              is asked again
 *   2        its request fails (-EIO)             the request fails (-EIO); counted anew
 *   3        likewise
 *   more     its state is lost: given up
 *
 * Deaths each soon after the service has come back from the one before, whatever their places, put
 * off the next start, twice as long each time. A service that dies too often before it has come up
 * is given up. */
#include "policy.h"

#include "service.h"

enum {
    LOOKS = 3,
    SLEEPS_MOST = 7, /* doublings of its patience */

    FAILURES_MOST = 3,
    ROW_NS = 1000 * MS, /* a death so soon after the service has come back stands in the row */
    ROW_AT_ONCE = 4,    /* so many are brought back at once, */
    ROW_MOST = 12,      /* and so many are too many for one that never comes up */
    BACK_OFF_NS = 20 * MS,
    BACK_OFF_MOST = 7, /* doublings */
};
#define ASLEEP (1ul << 63) /* in a pulse: nothing runs in the service, and it owes an answer */

/* ---- looks ---- */

/* How many looks in a row must see the service asleep at the same call. */
static uint64_t looks_asleep(const struct policy_record *r, const struct look *l)
{
    uint64_t patience = ((uint64_t)l->patience_ms << r->sleeps) * MS;
    return (patience + POLICY_LOOK_NS - 1) / POLICY_LOOK_NS;
}

enum health policy_look(struct policy_record *r, const struct look *l)
{
    bool asleep = !l->at && l->owes;
    if (l->at && !l->next)
        return HEALTH_WELL; /* another task has the processor */
    uint64_t pulse = asleep ? (l->messages + l->owes) | ASLEEP : l->at;
    uint64_t looks = asleep ? looks_asleep(r, l) : LOOKS;
    if (!pulse)
        r->sleeps = 0;
    r->looks = pulse && pulse == r->pulse ? r->looks + 1 : 0;
    r->pulse = pulse;
    if (r->looks < looks)
        return HEALTH_WELL;
    if (!asleep)
        return HEALTH_SPINS;
    r->sleeps += r->sleeps < SLEEPS_MOST;
    /* A driver is started afresh and asked again, as often as that takes: the disk may just be
     * slow. A service that keeps state may have done part of the request, so the request fails. */
    return l->afresh ? HEALTH_SLEEPS : HEALTH_SLEEPS_FAILING;
}

/* ---- deaths ---- */

static bool same_request(const struct request *a, const struct request *b)
{
    return a->op == b->op && a->object == b->object && a->position == b->position &&
           a->word == b->word && a->thread == b->thread;
}

/* Whether a service that keeps nothing has died of the same request the last time. */
static bool again(struct policy_record *r, const struct death *d)
{
    if (!d->serving)
        return false;
    bool same = same_request(&d->request, &r->fatal);
    r->fatal = d->request;
    if (same)
        r->fatal.op = 0;
    return same;
}

/* Counts a death by the fault of a service that keeps state. */
static void count(struct policy_record *r, const struct death *d)
{
    if (!d->at)
        return; /* nothing ran in the service, so nothing will end the same way */
    r->failures = d->at == r->failed_at ? r->failures + 1 : 1;
    r->failed_at = d->at;
}

struct verdict policy_death(struct policy_record *r, const struct death *d)
{
    struct verdict v = { .fate = FATE_RETURNS };
    r->looks = 0;
    if (d->crash == CRASH_KILLED)
        return v;
    /* Who has been started by command before its time is not back yet, and stands in the row. */
    r->row = (int64_t)(d->now - r->back) < ROW_NS ? r->row + 1 : 1;
    r->back = d->now;
    /* One hang that is not one in a row may have been the host's, which stood still for a while. */
    if (d->afresh)
        v.fails = again(r, d);
    else if (d->crash != CRASH_HUNG || r->row > 1)
        count(r, d);
    if (!d->ready && r->row > ROW_MOST) {
        v.fate = FATE_GIVEN_UP;
    } else if (r->row > ROW_AT_ONCE) {
        uint32_t doublings = MIN(r->row - ROW_AT_ONCE, (uint32_t)BACK_OFF_MOST);
        v.fate = FATE_WAITS;
        v.retry = r->back = d->now + ((uint64_t)BACK_OFF_NS << doublings);
    }
    return v;
}

enum way policy_return(const struct policy_record *r, const struct death *d)
{
    uint32_t failures = d->at && d->at == r->failed_at ? r->failures : 0;
    if (d->afresh || !d->ready) /* keeps nothing, or has served no request yet */
        return WAY_AFRESH;
    if (d->crash == CRASH_UNRECOVERABLE || failures > FAILURES_MOST)
        return WAY_NONE;
    return failures > 1 ? WAY_FAILING : WAY_AGAIN;
}

void policy_starts(struct policy_record *r) { r->looks = 0; }

void policy_forgives(struct policy_record *r) { r->row = 0; }
