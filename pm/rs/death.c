/* What becomes of a service that has died: the one place that judges it.
 *
 * The kernel has frozen the service and says why, where it had got to (task_info.stretch) and which
 * request it was serving. A service that keeps state gets its code and constants written anew and
 * is rolled back (kernel/libservice/recover.c): its callers see a pause. One that keeps none starts
 * afresh; what it was asked and has not answered is asked again.
 *
 * A service that goes the same way again mostly comes to the same end. So deaths by a service's own
 * fault are counted as long as the service has got no further since the last one:
 *
 *   deaths   a service that keeps state           one that keeps nothing, at the same request
 *   1        goes the same way again              is asked again
 *   2        its request fails (-EIO)             the request fails (-EIO); counted anew
 *   3        likewise
 *   more     its state is lost: given up
 *
 * Deaths one soon after the other, whatever their places, put off the next start, twice as long
 * each time. A service that dies too often before it has come up is given up. */
#include "rs.h"
#include "syscalls.h"

enum {
    FAILURES_MOST = 3,
    ROW_NS = 1000 * MS, /* deaths within so long stand in a row */
    ROW_AT_ONCE = 4,    /* so many are brought back at once, */
    ROW_MOST = 12,      /* and so many are too many for one that never comes up */
    BACK_OFF_NS = 20 * MS,
    BACK_OFF_MOST = 7, /* doublings */
};

static const char *const reasons[] = {
    [CRASH_FAULT] = "a fault",
    [CRASH_EXIT] = "its own decision",
    [CRASH_UNRECOVERABLE] = "a failure that cannot be rolled back",
    [CRASH_KILLED] = "command",
    [CRASH_HUNG] = "hanging",
    [CRASH_VIOLATION] = "breaking its manifest",
};

/* Fails the request that is being served, if a service that keeps nothing has died of the same one
 * the last time. */
static void judge_request(unsigned slot, call_t serving)
{
    struct entry *e = &services[slot];
    struct thread_info t;
    if (!serving || !thread_look(call_thread(serving), &t))
        return;
    struct request r = { t.op, t.object, t.position, t.word, t.index };
    bool again = memcmp(&r, &e->fatal, sizeof r) == 0;
    e->fatal = r;
    if (!again)
        return;
    e->fatal.op = 0;
    print("%s (operation %lx of %x): what it received has ended it twice and fails", e->name, r.op,
          t.task);
    sys_service_fail(slot, serving);
}

/* Counts a death by the service's own fault. */
static void judge(unsigned slot, const struct task_info *info)
{
    struct entry *e = &services[slot];
    if (e->rights.afresh) {
        judge_request(slot, info->serving);
        return;
    }
    if (!info->stretch)
        return; /* nothing ran in the service, so nothing will end the same way */
    e->failures = info->stretch == e->failed_at ? e->failures + 1 : 1;
    e->failed_at = info->stretch;
}

/* Rolls the service back. false: that cannot be done, or has been done in vain too often. */
static bool roll_back(unsigned slot, const struct task_info *info)
{
    struct entry *e = &services[slot];
    unsigned failures = info->stretch && info->stretch == e->failed_at ? e->failures : 0;
    if (info->crash == CRASH_UNRECOVERABLE || failures > FAILURES_MOST)
        return false;
    image_load(slot, &e->program, LOAD_CONSTANT, NULL);
    return sys_service_resume(slot, failures > 1 ? RESUME_FAILING : RESUME_AGAIN) == 0;
}

/* Nothing will serve in this slot any more, and a replacement that was under way does not come. */
static void give_up(unsigned slot)
{
    lifecycle_give_up(slot, GIVEN_UP);
    replace_cancel(slot);
}

/* Brings a frozen service back: starts it afresh or rolls it back, or gives it up. */
static void bring_back(unsigned slot, const struct task_info *info)
{
    struct entry *e = &services[slot];
    if (e->rights.afresh || !info->ready) { /* keeps nothing, or has served no request yet */
        if (lifecycle_afresh(slot) < 0)
            give_up(slot);
    } else if (!roll_back(slot, info)) {
        print("%s: its state is lost: given up", e->name);
        give_up(slot);
    }
}

void death_retry(unsigned slot)
{
    struct entry *e = &services[slot];
    struct task_info info;
    e->state = e->resumes;
    if (task_of(slot, &info))
        bring_back(slot, &info);
}

void death_found(unsigned slot, const struct task_info *info)
{
    struct entry *e = &services[slot];
    uint64_t now = time_now();
    e->deaths += info->crash != CRASH_HUNG; /* watch.c has counted those as hangs */
    e->looks = 0;
    if (info->crash == CRASH_KILLED) {
        bring_back(slot, info);
        return;
    }
    e->row = now - e->died < ROW_NS ? e->row + 1 : 1;
    e->died = now;
    print("%s has died of %s%s", e->name, reasons[info->crash],
          info->ready ? "" : " before it was ready");
    /* One hang that is not one in a row may have been the host's, which stood still for a while. */
    if (info->crash != CRASH_HUNG || e->row > 1 || e->rights.afresh)
        judge(slot, info);
    if (replace_died(slot, info))
        return;
    if (!info->ready && e->row > ROW_MOST) {
        print("%s never comes up: given up", e->name);
        give_up(slot);
    } else if (e->row > ROW_AT_ONCE) {
        e->resumes = e->state;
        e->state = WAITING;
        e->retry = now +
                   ((uint64_t)BACK_OFF_NS << MIN(e->row - ROW_AT_ONCE, (uint32_t)BACK_OFF_MOST));
    } else {
        bring_back(slot, info);
    }
}
