/* sem: semaphores of System V.
 *
 * A set has a queue of the calls that wait for it, oldest first. A call that can be done is done at
 * once; one that cannot changes nothing, and waits in the queue with a copy of its operations.
 * Whoever changes the set then goes through the queue (settle).
 *
 * A caller may go while it waits, killed or interrupted, and this server is not told. So a waiting
 * call counts only while call_alive() holds, and what is done for it only when reply() has reached
 * it. */
#include "sem.h"

#include "service.h"
#include "syscalls.h"

enum { BLOCKED = 1 }; /* the result of operations that cannot be done yet */

/* Who calls, as POSIX says it. */
struct caller {
    uint32_t process, uid, gid;
};

struct semaphore {
    int value;
    uint32_t process; /* which has operated on it last, or set it */
};

struct set {
    int32_t key, id;
    uint32_t mode, uid, gid, cuid, cgid;
    int64_t operated, changed; /* seconds since 1970 */
    unsigned count;
    struct wait *waits; /* oldest first */
    struct undo *undos; /* one for each process that has used SEM_UNDO */
    struct semaphore semaphore[];
};

/* A call that waits. */
struct wait {
    struct wait *next;
    call_t call;
    uint32_t process;
    uint64_t until; /* nanoseconds since boot; 0: for ever */
    unsigned count, blocked;
    struct sem_operation operation[]; /* count of them; the one at `blocked` cannot be done */
};

/* What the end of a process adds to the semaphores of a set. */
struct undo {
    struct undo *next;
    uint32_t process;
    int16_t value[];
};

static struct set *sets[SETS_MAX];

static struct caller caller_of(const struct message *m)
{
    return (struct caller){ m->w[4], m->w[5] >> 32, m->w[5] };
}

static int64_t seconds_now(void)
{
    int64_t seconds, nanoseconds;
    time_wall(&seconds, &nanoseconds);
    return seconds;
}

/* ---- sets and permissions ---- */

static struct set *find(int32_t id)
{
    struct set *s = id >= 0 ? sets[id % SETS_MAX] : NULL;
    return s && s->id == id ? s : NULL;
}

static struct set *find_key(int32_t key)
{
    for (unsigned i = 0; i < SETS_MAX; i++)
        if (sets[i] && sets[i]->key == key && key != IPC_PRIVATE)
            return sets[i];
    return NULL;
}

enum { MAY_READ = 0444, MAY_ALTER = 0222 };

/* Whether the caller may do what `asked` says, permissions of user, group or others alike. */
static bool allows(const struct set *s, struct caller c, uint32_t asked)
{
    uint32_t wanted = (asked >> 6 | asked >> 3 | asked) & 7, granted = s->mode;
    if (c.uid == s->uid || c.uid == s->cuid)
        granted >>= 6;
    else if (c.gid == s->gid || c.gid == s->cgid)
        granted >>= 3;
    return c.uid == 0 || !(wanted & ~granted);
}

static bool owns(const struct set *s, struct caller c)
{
    return c.uid == 0 || c.uid == s->uid || c.uid == s->cuid;
}

/* The id, or -ENOSPC, -ENOMEM. */
static int64_t make_set(int32_t key, unsigned count, uint32_t mode, struct caller c)
{
    static uint32_t sequence; /* so that an id does not come back soon */
    unsigned place = 0;
    while (place < SETS_MAX && sets[place])
        place++;
    if (place == SETS_MAX)
        return -ENOSPC;
    struct set *s = memory_zalloc(sizeof *s + count * sizeof s->semaphore[0]);
    if (!s)
        return -ENOMEM;
    sequence = (sequence + 1) % (INT32_MAX / SETS_MAX);
    s->key = key;
    s->id = sequence * SETS_MAX + place;
    s->mode = mode & 0777;
    s->uid = s->cuid = c.uid;
    s->gid = s->cgid = c.gid;
    s->changed = seconds_now();
    s->count = count;
    sets[place] = s;
    return s->id;
}

/* ---- what a process's end undoes ---- */

static struct undo *undo_find(struct set *s, uint32_t process)
{
    struct undo *u = s->undos;
    while (u && u->process != process)
        u = u->next;
    return u;
}

/* The same, made if there is none. NULL: no memory. */
static struct undo *undo_of(struct set *s, uint32_t process)
{
    struct undo *u = undo_find(s, process);
    if (u || !(u = memory_zalloc(sizeof *u + s->count * sizeof u->value[0])))
        return u;
    u->process = process;
    u->next = s->undos;
    return s->undos = u;
}

static void undo_free(struct set *s, struct undo *u)
{
    struct undo **at = &s->undos;
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    memory_free(u);
}

/* ---- operations ---- */

/* Does one operation. 0, BLOCKED, or -EAGAIN, -ERANGE; then nothing has changed. */
static int64_t operate(struct set *s, const struct sem_operation *o, struct undo *u)
{
    struct semaphore *x = &s->semaphore[o->number];
    int value = x->value + o->change;
    if (o->change ? value < 0 : value != 0)
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

static void take_back(struct set *s, const struct sem_operation *o, unsigned count, struct undo *u)
{
    while (count-- > 0) {
        s->semaphore[o[count].number].value -= o[count].change;
        if (o[count].flags & SEM_UNDO)
            u->value[o[count].number] += o[count].change;
    }
}

/* Does all operations, or none. 0, or the result of the one that cannot be done: *blocked. */
static int64_t operate_all(struct set *s, const struct sem_operation *o, unsigned count,
                           struct undo *u, unsigned *blocked)
{
    for (unsigned i = 0; i < count; i++) {
        int64_t result = operate(s, &o[i], u);
        if (result) {
            take_back(s, o, i, u);
            *blocked = i;
            return result;
        }
    }
    return 0;
}

/* They have been done, and the caller knows it or will. */
static void note(struct set *s, const struct sem_operation *o, unsigned count, uint32_t process)
{
    for (unsigned i = 0; i < count; i++)
        s->semaphore[o[i].number].process = process;
    s->operated = seconds_now();
}

/* ---- calls that wait ---- */

/* Sets the alarm for the call whose time is over first. */
static void arm(void)
{
    uint64_t first = 0;
    for (unsigned i = 0; i < SETS_MAX; i++)
        for (const struct wait *w = sets[i] ? sets[i]->waits : NULL; w; w = w->next)
            if (w->until && (!first || w->until < first))
                first = w->until;
    alarm_at(first);
}

/* Takes the wait at *at out of its queue; returns its call. */
static call_t wait_end(struct wait **at)
{
    struct wait *w = *at;
    call_t call = w->call;
    bool timed = w->until;
    *at = w->next;
    memory_free(w);
    if (timed)
        arm();
    return call;
}

/* Forgets the calls whose callers have gone. */
static void forget_gone(struct set *s)
{
    for (struct wait **at = &s->waits; *at;)
        if (call_alive((*at)->call))
            at = &(*at)->next;
        else
            wait_end(at);
}

/* The set has changed: does the oldest call that can be done, and then looks again from the oldest
 * one, until none can. */
static void settle(struct set *s)
{
    for (struct wait **at = &s->waits; *at;) {
        struct wait *w = *at;
        struct undo *u = undo_find(s, w->process);
        int64_t result = -EINTR;
        if (call_alive(w->call))
            result = operate_all(s, w->operation, w->count, u, &w->blocked);
        if (result == BLOCKED) {
            at = &w->next;
            continue;
        }
        if (reply(w->call, result) == 0 && result == 0)
            note(s, w->operation, w->count, w->process);
        else if (result == 0)
            take_back(s, w->operation, w->count, u);
        wait_end(at);
        at = &s->waits;
    }
}

/* LATER, or -ENOMEM. */
static int64_t wait(struct set *s, struct message *m, const struct sem_operation *o, unsigned count,
                    unsigned blocked)
{
    forget_gone(s);
    struct wait *w = memory_alloc(sizeof *w + count * sizeof *o), **last = &s->waits;
    if (!w)
        return -ENOMEM;
    *w = (struct wait){ NULL, m->call, m->w[4], m->w[3], count, blocked };
    memcpy(w->operation, o, count * sizeof *o);
    while (*last)
        last = &(*last)->next;
    *last = w;
    if (w->until)
        arm();
    ask_slow(m->call, true); /* a signal ends it for good, and SA_RESTART does not help */
    return LATER;
}

static void notified(uint64_t bits)
{
    if (!(bits & 1ul << NOTIFY_ALARM))
        return;
    uint64_t now = time_now();
    for (unsigned i = 0; i < SETS_MAX; i++)
        for (struct wait **at = sets[i] ? &sets[i]->waits : NULL; at && *at;)
            if ((*at)->until && (*at)->until <= now)
                reply(wait_end(at), -EAGAIN);
            else
                at = &(*at)->next;
    arm();
}

/* ---- SEM_GET, SEM_OPERATE, SEM_EXIT ---- */

static int64_t do_get(struct message *m)
{
    int32_t key = m->w[0], count = m->w[1];
    uint32_t flags = m->w[2];
    struct caller c = caller_of(m);
    if (count < 0 || count > SEM_EACH)
        return -EINVAL;
    const struct set *s = find_key(key);
    if (s && flags & IPC_CREAT && flags & IPC_EXCL)
        return -EEXIST;
    if (s && (unsigned)count > s->count)
        return -EINVAL;
    if (s)
        return allows(s, c, flags & 0777) ? s->id : -EACCES;
    if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
        return -ENOENT;
    return count ? make_set(key, count, flags, c) : -EINVAL;
}

static int64_t do_operate(struct message *m)
{
    static struct sem_operation o[SEM_OPS]; /* one call at a time is begun */
    struct caller c = caller_of(m);
    unsigned count = m->w[2] / sizeof o[0], blocked;
    bool alters = false, undoes = false;
    int error = copy_in(m, 0, o, m->w[2]);
    if (error)
        return error;
    struct set *s = find(m->object);
    if (!s)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++) {
        if (o[i].number >= s->count)
            return -EFBIG;
        alters |= o[i].change != 0;
        undoes |= o[i].flags & SEM_UNDO;
    }
    if (!allows(s, c, alters ? MAY_ALTER : MAY_READ))
        return -EACCES;
    struct undo *u = undoes ? undo_of(s, c.process) : NULL;
    if (undoes && !u)
        return -ENOMEM;
    int64_t result = operate_all(s, o, count, u, &blocked);
    if (result == BLOCKED)
        return wait(s, m, o, count, blocked);
    if (result == 0) {
        note(s, o, count, c.process);
        settle(s);
    }
    return result;
}

static void undo_all(struct set *s, struct undo *u)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (!u->value[i])
            continue;
        int value = s->semaphore[i].value + u->value[i];
        s->semaphore[i] = (struct semaphore){ MIN(MAX(value, 0), SEM_MOST), u->process };
    }
    undo_free(s, u);
    s->operated = seconds_now();
    settle(s);
}

static int64_t do_exit(struct message *m)
{
    for (unsigned i = 0; i < SETS_MAX; i++) {
        struct undo *u = sets[i] ? undo_find(sets[i], m->w[0]) : NULL;
        if (u)
            undo_all(sets[i], u);
    }
    return 0;
}

/* ---- SEM_CONTROL ---- */

static int64_t remove(struct set *s)
{
    sets[s->id % SETS_MAX] = NULL;
    while (s->undos)
        undo_free(s, s->undos);
    while (s->waits)
        reply(wait_end(&s->waits), -EIDRM);
    memory_free(s);
    return 0;
}

static int64_t show(const struct set *s, struct message *m)
{
    struct semid_ds d = { .key = s->key,
                          .uid = s->uid,
                          .gid = s->gid,
                          .cuid = s->cuid,
                          .cgid = s->cgid,
                          .mode = s->mode,
                          .operated = s->operated,
                          .changed = s->changed,
                          .count = s->count };
    return copy_out(m, 0, &d, sizeof d);
}

static int64_t give_to(struct set *s, struct message *m)
{
    struct semid_ds d;
    int error = copy_in(m, 0, &d, sizeof d);
    if (error)
        return error;
    s->uid = d.uid;
    s->gid = d.gid;
    s->mode = d.mode & 0777;
    s->changed = seconds_now();
    return 0;
}

/* Sets `count` semaphores from `first` on, and forgets what was to be undone to them. */
static int64_t set_values(struct set *s, unsigned first, unsigned count, const uint16_t *values,
                          uint32_t process)
{
    for (unsigned i = 0; i < count; i++)
        if (values[i] > SEM_MOST)
            return -ERANGE;
    for (unsigned i = 0; i < count; i++)
        s->semaphore[first + i] = (struct semaphore){ values[i], process };
    for (struct undo *u = s->undos; u; u = u->next)
        memset(u->value + first, 0, count * sizeof u->value[0]);
    s->changed = seconds_now();
    settle(s);
    return 0;
}

static int64_t set_all(struct set *s, struct message *m)
{
    uint16_t values[SEM_EACH];
    int error = copy_in(m, 0, values, s->count * sizeof values[0]);
    return error ? error : set_values(s, 0, s->count, values, m->w[4]);
}

static int64_t get_all(const struct set *s, struct message *m)
{
    uint16_t values[SEM_EACH];
    for (unsigned i = 0; i < s->count; i++)
        values[i] = s->semaphore[i].value;
    return copy_out(m, 0, values, s->count * sizeof values[0]);
}

/* How many calls wait for this semaphore to become 0, or else to grow. */
static int64_t count_waits(struct set *s, unsigned number, bool for_zero)
{
    int64_t count = 0;
    forget_gone(s);
    for (const struct wait *w = s->waits; w; w = w->next) {
        const struct sem_operation *o = &w->operation[w->blocked];
        count += o->number == number && (o->change == 0) == for_zero;
    }
    return count;
}

/* The commands about one semaphore that change nothing. */
static int64_t value(struct set *s, uint32_t command, uint32_t number)
{
    if (number >= s->count)
        return -EINVAL;
    switch (command) {
    case GETVAL: return s->semaphore[number].value;
    case GETPID: return s->semaphore[number].process;
    default: return count_waits(s, number, command == GETZCNT);
    }
}

static int64_t set_value(struct set *s, struct message *m)
{
    return set_values(s, m->w[0], 1, &(uint16_t){ m->w[1] }, m->w[4]);
}

/* What of the command's arguments is wrong, whoever calls. */
static int check(const struct set *s, const struct message *m)
{
    int32_t value = m->w[1];
    if (m->w[3] == SETVAL && (value < 0 || value > SEM_MOST))
        return -ERANGE;
    return !s || (m->w[3] == SETVAL && m->w[0] >= s->count) ? -EINVAL : 0;
}

static int64_t do_control(struct message *m)
{
    struct set *s = find(m->object);
    struct caller c = caller_of(m);
    int error = check(s, m);
    if (error)
        return error;
    switch (m->w[3]) {
    case IPC_RMID: return owns(s, c) ? remove(s) : -EPERM;
    case IPC_SET: return owns(s, c) ? give_to(s, m) : -EPERM;
    case IPC_STAT: return allows(s, c, MAY_READ) ? show(s, m) : -EACCES;
    case GETALL: return allows(s, c, MAY_READ) ? get_all(s, m) : -EACCES;
    case SETALL: return allows(s, c, MAY_ALTER) ? set_all(s, m) : -EACCES;
    case SETVAL: return allows(s, c, MAY_ALTER) ? set_value(s, m) : -EACCES;
    case GETPID:
    case GETVAL:
    case GETNCNT:
    case GETZCNT: return allows(s, c, MAY_READ) ? value(s, m->w[3], m->w[0]) : -EACCES;
    default: return -EINVAL;
    }
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(SEM_GET)] = do_get,
        [op_number(SEM_OPERATE)] = do_operate,
        [op_number(SEM_CONTROL)] = do_control,
        [op_number(SEM_EXIT)] = do_exit,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SEM, handlers) };
    service_run(
        &(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = notified });
}
