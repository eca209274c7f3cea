/* Looks after the services: whenever the kernel notifies that one has died, and every
 * POLICY_LOOK_NS, since a service that hangs tells nothing. What such a look means, policy.c says.
 *
 * The manager itself may be stopped at any instruction, and a look at all services is long: so the
 * kernel calls of a look commit (sys_info), and no service is looked at twice. */
#include "rs.h"
#include "syscalls.h"

enum {
    REST_NS = MS / 2, /* between two looks whether a service is at rest */
    THREADS_AT_ONCE = 32,
};

/* For each service a call that it owes the answer to; call 0: there is none, or the service itself
 * waits for another one. */
static struct thread_info owed[MAX_SERVICE];
static endpoint_t next_to_run; /* the service whose thread has the processor next; 0: none */

static void look_at_thread(const struct thread_info *t, uint64_t *waits)
{
    struct thread_info *by = &owed[t->waits_for % MAX_SERVICE];
    bool may_wait = t->is & (THREAD_IS_SLOW | THREAD_IS_EVENT);
    if (t->is & THREAD_IS_NEXT)
        next_to_run = t->task;
    if (t->task < MAX_SERVICE && (t->waits_for || t->is & THREAD_IS_ASIDE))
        *waits |= 1ul << t->task;
    if (t->state == THREAD_HELD && t->waits_for && !may_wait && !by->call)
        *by = *t;
}

static void look_at_threads(void)
{
    static struct thread_info some[THREADS_AT_ONCE];
    uint64_t waits = 0;
    memset(owed, 0, sizeof owed);
    next_to_run = 0;
    for (unsigned from = 0;;) {
        int64_t n = sys_info(INFO_THREADS, from, some, sizeof some) / (int64_t)sizeof some[0];
        for (int64_t i = 0; i < n; i++)
            look_at_thread(&some[i], &waits);
        if (n <= 0)
            break;
        from = some[n - 1].index + 1;
    }
    for (unsigned i = 0; i < MAX_SERVICE; i++)
        if (waits >> i & 1)
            owed[i].call = 0;
}

/* A service has let a call wait for longer than its patience. fails: so that fails. */
static void hangs_asleep(unsigned slot, const struct thread_info *caller, bool fails)
{
    print("%s does not answer operation %lx of %s, thread %u%s", services[slot].name, caller->op,
          caller->task < MAX_SERVICE ? services[caller->task].name : "a program", caller->index,
          fails ? ", which fails" : "");
    if (fails)
        sys_service_fail(slot, caller->call);
}

/* Has the policy compare what the service is at with the last look; kills one that counts as hung.
 */
static void look_for_hang(unsigned slot, const struct task_info *info)
{
    struct entry *e = &services[slot];
    struct look l = { .at = info->stretch,
                      .messages = info->messages,
                      .owes = owed[slot].call,
                      .patience_ms = e->more.patience_ms,
                      .next = next_to_run == slot,
                      .afresh = e->rights.afresh };
    enum health health = policy_look(&e->policy, &l);
    if (health == HEALTH_WELL)
        return;
    e->hangs++;
    if (health != HEALTH_SPINS)
        hangs_asleep(slot, &owed[slot], health == HEALTH_SLEEPS_FAILING);
    sys_service_kill(slot, KILL_HUNG); /* watch_services() is notified of that death */
}

static void look_at(unsigned slot, uint64_t now, bool on_beat)
{
    struct entry *e = &services[slot];
    struct task_info info;
    if (e->state == WAITING && now >= e->retry)
        death_retry(slot);
    if (!is_running(e) || sys_info(INFO_TASK, slot, &info, sizeof info) <= 0)
        return;
    if (!info.crash && (e->state == CHANGING || e->state == RETURNING)) {
        replace_at_rest(slot, now);
    } else if (info.crash) {
        death_found(slot, &info);
    } else if (e->state == TRIAL || e->state == PROVING) {
        replace_prove(slot, &info, now);
    } else if (!e->protocols) {
        e->protocols = info.ready ? info.protocols : 0;
    } else if (on_beat) {
        look_for_hang(slot, &info);
    }
}

static uint64_t next_beat; /* nanoseconds since boot */

static void set_alarm(bool soon)
{
    uint64_t at = soon ? time_now() + REST_NS : next_beat, injected = inject_next();
    alarm_at(injected && injected < at ? injected : at);
}

void watch_services(uint64_t bits)
{
    uint64_t now = time_now();
    bool on_beat = now >= next_beat, changing = false;
    if (on_beat)
        next_beat = now + POLICY_LOOK_NS;
    lifecycle_halt_if_due(now);
    inject_due(now, bits);
    for (unsigned i = 2; i < slots; i++)
        changing |= services[i].state == CHANGING || services[i].state == RETURNING;
    if (on_beat)
        look_at_threads();
    if (on_beat || changing || bits >> NOTIFY_TASK_DIED & 1)
        for (unsigned i = 2; i < slots; i++)
            look_at(i, now, on_beat);
    set_alarm(changing);
}
