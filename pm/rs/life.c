/* Starting, stopping and replacing services, and what happens when one dies.
 *
 * A service that fails is frozen by the kernel, and the manager is notified. One that keeps state
 * gets its code and constants written anew and is rolled back (libservice/recover.c): its callers
 * see a pause. One that keeps none is stopped and started like at first; what it was asked and has
 * not answered is asked again. Deaths in a row put off the next start: twice as long each time. Who
 * dies too often before it is ready is given up.
 *
 * A hang is a death as well: whoever has been at the same thing whenever it was looked at, for
 * LOOKS times, does not come back; nor does who owes an answer and has done nothing for as long as
 * its manifest allows. */
#include "rs.h"
#include "syscalls.h"

enum {
    MS = 1000000,
    LOOK_NS = 60 * MS,
    LOOKS = 3,
    ROW_NS = 1000 * MS,
    ROW_AT_ONCE = 4,
    ROW_MOST = 12,
    BACK_OFF_NS = 20 * MS,
    BACK_OFF_MOST = 7,
    PROOF_NS = 2000u * MS,
    REST_NS = MS / 2,
    HALT_SECONDS = 6
};

static uint64_t halt_at;

static bool task_of(unsigned slot, struct task_info *info)
{
    return kernel_ask(SYS_INFO, INFO_TASK, slot, (uint64_t)info, sizeof *info, 0, 0) > 0;
}

/* ---- starting and stopping ---- */

static int create(unsigned slot)
{
    struct entry *e = &services[slot];
    if (image_check(&e->program) == 0)
        e->rights.slide = image_slide(&e->program);
    return kernel_call(SYS_SERVICE_CREATE, slot, (uint64_t)e->name, strlen(e->name),
                       (uint64_t)&e->rights, 0, 0);
}

int life_create(unsigned slot)
{
    int error = create(slot);
    if (error)
        print("%s: cannot be created: error %d", services[slot].name, -error);
    services[slot].state = error ? REFUSED : CREATED;
    return error;
}

static int run(unsigned slot)
{
    struct entry *e = &services[slot];
    uint64_t entry = 0;
    int64_t error = image_load(slot, &e->program, LOAD_ALL, &entry);
    if (!error)
        error = kernel_call(SYS_SERVICE_START, slot, entry, 0, 0, 0, 0);
    if (error) {
        print("%s: cannot be started: %s", e->name,
              error == -ENOEXEC  ? "not a program for this system"
              : error == -ENOMEM ? "its manifest allows too little memory"
                                 : "refused by the kernel");
        return error;
    }
    e->state = RUNNING;
    e->starts++;
    e->looks = 0;
    return 0;
}

/* It will not come up: its callers are told. Where nothing can run any more, the machine stops as
 * soon as the file servers have written what they hold. */
static void give_up(unsigned slot, enum state state)
{
    kernel_call(SYS_SERVICE_KILL, slot, KILL_REFUSE, 0, 0, 0, 0);
    services[slot].state = state;
    if (services[slot].more.loss_is_fatal && !halt_at) {
        print("nothing can run without %s: the machine stops in %u seconds", services[slot].name,
              HALT_SECONDS);
        halt_at = time_now() + HALT_SECONDS * 1000ul * MS;
    }
}

int life_start(unsigned slot)
{
    struct entry *e = &services[slot];
    if (e->state == RUNNING)
        return -EALREADY;
    e->row = 0;
    int error = e->state == CREATED ? 0 : create(slot);
    if (!error)
        error = run(slot);
    if (error)
        give_up(slot, e->state == CREATED ? REFUSED : GIVEN_UP);
    return error;
}

/* Everything of the running one goes; its callers wait for the next. */
static int again(unsigned slot)
{
    kernel_call(SYS_SERVICE_KILL, slot, KILL_STOP, 0, 0, 0, 0);
    int error = create(slot);
    return error ? error : run(slot);
}

int life_stop(unsigned slot)
{
    struct entry *e = &services[slot];
    if (!e->rights.afresh)
        return -EOPNOTSUPP;
    if (e->more.stop_refused)
        return -EDEADLK;
    if (e->state != RUNNING && e->state != WAITING)
        return -EALREADY;
    kernel_call(SYS_SERVICE_KILL, slot, KILL_STOP, 0, 0, 0, 0);
    e->state = STOPPED;
    return 0;
}

int life_restart(unsigned slot)
{
    struct entry *e = &services[slot];
    if (e->state != RUNNING)
        return life_start(slot);
    return e->rights.afresh ? again(slot) : life_kill(slot);
}

/* ---- replacing ---- */

static bool same(const struct image *a, const struct image *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* e->program takes the place of what runs: with its memory, if that one keeps state; else in a
 * place of its own. -EBUSY: not yet. */
static int succeed(unsigned slot)
{
    struct entry *e = &services[slot];
    uint64_t entry = 0;
    if (e->rights.afresh)
        return again(slot);
    int64_t error = kernel_call(SYS_SERVICE_KILL, slot, KILL_HAND_OVER, 0, 0, 0, 0);
    if (!error)
        error = image_load(slot, &e->program, LOAD_BESIDES_STATE, &entry);
    if (!error)
        error = kernel_call(SYS_SERVICE_START, slot, entry, 1, 0, 0, 0);
    e->starts += !error;
    return error;
}

static int former_again(unsigned slot)
{
    struct entry *e = &services[slot];
    e->program = e->before;
    e->before.bytes = NULL;
    e->on_trial = false;
    e->replaced = e->before_replaced;
    int error = succeed(slot);
    if (error)
        give_up(slot, GIVEN_UP);
    return error;
}

static int change(unsigned slot, const struct image *to)
{
    struct entry *e = &services[slot];
    struct image former = e->program;
    e->program = *to;
    int error = succeed(slot);
    if (error == -EBUSY) {
        e->program = former;
        return error;
    }
    e->before = former;
    e->before_replaced = e->replaced;
    e->replaced = e->on_trial = true;
    e->died = time_now();
    e->row = 0;
    if (error)
        former_again(slot);
    else
        print("%s: %s", e->name,
              e->next_is_former ? "the former program has taken over"
                                : "replaced by another program");
    return error;
}

/* The service has something in hand whenever it is looked at; it is looked at often, for a while.
 */
static void change_when_at_rest(unsigned slot, uint64_t now)
{
    struct entry *e = &services[slot];
    bool replaced = e->before_replaced;
    int error = change(slot, &e->next);
    if (error == -EBUSY && now < e->patience)
        return;
    e->next.bytes = NULL;
    if (!e->next_is_former && error) {
        control_replaced(slot, error);
    } else if (e->next_is_former) {
        e->next_is_former = e->on_trial = false;
        e->before.bytes = NULL;
        e->replaced = error ? e->replaced : replaced;
    }
}

int life_replace(unsigned slot, const struct image *by)
{
    struct entry *e = &services[slot];
    int error = image_check(by);
    if (error)
        return error;
    if (same(by, &e->program))
        return life_restart(slot);
    if (e->state != RUNNING || e->on_trial || e->next.bytes)
        return -EBUSY;
    if (!e->rights.afresh && !image_same_state(by, &e->program))
        return -EOPNOTSUPP;
    error = change(slot, by);
    if (error != -EBUSY)
        return error;
    e->next = *by;
    e->patience = time_now() + PROOF_NS;
    life_look(0);
    return 0;
}

static void go_back(unsigned slot, const char *why)
{
    print("%s: the replacement %s: the former program runs again", services[slot].name, why);
    control_replaced(slot, -ECANCELED);
    former_again(slot);
}

/* It keeps state, and has something in hand: that is brought to an end first. */
static void go_back_at_rest(unsigned slot)
{
    struct entry *e = &services[slot];
    print("%s: the replacement has died: the former program runs again as soon as it is at rest",
          e->name);
    e->next = e->before;
    e->next_is_former = true;
    e->before.bytes = NULL;
    e->patience = time_now() + PROOF_NS;
}

/* Has the replacement come up, in time and with the same protocols? */
static void prove(unsigned slot, const struct task_info *info, uint64_t now)
{
    struct entry *e = &services[slot];
    if (info->ready && (info->protocols & e->protocols) != e->protocols) {
        go_back(slot, "speaks another protocol");
    } else if (info->ready) {
        e->on_trial = false;
        control_replaced(slot, 0);
        if (now - e->died > PROOF_NS)
            e->before.bytes = NULL;
    } else if (now - e->died > PROOF_NS) {
        go_back(slot, "does not come up");
    }
}

/* ---- death ---- */

static void bring_back(unsigned slot, enum crash crash)
{
    struct entry *e = &services[slot];
    struct task_info info;
    /* Once, a hang may have been the host's: one that stands still for a while. */
    bool own_fault = crash != CRASH_KILLED && (crash != CRASH_HUNG || e->row > 1);
    /* it has not served anybody yet */
    bool nothing_lost = e->rights.afresh || (task_of(slot, &info) && !info.ready);
    if (!nothing_lost && crash != CRASH_UNRECOVERABLE) {
        image_load(slot, &e->program, LOAD_CONSTANT, NULL);
        if (kernel_call(SYS_SERVICE_RESUME, slot, own_fault ? RESUME_FAILED : RESUME_KILLED, 0, 0,
                        0, 0) == 0) {
            e->state = RUNNING;
            return;
        }
    }
    if (!nothing_lost) {
        print("%s: its state is lost: given up", e->name);
        give_up(slot, GIVEN_UP);
    } else if (again(slot) < 0) {
        give_up(slot, GIVEN_UP);
    }
}

static const char *const reasons[] = {
    [CRASH_FAULT] = "a fault",
    [CRASH_EXIT] = "its own decision",
    [CRASH_UNRECOVERABLE] = "a failure that cannot be rolled back",
    [CRASH_KILLED] = "command",
    [CRASH_HUNG] = "hanging",
    [CRASH_VIOLATION] = "breaking its manifest",
};

static void died(unsigned slot, const struct task_info *info)
{
    struct entry *e = &services[slot];
    uint64_t now = time_now();
    e->deaths += info->crash != CRASH_HUNG;
    e->looks = 0;
    if (info->crash == CRASH_KILLED) {
        bring_back(slot, info->crash);
        return;
    }
    e->row = now - e->died < ROW_NS ? e->row + 1 : 1;
    e->died = now;
    print("%s has died of %s%s", e->name, reasons[info->crash],
          info->ready ? "" : " before it was ready");
    if (e->before.bytes && info->ready && !e->rights.afresh)
        go_back_at_rest(slot);
    if (e->before.bytes) {
        go_back(slot, "has died");
    } else if (!info->ready && e->row > ROW_MOST) {
        print("%s never comes up: given up", e->name);
        give_up(slot, GIVEN_UP);
    } else if (e->row > ROW_AT_ONCE) {
        e->state = WAITING;
        e->crash = info->crash;
        e->retry = now +
                   ((uint64_t)BACK_OFF_NS << MIN(e->row - ROW_AT_ONCE, (uint32_t)BACK_OFF_MOST));
    } else {
        bring_back(slot, info->crash);
    }
}

int life_kill(unsigned slot)
{
    struct entry *e = &services[slot];
    if (e->state != RUNNING)
        return -EALREADY;
    if (slot == 1)
        e->deaths++;
    return kernel_call(SYS_SERVICE_KILL, slot, KILL_FREEZE, 0, 0, 0, 0);
}

/* ---- looking after them ---- */

/* It has come up, is on trial, or has died. */
static void look_closely(unsigned slot, uint64_t now)
{
    struct entry *e = &services[slot];
    struct task_info info;
    if (e->state == WAITING && now >= e->retry)
        bring_back(slot, e->crash);
    if (e->state != RUNNING || !task_of(slot, &info))
        return;
    if (info.crash) {
        died(slot, &info);
        return;
    }
    if (info.ready && !e->protocols)
        e->protocols = info.protocols;
    if (e->before.bytes)
        prove(slot, &info, now);
}

/* At the same thing as at the last look, and the look before? */
static void beat(unsigned slot, uint64_t pulse)
{
    struct entry *e = &services[slot];
    if (pulse & PULSE_READY)
        return;
    bool asleep = pulse & PULSE_ASLEEP;
    uint64_t looks = asleep ? (((uint64_t)e->more.patience_ms << e->sleeps) * MS + LOOK_NS - 1) /
                                  LOOK_NS
                            : LOOKS;
    if (!pulse)
        e->sleeps = 0;
    e->looks = pulse && pulse == e->pulse ? e->looks + 1 : 0;
    e->pulse = pulse;
    if (e->looks >= looks && e->state == RUNNING) {
        e->hangs++;
        e->sleeps += asleep && e->sleeps < BACK_OFF_MOST;
        /* the notification comes back here */
        kernel_call(SYS_SERVICE_KILL, slot, KILL_HUNG, 0, 0, 0, 0);
    }
}

static void set_alarm(uint64_t next_beat)
{
    uint64_t storm = storm_next();
    alarm_at(storm && storm < next_beat ? storm : next_beat);
}

void life_look(uint64_t bits)
{
    static uint64_t next_beat;
    uint64_t now = time_now();
    uint64_t pulses[MAX_SERVICE];
    bool on_beat = now >= next_beat;
    if (on_beat)
        next_beat = now + LOOK_NS;
    if (halt_at && now >= halt_at)
        kernel_call(SYS_HALT, HALT_FAILED, 0, 0, 0, 0, 0);
    storm_look(now, bits);
    bool waits = false;
    for (unsigned i = 2; i < slots; i++)
        waits |= services[i].next.bytes != NULL;
    if (!on_beat && !waits && !(bits >> NOTIFY_TASK_DIED & 1))
        goto out;
    kernel_ask(SYS_INFO, INFO_PULSE, 0, (uint64_t)pulses, sizeof pulses, 0, 0);
    for (unsigned i = 2; i < slots; i++) {
        const struct entry *e = &services[i];
        if (e->next.bytes && pulses[i] != PULSE_FROZEN)
            change_when_at_rest(i, now);
        if (pulses[i] == PULSE_FROZEN || !e->protocols || e->before.bytes || e->state == WAITING)
            look_closely(i, now);
        else if (on_beat)
            beat(i, pulses[i]);
    }
out:
    set_alarm(waits ? now + REST_NS : next_beat);
}
