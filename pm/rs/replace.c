/* Another program for a running service.
 *
 * A service that keeps nothing is stopped, and the new program starts. A service that keeps state
 * hands it over, which is possible only when none of its threads has anything in hand: until then
 * the service is CHANGING. The new program is on TRIAL until it has come up with the same
 * protocols. For a while afterwards (PROVING) the former program takes over again if the new one
 * dies: at once, or, where state is kept, when the new one has brought to an end what it had in
 * hand (RETURNING). */
#include "rs.h"
#include "syscalls.h"

enum { PROOF_SECONDS = 2 };

static bool same(const struct image *a, const struct image *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* Answers the call that waits for the end of a replacement, if one does; 0: the replacement has
 * come up. */
static void answer(struct entry *e, int64_t result)
{
    if (e->asker)
        reply(e->asker, result ? result : e->asker_bytes);
    e->asker = 0;
}

void replace_await(unsigned slot, call_t c, int64_t bytes)
{
    services[slot].asker = c;
    services[slot].asker_bytes = bytes;
}

/* Starts e->program in the place of what runs: with the memory of what ran, if the service keeps
 * state, else with new memory. 0; -EBUSY: the service is not at rest; or another error. */
static int succeed(unsigned slot)
{
    struct entry *e = &services[slot];
    uint64_t entry = 0;
    if (e->rights.afresh)
        return lifecycle_afresh(slot);
    int64_t error = sys_service_kill(slot, KILL_HAND_OVER);
    if (!error)
        error = image_load(slot, &e->program, LOAD_BESIDES_STATE, &entry);
    if (!error)
        error = sys_service_start(slot, entry, START_INHERITS);
    e->starts += !error;
    return error;
}

/* Puts `to` in the place of what runs. -EBUSY: the service is not at rest, and nothing has changed;
 * another error: it could not be started, and what ran runs again, or the service is given up. */
static int exchange(unsigned slot, const struct image *to)
{
    struct entry *e = &services[slot];
    struct image was = e->program;
    e->program = *to;
    int error = succeed(slot);
    if (!error)
        return 0;
    e->program = was;
    if (error != -EBUSY && succeed(slot) != 0)
        lifecycle_give_up(slot, GIVEN_UP);
    return error;
}

/* Runs the former program again, whatever the replacement has in hand. */
static void go_back(unsigned slot, const char *why)
{
    struct entry *e = &services[slot];
    print("%s: the replacement %s: the former program runs again", e->name, why);
    answer(e, -ECANCELED);
    e->state = RUNNING;
    e->program = e->former;
    if (succeed(slot) != 0)
        lifecycle_give_up(slot, GIVEN_UP);
}

/* Puts a replacement on trial; errors as of exchange(). */
static int begin_trial(unsigned slot, const struct image *by)
{
    struct entry *e = &services[slot];
    struct image was = e->program;
    int error = exchange(slot, by);
    if (error)
        return error;
    e->former = was;
    e->state = TRIAL;
    e->replaced = time_now();
    policy_forgives(&e->policy);
    print("%s: replaced by another program", e->name);
    return 0;
}

int replace_with(unsigned slot, const struct image *by)
{
    struct entry *e = &services[slot];
    int error = image_check(by);
    if (error)
        return error;
    if (same(by, &e->program)) {
        error = lifecycle_restart(slot);
        return error ? error : 1;
    }
    if (e->state != RUNNING && e->state != PROVING)
        return -EBUSY;
    if (!e->rights.afresh && !image_same_state(by, &e->program))
        return -EOPNOTSUPP;
    error = begin_trial(slot, by);
    if (error != -EBUSY)
        return error;
    e->state = CHANGING;
    e->next = *by;
    e->patience = time_now() + PROOF_SECONDS * 1000ul * MS;
    return 0;
}

void replace_at_rest(unsigned slot, uint64_t now)
{
    struct entry *e = &services[slot];
    bool back = e->state == RETURNING;
    enum state was = e->state;
    e->state = RUNNING;
    int error = back ? exchange(slot, &e->former) : begin_trial(slot, &e->next);
    if (error == -EBUSY && now < e->patience)
        e->state = was;
    else if (error && !back)
        answer(e, error);
    else if (!error && back)
        print("%s: the former program has taken over", e->name);
}

void replace_prove(unsigned slot, const struct task_info *info, uint64_t now)
{
    struct entry *e = &services[slot];
    bool over = now - e->replaced > PROOF_SECONDS * 1000ul * MS;
    if (info->ready && (info->protocols & e->protocols) != e->protocols) {
        go_back(slot, "speaks another protocol");
    } else if (info->ready) {
        e->state = over ? RUNNING : PROVING;
        answer(e, 0);
    } else if (over) {
        go_back(slot, "does not come up");
    }
}

bool replace_died(unsigned slot, const struct task_info *info)
{
    struct entry *e = &services[slot];
    if (e->state != TRIAL && e->state != PROVING)
        return false;
    if (e->rights.afresh || !info->ready) {
        go_back(slot, "has died");
        return true;
    }
    print("%s: the replacement has died: the former program runs again as soon as it is at rest",
          e->name);
    answer(e, -ECANCELED);
    e->state = RETURNING;
    e->patience = time_now() + PROOF_SECONDS * 1000ul * MS;
    return false;
}

void replace_cancel(unsigned slot) { answer(&services[slot], -ECANCELED); }
