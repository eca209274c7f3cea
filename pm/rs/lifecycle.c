/* Starting and stopping services. */
#include "rs.h"
#include "syscalls.h"

enum { HALT_SECONDS = 6 };

static uint64_t halt_at; /* nanoseconds since boot; 0: the machine goes on */

static int create(unsigned slot)
{
    struct entry *e = &services[slot];
    if (image_check(&e->program) == 0)
        e->rights.slide = image_slide(&e->program);
    return sys_service_create(slot, e->name, strlen(e->name), &e->rights);
}

int lifecycle_create(unsigned slot)
{
    int error = create(slot);
    if (error)
        print("%s: cannot be created: error %d", services[slot].name, -error);
    services[slot].state = error ? REFUSED : CREATED;
    return error;
}

/* Loads the program of a service that has its slot, and starts it. The state stays as it is. */
static int run(unsigned slot)
{
    struct entry *e = &services[slot];
    uint64_t entry = 0;
    int64_t error = image_load(slot, &e->program, LOAD_ALL, &entry);
    if (!error)
        error = sys_service_start(slot, entry, e->starts ? START_AFRESH : START_FIRST);
    if (error) {
        print("%s: cannot be started: %s", e->name,
              error == -ENOEXEC  ? "not a program for this system"
              : error == -ENOMEM ? "its manifest allows too little memory"
                                 : "refused by the kernel");
        return error;
    }
    e->starts++;
    policy_starts(&e->policy);
    return 0;
}

void lifecycle_give_up(unsigned slot, enum state state)
{
    sys_service_kill(slot, KILL_REFUSE);
    services[slot].state = state;
    if (services[slot].more.loss_is_fatal && !halt_at) {
        print("nothing can run without %s: the machine stops in %u seconds", services[slot].name,
              HALT_SECONDS);
        halt_at = time_now() + HALT_SECONDS * 1000ul * MS;
    }
}

void lifecycle_halt_if_due(uint64_t now)
{
    if (halt_at && now >= halt_at)
        sys_halt(HALT_FAILED);
}

int lifecycle_start(unsigned slot)
{
    struct entry *e = &services[slot];
    if (is_running(e) || e->state == WAITING)
        return -EALREADY;
    policy_forgives(&e->policy);
    bool created = e->state == CREATED;
    int error = created ? 0 : create(slot);
    if (!error)
        error = run(slot);
    if (error)
        lifecycle_give_up(slot, created ? REFUSED : GIVEN_UP);
    else
        e->state = RUNNING;
    return error;
}

int lifecycle_afresh(unsigned slot)
{
    sys_service_kill(slot, KILL_STOP);
    int error = create(slot);
    return error ? error : run(slot);
}

int lifecycle_stop(unsigned slot)
{
    struct entry *e = &services[slot];
    if (!e->rights.afresh)
        return -EOPNOTSUPP;
    if (e->more.stop_refused)
        return -EDEADLK;
    if (!is_running(e) && e->state != WAITING)
        return -EALREADY;
    sys_service_kill(slot, KILL_STOP);
    e->state = STOPPED;
    return 0;
}

int lifecycle_restart(unsigned slot)
{
    struct entry *e = &services[slot];
    if (!is_running(e) && e->state != WAITING)
        return lifecycle_start(slot);
    if (!e->rights.afresh)
        return lifecycle_kill(slot);
    e->state = is_running(e) ? e->state : e->resumes;
    return lifecycle_afresh(slot);
}

int lifecycle_kill(unsigned slot)
{
    struct entry *e = &services[slot];
    if (!is_running(e))
        return -EALREADY;
    if (slot == 1)
        e->deaths++; /* no other code sees the manager's own death */
    return sys_service_kill(slot, KILL_FREEZE);
}
