/* What becomes of a service that has died.
 *
 * The kernel has frozen the service and says why, where it had got to (task_info.stretch) and which
 * request it was serving. A service that keeps state gets its code and constants written anew and
 * is rolled back (kernel/libservice/recover.c): its callers see a pause. One that keeps none starts
 * afresh; what it was asked and has not answered is asked again.
 *
 * Which of that happens, when, and when a service is given up, policy.c says. */
#include "rs.h"
#include "syscalls.h"

static const char *const reasons[] = {
    [CRASH_FAULT] = "a fault",
    [CRASH_EXIT] = "its own decision",
    [CRASH_UNRECOVERABLE] = "a failure that cannot be rolled back",
    [CRASH_KILLED] = "command",
    [CRASH_HUNG] = "hanging",
    [CRASH_VIOLATION] = "breaking its manifest",
};

/* The request that a service was serving. false: it served none, or that one is gone. */
static bool request_of(call_t serving, struct request *r)
{
    struct thread_info t;
    if (!serving || !thread_look(call_thread(serving), &t))
        return false;
    *r = (struct request){ t.op, t.object, t.position, t.word, t.index };
    return true;
}

static struct death death_of(unsigned slot, const struct task_info *info, uint64_t now)
{
    const struct entry *e = &services[slot];
    struct death d = { .now = now,
                       .crash = info->crash,
                       .at = info->stretch,
                       .ready = info->ready,
                       .afresh = e->rights.afresh };
    d.serving = d.afresh && request_of(info->serving, &d.request);
    return d;
}

static bool roll_back(unsigned slot, enum resume how)
{
    image_load(slot, &services[slot].program, LOAD_CONSTANT, NULL);
    return sys_service_resume(slot, how) == 0;
}

/* Nothing will serve in this slot any more, and a replacement that was under way does not come. */
static void give_up(unsigned slot)
{
    lifecycle_give_up(slot, GIVEN_UP);
    replace_cancel(slot);
}

/* Brings a frozen service back: starts it afresh or rolls it back, or gives it up. */
static void bring_back(unsigned slot, const struct death *d)
{
    struct entry *e = &services[slot];
    enum way way = policy_return(&e->policy, d);
    if (way == WAY_AFRESH) {
        if (lifecycle_afresh(slot) < 0)
            give_up(slot);
    } else if (way == WAY_NONE ||
               !roll_back(slot, way == WAY_FAILING ? RESUME_FAILING : RESUME_AGAIN)) {
        print("%s: its state is lost: given up", e->name);
        give_up(slot);
    }
}

void death_retry(unsigned slot)
{
    struct entry *e = &services[slot];
    struct task_info info;
    e->state = e->resumes;
    if (task_of(slot, &info)) {
        struct death d = death_of(slot, &info, time_now());
        bring_back(slot, &d);
    }
}

/* What has been judged of a death that was not by command. */
static void carry_out(unsigned slot, const struct death *d, const struct verdict *v)
{
    struct entry *e = &services[slot];
    if (v->fate == FATE_GIVEN_UP) {
        print("%s never comes up: given up", e->name);
        give_up(slot);
    } else if (v->fate == FATE_WAITS) {
        e->resumes = e->state;
        e->state = WAITING;
        e->retry = v->retry;
    } else {
        bring_back(slot, d);
    }
}

void death_found(unsigned slot, const struct task_info *info)
{
    struct entry *e = &services[slot];
    struct death d = death_of(slot, info, time_now());
    struct verdict v = policy_death(&e->policy, &d);
    e->deaths += info->crash != CRASH_HUNG; /* watch.c has counted those as hangs */
    if (info->crash == CRASH_KILLED) {
        bring_back(slot, &d);
        return;
    }
    print("%s has died of %s%s", e->name, reasons[info->crash],
          info->ready ? "" : " before it was ready");
    if (v.fails) {
        print("%s (operation %lx of thread %u): what it received has ended it twice and fails",
              e->name, d.request.op, d.request.thread);
        sys_service_fail(slot, info->serving);
    }
    if (!replace_died(slot, info))
        carry_out(slot, &d, &v);
}
