/* Semaphores of System V: sets of numbers, on which several operations are done together or not at
 * all.
 *
 * An operation adds to a number that must not become negative, or waits for 0. A semop whose
 * operations cannot all be done now changes nothing, and waits in the set's queue; whoever changes
 * the set tries those that wait again, oldest first, until none can go on (settle).
 *
 * SEM_UNDO: for each process and set there is a sum for each semaphore of what the process's end is
 * to add to it. It belongs to both: it goes with the process, which it is then added for, and with
 * the set. The threads of a process have it together, exec keeps it, and a child has none. */
#include "sysv_sem.h"

#include "clock.h"
#include "delivery.h"
#include "handlers.h"
#include "sysv.h"
#include "user_memory.h"

enum { SEM_UNDO = 0x1000 };
enum { BLOCKED = 1 }; /* the result of what cannot be done yet */

struct operation {
    uint16_t number;
    int16_t change;
    int16_t flags;
};

struct semaphore {
    int16_t value;
    uint16_t pid; /* the process that changed it last */
};
_Static_assert(PROC_PID_MAX - 1 <= UINT16_MAX, "a pid fits");

struct sem_set {
    struct sysv s;
    uint32_t count;
    struct sem_wait *waits, **last;
    struct sem_undo *undos;
    struct semaphore semaphore[];
};

struct sem_undo {
    struct sem_undo *next_of_process, *next_of_set;
    struct process *process;
    struct sem_set *set;
    uint32_t user;   /* charged for it */
    int16_t value[]; /* for each semaphore */
};

/* A semop that waits. */
struct sem_wait {
    struct sem_wait *next;
    struct thread *thread;
    struct sem_set *set;
    struct sem_undo *undo;
    uint32_t user; /* charged for it */
    uint16_t count;
    uint16_t blocked; /* the first operation that cannot be done */
    struct operation operation[];
};

/* What an undo or a wait costs, beside one unit for each semaphore or operation. */
enum { UNDO_OVERHEAD = 24, UNDO_UNITS = 16384, WAIT_OVERHEAD = 8, WAIT_UNITS = 16384 };
static struct share sem_share = SHARE(SEM_ALL, SEM_ALL / 8, SEM_ALL / 2);
static struct share undo_share = SHARE(UNDO_UNITS, UNDO_UNITS / 8, UNDO_UNITS / 2);
static struct share wait_share = SHARE(WAIT_UNITS, WAIT_UNITS / 8, WAIT_UNITS / 2);

static struct sem_set *set_find(int32_t id) { return (struct sem_set *)sysv_find(SYSV_SEM, id); }

/* ---- operations ---- */

/* Does one operation. 0, BLOCKED, or -EAGAIN, -ERANGE: nothing has changed. */
static int64_t operate(struct sem_set *s, const struct operation *o, struct sem_undo *u)
{
    struct semaphore *x = &s->semaphore[o->number];
    int value = x->value + o->change;
    if (o->change ? value < 0 : value)
        return o->flags & IPC_NOWAIT ? -EAGAIN : BLOCKED;
    if (value > SEM_MOST)
        return -ERANGE;
    if (o->flags & SEM_UNDO) {
        int undo = u->value[o->number] - o->change;
        if (undo < INT16_MIN || undo > INT16_MAX)
            return -ERANGE;
        u->value[o->number] = undo;
    }
    x->value = value;
    return 0;
}

static void take_back(struct sem_set *s, const struct operation *o, struct sem_undo *u)
{
    s->semaphore[o->number].value -= o->change;
    if (o->flags & SEM_UNDO)
        u->value[o->number] += o->change;
}

/* Does all `count` operations for process `pid`, or none. 0, or the result of the one that cannot
 * be done, which is *failed. */
static int64_t operate_all(struct sem_set *s, const struct operation *o, unsigned count,
                           struct sem_undo *u, unsigned pid, uint16_t *failed)
{
    for (unsigned n = 0; n < count; n++) {
        int64_t result = operate(s, &o[n], u);
        if (!result)
            continue;
        *failed = n;
        while (n-- > 0)
            take_back(s, &o[n], u);
        return result;
    }
    for (unsigned n = 0; n < count; n++)
        s->semaphore[o[n].number].pid = pid;
    s->s.i->time[0] = seconds_now();
    return 0;
}

/* ---- waiting ---- */

/* Takes the wait of t out of its queue. */
static void wait_end(struct thread *t)
{
    struct sem_wait *w = t->wait.sem, **at = &w->set->waits;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (!*at)
        w->set->last = at;
    share_give(&wait_share, w->user, w->count + WAIT_OVERHEAD);
    memory_free(w);
}

static void timed_out(struct timer *timer)
{
    thread_finish(CONTAINER(timer, struct thread, timer), -EAGAIN);
}

/* t waits until its operations can be done. until: nanoseconds since boot; 0: for ever. */
static int64_t wait(struct thread *t, struct sem_set *s, const struct operation *o, unsigned count,
                    struct sem_undo *u, uint16_t blocked, uint64_t until)
{
    uint32_t user = t->process->i.uid;
    if (share_take(&wait_share, user, count + WAIT_OVERHEAD, -ENOMEM))
        return -ENOMEM;
    struct sem_wait *w = memory_alloc(sizeof *w + count * sizeof *o);
    if (!w) {
        share_give(&wait_share, user, count + WAIT_OVERHEAD);
        return -ENOMEM;
    }
    *w = (struct sem_wait){ NULL, t, s, u, user, count, blocked };
    memcpy(w->operation, o, count * sizeof *o);
    *s->last = w;
    s->last = &w->next;
    t->wait.sem = w;
    if (until)
        timer_set(&t->timer, until, timed_out);
    return thread_wait_once(t, wait_end);
}

/* Does the operations of the oldest wait that can end. NULL: none can. *work: operations tried. */
static struct sem_wait *wait_ready(struct sem_set *s, int64_t *result, unsigned *work)
{
    for (struct sem_wait *w = s->waits; w; w = w->next) {
        *work += w->count;
        *result = operate_all(s, w->operation, w->count, w->undo, w->thread->process->i.pid,
                              &w->blocked);
        if (*result != BLOCKED)
            return w;
    }
    return NULL;
}

/* The set has changed: ends all waits that can end now. May wait; s may be gone afterwards. */
static void settle(struct sem_set *s)
{
    enum { AT_ONCE = 20000 };
    int32_t id = s->s.i->id;
    int64_t result;
    unsigned work = 0;
    struct sem_wait *w;
    while (s && (w = wait_ready(s, &result, &work))) {
        thread_finish(w->thread, result);
        if (work > AT_ONCE) {
            work = 0;
            give_way(1); /* an answer has been given since the last time */
        }
        s = set_find(id);
    }
}

/* ---- undo ---- */

static void undo_free(struct sem_undo *u)
{
    struct sem_undo **at = &u->process->sem_undos;
    while (*at != u)
        at = &(*at)->next_of_process;
    *at = u->next_of_process;
    for (at = &u->set->undos; *at != u; at = &(*at)->next_of_set)
        ;
    *at = u->next_of_set;
    share_give(&undo_share, u->user, u->set->count + UNDO_OVERHEAD);
    memory_free(u);
}

/* The undo of p for the set, which is made if there is none; NULL: no memory. */
static struct sem_undo *undo_of(struct process *p, struct sem_set *s)
{
    for (struct sem_undo *u = p->sem_undos; u; u = u->next_of_process)
        if (u->set == s)
            return u;
    if (share_take(&undo_share, p->i.uid, s->count + UNDO_OVERHEAD, -ENOMEM))
        return NULL;
    struct sem_undo *u = memory_zalloc(sizeof *u + s->count * sizeof u->value[0]);
    if (!u) {
        share_give(&undo_share, p->i.uid, s->count + UNDO_OVERHEAD);
        return NULL;
    }
    u->process = p;
    u->set = s;
    u->user = p->i.uid;
    u->next_of_process = p->sem_undos;
    u->next_of_set = s->undos;
    return p->sem_undos = s->undos = u;
}

void sem_process_ends(struct process *p)
{
    for (struct sem_undo *u; (u = p->sem_undos);) {
        struct sem_set *s = u->set;
        for (unsigned n = 0; n < s->count; n++) {
            if (!u->value[n])
                continue;
            int value = s->semaphore[n].value + u->value[n];
            s->semaphore[n] = (struct semaphore){ MIN(MAX(value, 0), SEM_MOST), p->i.pid };
        }
        s->s.i->time[0] = seconds_now();
        undo_free(u);
        settle(s);
    }
}

/* ---- semget, semop ---- */

int64_t linux_semget(struct thread *t, struct message *m)
{
    const struct process *p = t->process;
    int32_t key = m->w[0], count = m->w[1];
    uint32_t flags = m->w[2];
    struct sysv *x;
    if (sem_service_there())
        return sem_service_get(t, m);
    if (count < 0 || count > SEM_EACH)
        return -EINVAL;
    int64_t result = sysv_look(SYSV_SEM, key, flags, &x);
    if (result < 0)
        return result;
    if (x && (uint64_t)count > x->i->amount)
        return -EINVAL;
    if (x)
        return sysv_allows(p, x, flags) ? x->i->id : -EACCES;
    if (!count)
        return -EINVAL;
    if (share_take(&sem_share, p->i.uid, count, -ENOSPC))
        return -ENOSPC;
    struct sem_set *s = memory_zalloc(sizeof *s + count * sizeof s->semaphore[0]);
    result = s ? sysv_add(SYSV_SEM, &s->s, p, key, flags) : -ENOMEM;
    if (result < 0) {
        share_give(&sem_share, p->i.uid, count);
        memory_free(s);
        return result;
    }
    s->count = s->s.i->amount = count;
    s->last = &s->waits;
    return result;
}

/* Checks the operations of t on the set, and does them or waits. */
static int64_t begin(struct thread *t, struct sem_set *s, const struct operation *o, unsigned count,
                     uint64_t until)
{
    struct process *p = t->process;
    struct sem_undo *undo = NULL;
    uint16_t blocked;
    bool alters = false, undoes = false;
    for (unsigned n = 0; n < count; n++) {
        alters |= o[n].change != 0;
        undoes |= o[n].flags & SEM_UNDO;
        if (o[n].number >= s->count)
            return -EFBIG;
    }
    if (!sysv_allows(p, &s->s, alters ? SYSV_WRITE : SYSV_READ))
        return -EACCES;
    if (undoes && !(undo = undo_of(p, s)))
        return -ENOMEM;
    int64_t result = operate_all(s, o, count, undo, p->i.pid, &blocked);
    if (result == BLOCKED)
        return wait(t, s, o, count, undo, blocked, until);
    if (!result && alters)
        settle(s);
    return result;
}

/* timeout: where the program has it; 0: none. */
static int64_t operations(struct thread *t, struct message *m, caller_t timeout)
{
    static struct operation o[SEM_OPS]; /* only until the call waits */
    uint32_t count = m->w[2];
    struct timespec64 limit;
    int64_t error = timeout ? timespec_read(t, timeout, &limit) : 0;
    if (error)
        return error;
    if (count > SEM_OPS)
        return -E2BIG;
    if (!count)
        return -EINVAL;
    uint64_t until = timeout ? time_now() + MIN(timespec_ns(&limit), (uint64_t)INT64_MAX / 2) : 0;
    if (sem_service_there())
        return sem_service_operate(t, m, count * sizeof o[0], until);
    if ((error = user_read(t, m->w[1], o, count * sizeof o[0])))
        return error;
    struct sem_set *s = set_find(m->w[0]);
    return s ? begin(t, s, o, count, until) : -EINVAL;
}

int64_t linux_semop(struct thread *t, struct message *m) { return operations(t, m, 0); }
int64_t linux_semtimedop(struct thread *t, struct message *m) { return operations(t, m, m->w[3]); }

/* ---- semctl ---- */

enum { GETPID = 11, GETVAL, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL, SEM_STAT, SEM_INFO };
enum { SEM_STAT_ANY = 20 };

struct semid_ds {
    struct ipc_perm perm;
    int64_t semop_time, pad, change_time, pad2;
    uint64_t count, pad3[2];
};

/* IPC_INFO: limits, some of which mean nothing here. SEM_INFO: how many sets and semaphores there
 * are, as size_of_undo and most_undone. */
struct seminfo {
    int32_t map, sets, all, undos, each, operations, undo_each, size_of_undo, most, most_undone;
};

static int64_t info(struct thread *t, bool used, caller_t to)
{
    struct seminfo i = { SEM_ALL, SYSV_PLACES, SEM_ALL, SEM_ALL,  SEM_EACH,
                         SEM_OPS, SEM_OPS,     20,      SEM_MOST, SEM_MOST };
    if (used)
        i.size_of_undo = sysv_used(SYSV_SEM), i.most_undone = sem_share.taken;
    int64_t error = user_write(t, to, &i, sizeof i);
    return error ? error : sysv_highest(SYSV_SEM);
}

static int64_t stat(struct thread *t, int32_t id, int cmd, caller_t to)
{
    int64_t error;
    const struct sysv *x = sysv_stat(t->process, SYSV_SEM, id, cmd != IPC_STAT, cmd == SEM_STAT_ANY,
                                     &error);
    if (!x)
        return error;
    struct semid_ds d = { .perm = sysv_perm(x),
                          .semop_time = x->i->time[0],
                          .change_time = x->i->changed,
                          .count = x->i->amount };
    error = user_write(t, to, &d, sizeof d);
    return error ? error : cmd == IPC_STAT ? 0 : x->i->id;
}

static int64_t set_owner(struct thread *t, int32_t id, caller_t from)
{
    struct semid_ds d;
    int64_t error = user_read(t, from, &d, sizeof d);
    if (error)
        return error;
    struct sysv *x = sysv_own(t->process, SYSV_SEM, id, &error);
    return x ? sysv_set(x, &d.perm) : error;
}

/* May wait. */
static int64_t remove(struct thread *t, int32_t id)
{
    int64_t error;
    struct sem_set *s = (struct sem_set *)sysv_own(t->process, SYSV_SEM, id, &error);
    if (!s)
        return error;
    sysv_remove(SYSV_SEM, &s->s);
    while (s->undos)
        undo_free(s->undos);
    while (s->waits)
        thread_finish(s->waits->thread, -EIDRM);
    share_give(&sem_share, s->s.user, s->count);
    memory_free(s);
    return 0;
}

/* Sets `count` semaphores from `first` on, and forgets what was to be undone to them. May wait. */
static void set_values(const struct process *p, struct sem_set *s, unsigned first, unsigned count,
                       const uint16_t *values)
{
    for (unsigned n = 0; n < count; n++)
        s->semaphore[first + n] = (struct semaphore){ values[n], p->i.pid };
    for (struct sem_undo *u = s->undos; u; u = u->next_of_set)
        memset(u->value + first, 0, count * sizeof u->value[0]);
    s->s.i->changed = seconds_now();
    settle(s);
}

static int64_t set_value(struct thread *t, int32_t id, int32_t number, int32_t value)
{
    if (value < 0 || value > SEM_MOST)
        return -ERANGE;
    struct sem_set *s = set_find(id);
    if (!s)
        return -EINVAL;
    if (number < 0 || number >= (int)s->count)
        return -EINVAL;
    if (!sysv_allows(t->process, &s->s, SYSV_WRITE))
        return -EACCES;
    set_values(t->process, s, number, 1, &(uint16_t){ value });
    return 0;
}

static int64_t set_all(struct thread *t, struct sem_set *s, caller_t from)
{
    uint16_t values[SEM_EACH];
    int64_t error = user_read(t, from, values, s->count * sizeof values[0]);
    if (error)
        return error;
    for (unsigned n = 0; n < s->count; n++)
        if (values[n] > SEM_MOST)
            return -ERANGE;
    set_values(t->process, s, 0, s->count, values);
    return 0;
}

static int64_t get_all(struct thread *t, const struct sem_set *s, caller_t to)
{
    uint16_t values[SEM_EACH];
    for (unsigned n = 0; n < s->count; n++)
        values[n] = s->semaphore[n].value;
    return user_write(t, to, values, s->count * sizeof values[0]);
}

/* How many semops wait for this semaphore to become 0, or else to grow. */
static int64_t count_waits(const struct sem_set *s, int32_t number, bool for_zero)
{
    int64_t count = 0;
    for (const struct sem_wait *w = s->waits; w; w = w->next) {
        const struct operation *o = &w->operation[w->blocked];
        count += o->number == number && (o->change == 0) == for_zero;
    }
    return count;
}

/* The commands about values, but for SETVAL. */
static int64_t values(struct thread *t, int32_t id, int32_t number, int cmd, caller_t at)
{
    struct sem_set *s = set_find(id);
    if (!s)
        return -EINVAL;
    if (!sysv_allows(t->process, &s->s, cmd == SETALL ? SYSV_WRITE : SYSV_READ))
        return -EACCES;
    if (cmd == SETALL)
        return set_all(t, s, at);
    if (cmd == GETALL)
        return get_all(t, s, at);
    if (number < 0 || number >= (int)s->count)
        return -EINVAL;
    switch (cmd) {
    case GETVAL: return s->semaphore[number].value;
    case GETPID: return s->semaphore[number].pid;
    default: return count_waits(s, number, cmd == GETZCNT);
    }
}

/* The same by a service, which copies what the command reads or writes. */
static int64_t control_by_service(struct thread *t, struct message *m)
{
    switch ((int32_t)m->w[2]) {
    case GETALL: return sem_service_control(t, m, WINDOW_OUT, SEM_EACH * sizeof(uint16_t));
    case SETALL: return sem_service_control(t, m, WINDOW_IN, SEM_EACH * sizeof(uint16_t));
    case IPC_STAT: return sem_service_control(t, m, WINDOW_OUT, sizeof(struct semid_ds));
    case IPC_SET: return sem_service_control(t, m, WINDOW_IN, sizeof(struct semid_ds));
    default: return sem_service_control(t, m, WINDOW_NONE, 0);
    }
}

int64_t linux_semctl(struct thread *t, struct message *m)
{
    int32_t id = m->w[0], number = m->w[1], cmd = m->w[2];
    if (sem_service_there())
        return control_by_service(t, m);
    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_RMID: return remove(t, id);
    case IPC_SET: return set_owner(t, id, m->w[3]);
    case IPC_INFO:
    case SEM_INFO: return info(t, cmd == SEM_INFO, m->w[3]);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: return stat(t, id, cmd, m->w[3]);
    case SETVAL: return set_value(t, id, number, m->w[3]);
    case GETPID:
    case GETVAL:
    case GETALL:
    case GETNCNT:
    case GETZCNT:
    case SETALL: return values(t, id, number, cmd, m->w[3]);
    default: return -EINVAL;
    }
}
