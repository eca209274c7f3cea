/* poll and select. Each descriptor's service is asked in turn (FS_POLL), but for connections that
 * are always ready. If nothing is ready each service has been asked to notify us when that may have
 * changed. Whoever waits has a watch on each object, found by the object; after a notification the
 * services are asked which objects it was (FS_CHANGED), and only watches of those ask again. So
 * what a wake-up costs does not depend on who else waits for what. */
#include "poll.h"

#include "clock.h"
#include "delivery.h"
#include "handlers.h"
#include "syscalls.h"
#include "user_memory.h"

enum { FEW = 32, BATCH = 16, SET_WORDS = DESCRIPTORS_MAX / 64 };
enum { CHANGED_MAX = 64, LOOKED_AT_ONCE = 4096 };
enum { POLLRDBAND = 128, POLLWRBAND = 512 };
enum {
    SELECT_IN = POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
    SELECT_OUT = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR
};

struct pollfd {
    int32_t fd;
    int16_t events, revents;
};

/* A descriptor of somebody who waits, among all watches whose objects share a place of `watched`.
 * They stand in front of their struct poll, the last one first. */
struct watch {
    struct watch *next, **before; /* before NULL: it is in no list */
    uint64_t object;
    endpoint_t service;
    uint16_t index; /* in poll.fds */
    bool told;      /* the answer may have changed since the service was asked */
};

/* Somebody who waits. */
struct poll {
    struct poll *next, *before; /* among those who are due */
    struct thread *thread;
    uint64_t until;   /* nanoseconds since boot; 0: for ever */
    caller_t at;      /* poll: the array */
    caller_t sets[3]; /* select */
    bool select, waits, due;
    unsigned select_size, count;
    unsigned told; /* how many of its watches are */
    uint32_t user; /* to whom it is accounted while it waits */
    struct pollfd fds[];
};
_Static_assert(_Alignof(struct poll) >= _Alignof(struct watch), "watches stand in front of it");

/* The objects of the pipe service and of each terminal driver have places of their own. */
enum { WATCHED = 8192, OBJECTS_EACH = 2048 };
static struct watch *watched[WATCHED];
static unsigned watches_of[MAX_SERVICE];

/* Those who are to be looked at again, oldest first; root's before all others. */
struct due_list {
    struct poll *first, *last;
};
static struct due_list due_of_root, due_of_others;
static unsigned due_count;

enum { WAITERS_BYTES = 1 << 20 };
static struct share waiter_share = SHARE(WAITERS_BYTES, WAITERS_BYTES / 8, WAITERS_BYTES / 2);

static uint32_t waiter_size(const struct poll *q)
{
    return q->count * (sizeof(struct watch) + sizeof q->fds[0]) + sizeof *q;
}

static struct watch *watch_at(struct poll *q, unsigned index)
{
    return (struct watch *)q - 1 - index;
}

static struct poll *poll_of(struct watch *w) { return (struct poll *)(w + 1 + w->index); }

static struct watch **watched_place(endpoint_t service, uint64_t object)
{
    return &watched[(object + service * OBJECTS_EACH) % WATCHED];
}

static void unwatch(struct watch *w)
{
    if (!w->before)
        return;
    *w->before = w->next;
    if (w->next)
        w->next->before = w->before;
    w->before = NULL;
    watches_of[w->service]--;
}

/* Makes w's object the one behind c. Devices that are always ready tell of nothing, and no program
 * serves descriptors. */
static void watch(struct watch *w, const struct conn_info *c)
{
    if (w->before && w->object == c->object && w->service == c->service)
        return;
    unwatch(w);
    if (!c->service || c->service >= MAX_SERVICE || c->flags & CONN_READY)
        return;
    struct watch **place = watched_place(c->service, c->object);
    w->object = c->object;
    w->service = c->service;
    w->next = *place;
    w->before = place;
    if (w->next)
        w->next->before = &w->next;
    *place = w;
    watches_of[w->service]++;
}

static struct due_list *due_list_of(const struct poll *q)
{
    return q->user ? &due_of_others : &due_of_root;
}

static void due_add(struct poll *q)
{
    struct due_list *list = due_list_of(q);
    q->due = true;
    q->next = NULL;
    q->before = list->last;
    *(list->last ? &list->last->next : &list->first) = q;
    list->last = q;
    due_count++;
}

static void due_remove(struct poll *q)
{
    struct due_list *list = due_list_of(q);
    if (!q->due)
        return;
    *(q->before ? &q->before->next : &list->first) = q->next;
    *(q->next ? &q->next->before : &list->last) = q->before;
    q->due = false;
    due_count--;
}

static void tell(struct watch *w)
{
    struct poll *q = poll_of(w);
    if (!w->told) {
        w->told = true;
        q->told++;
    }
    if (q->waits && !q->due)
        due_add(q);
}

static void waiter_free(struct poll *q)
{
    for (unsigned i = 0; i < q->count; i++)
        unwatch(watch_at(q, i));
    share_give(&waiter_share, q->user, waiter_size(q));
    memory_free(watch_at(q, q->count) + 1);
}

/* A copy of q that may wait. It watches nothing yet, and so is to ask about all. NULL: no memory
 * for it, or for its user. */
static struct poll *waiter_copy(const struct poll *q, uint32_t user)
{
    if (share_take(&waiter_share, user, waiter_size(q), -ENOMEM))
        return NULL;
    struct watch *first = memory_alloc(waiter_size(q));
    if (!first) {
        share_give(&waiter_share, user, waiter_size(q));
        return NULL;
    }
    struct poll *copy = (struct poll *)(first + q->count);
    memcpy(copy, q, sizeof *q + q->count * sizeof q->fds[0]);
    copy->user = user;
    for (unsigned i = 0; i < q->count; i++)
        *watch_at(copy, i) = (struct watch){ .index = i };
    return copy;
}

/* what has been said of objects so far: notifications, and what services told after them */
static uint64_t changes = 1;

/* ---- looking ---- */

/* What was asked lately and was not ready, with its service armed: as long as no notification has
 * come since, it still is not, and need not be asked again: an event loop polls the same few
 * descriptors over and over. (A service that gives the number of an object to another one has
 * notified before, since the old one's end is a change.) */
enum { QUIET = 64 };
static struct quiet {
    uint64_t object, when;
    endpoint_t service;
    uint16_t events, access;
} quiet[QUIET];

static struct quiet *quiet_place(const struct conn_info *c)
{
    return &quiet[(c->object ^ c->object >> 6 ^ c->service) % QUIET];
}

static inline __attribute__((always_inline)) int ask(const struct conn_info *c, int events,
                                                     bool arm)
{
    if (c->flags & CONN_READY)
        return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
    struct quiet *q = quiet_place(c),
                 now_quiet = { c->object, changes, c->service, events, c->flags & O_ACCMODE };
    if (q->object == c->object && q->when == changes && q->service == c->service &&
        q->access == now_quiet.access && !(events & ~q->events))
        return 0;
    int64_t now = call_window(
        c->service,
        &(struct call_args){
            .op = FS_POLL, .object = c->object, .position = c->position, .flags = c->flags },
        WINDOW_NONE, (void *)(uint64_t)events, arm, NULL);
    if (now == 0 && arm && changes == now_quiet.when)
        *q = now_quiet;
    return now < 0 ? POLLERR : (int)now & (events | POLLERR | POLLHUP);
}

/* What stands behind the first of n descriptors, a batch of them at most. false: the caller has
 * gone. */
static inline __attribute__((always_inline)) bool
list_connections(struct thread *t, const struct pollfd *fds, unsigned n, struct conn_info *c)
{
    return ask_conn_list(t->call, &fds->fd, sizeof *fds, MIN(n, (unsigned)BATCH), c) >= 0;
}

/* How many of the descriptors are ready. As long as none is, services are armed. */
static unsigned look(struct thread *t, struct pollfd *fds, unsigned n)
{
    struct conn_info c[BATCH]; /* one kernel call tells of many */
    unsigned ready = 0;
    for (unsigned i = 0; i < n && !t->dead; i++) {
        unsigned at = i % BATCH;
        if (at == 0 && !list_connections(t, &fds[i], n - i, c))
            return ready;
        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        fds[i].revents = !c[at].service ? POLLNVAL : ask(&c[at], (uint16_t)fds[i].events, !ready);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* Watches all descriptors of q, which have just been asked about: told, if something may have
 * changed meanwhile. */
static void watch_all(struct thread *t, struct poll *q, bool changed)
{
    struct conn_info c[BATCH];
    for (unsigned i = 0; i < q->count; i++) {
        if (i % BATCH == 0 && !list_connections(t, &q->fds[i], q->count - i, c))
            return;
        if (q->fds[i].fd < 0)
            continue;
        watch(watch_at(q, i), &c[i % BATCH]);
        if (changed)
            tell(watch_at(q, i));
    }
}

/* Asks about those descriptors of q whose watches are told, and watches what stands behind them
 * now: how many are ready. The others are not, and their services are armed. -1: the caller has
 * gone. */
static int look_told(struct thread *t, struct poll *q)
{
    struct conn_info c[BATCH];
    int ready = 0;
    unsigned listed = 0;
    for (unsigned i = 0; i < q->count && !t->dead; i++) {
        struct watch *w = watch_at(q, i);
        struct pollfd *f = &q->fds[i];
        f->revents = 0;
        if (!w->told)
            continue;
        if (i >= listed) {
            if (!list_connections(t, f, q->count - i, c))
                return -1;
            listed = i + BATCH;
        }
        const struct conn_info *behind = &c[i + BATCH - listed];
        w->told = false;
        q->told--;
        watch(w, behind);
        f->revents = !behind->service ? POLLNVAL : ask(behind, (uint16_t)f->events, !ready);
        ready += f->revents != 0;
    }
    return ready;
}

/* ---- answers ---- */

static int64_t write_sets(struct thread *t, const struct poll *q)
{
    static const int16_t meaning[3] = { SELECT_IN, SELECT_OUT, POLLPRI };
    uint64_t sets[3][SET_WORDS];
    size_t words = (q->select_size + 63) / 64;
    int64_t n = 0, error;
    for (int k = 0; k < 3; k++)
        memset(sets[k], 0, words * 8);
    for (unsigned i = 0; i < q->count; i++) {
        const struct pollfd *f = &q->fds[i];
        if (!f->revents)
            continue;
        if (f->revents & POLLNVAL)
            return -EBADF;
        for (int k = 0; k < 3; k++)
            if ((f->revents & meaning[k]) && (f->events & meaning[k] & ~(POLLHUP | POLLERR))) {
                sets[k][f->fd / 64] |= 1ul << f->fd % 64;
                n++;
            }
    }
    for (int k = 0; k < 3; k++)
        if (q->sets[k] && words && (error = user_write(t, q->sets[k], sets[k], words * 8)))
            return error;
    return n;
}

static int64_t answer(struct thread *t, struct poll *q, unsigned ready)
{
    if (q->select)
        return write_sets(t, q);
    int64_t error = q->count ? user_write(t, q->at, q->fds, q->count * sizeof q->fds[0]) : 0;
    return error ? error : ready;
}

/* ---- waiting ---- */

static void leave(struct thread *t)
{
    struct poll *q = t->wait.poll;
    due_remove(q);
    waiter_free(q);
}

/* Ends its wait; q stays, and so do its watches. */
static void detach(struct poll *q)
{
    due_remove(q);
    q->waits = false;
    q->thread->cancel = NULL;
    thread_unwait(q->thread);
}

static void timed_out(struct timer *timer)
{
    struct thread *t = CONTAINER(timer, struct thread, timer);
    struct poll *q = t->wait.poll;
    detach(q);
    for (unsigned i = 0; i < q->count; i++)
        q->fds[i].revents = 0;
    int64_t result = answer(t, q, 0);
    waiter_free(q);
    if (result != LATER)
        thread_finish(t, result);
}

static int64_t wait(struct thread *t, struct poll *q)
{
    if ((t->pending.set | t->process->pending.set) & ~t->blocked || t->process->doomed) {
        waiter_free(q);
        return -ERESTARTNOHAND;
    }
    q->thread = t;
    q->waits = true;
    t->wait.poll = q;
    if (q->until)
        timer_set(&t->timer, q->until, timed_out);
    return thread_wait(t, leave, -ERESTARTNOHAND);
}

/* Looks at a poll, all of whose watches are made, until it is answered or may wait. The answer, and
 * q is freed. LATER: it waits, or its thread is dead and q is freed. */
static int64_t look_and_wait(struct thread *t, struct poll *q)
{
    int ready = 0;
    while (!ready && q->told && !t->dead)
        ready = look_told(t, q);
    if (ready <= 0 && !t->dead)
        return wait(t, q);
    int64_t result = t->dead ? LATER : answer(t, q, ready);
    waiter_free(q);
    return result;
}

static void look_again(struct poll *q)
{
    struct thread *t = q->thread;
    detach(q);
    t->active++;
    int64_t result = look_and_wait(t, q);
    t->active--;
    if (t->dead) {
        if (!t->active)
            thread_free(t);
    } else if (result != LATER) {
        thread_finish(t, result);
    }
}

/* Tells all watches of objects with these low 32 bits; of any of the service, if `any`. */
static void tell_watches(struct watch *first, endpoint_t service, uint64_t object, bool any)
{
    for (struct watch *w = first; w; w = w->next)
        if (w->service == service && (any || (uint32_t)w->object == (uint32_t)object))
            tell(w);
}

/* Asks a service what has changed. One that cannot say may have changed in all. true: there may be
 * more. */
static bool pull(endpoint_t service)
{
    uint64_t objects[CHANGED_MAX];
    int64_t n = call_window(service, &(struct call_args){ .op = FS_CHANGED }, WINDOW_OUT, objects,
                            sizeof objects, NULL);
    changes += n != 0; /* who is asking about one of these just now is to ask once more */
    for (int64_t i = 0; i < n && i < CHANGED_MAX; i++)
        tell_watches(*watched_place(service, objects[i]), service, objects[i], false);
    for (unsigned i = 0; n < 0 && i < WATCHED; i++)
        tell_watches(watched[i], service, 0, true);
    return n == CHANGED_MAX;
}

static bool pull_all(void)
{
    bool more = false;
    for (endpoint_t service = 0; service < MAX_SERVICE; service++)
        if (watches_of[service])
            more |= pull(service);
    return more;
}

void poll_changed(void) { changes++; }

/* By one thread at a time: what comes meanwhile is left to it. Root's polls go first, then what has
 * changed is asked for. */
void poll_again(void)
{
    static bool running, more;
    unsigned looked = 0;
    more = true;
    if (running)
        return;
    running = true;
    while (more || due_count) {
        struct poll *q = due_of_root.first;
        if (!q && more) {
            more = false; /* a notification may come while the services are asked */
            bool rest = pull_all();
            more |= rest;
            continue;
        }
        q = q ? q : due_of_others.first;
        looked += q->count;
        look_again(q);
        if (looked > LOOKED_AT_ONCE) {
            looked = 0;
            give_way(due_count);
        }
    }
    running = false;
}

/* Looks, and waits if there is nothing and time is left. q may lie on the stack: it is copied to
 * wait. */
static int64_t run(struct thread *t, struct poll *q, bool may_wait)
{
    uint64_t before = changes;
    unsigned ready = look(t, q->fds, q->count);
    if (t->dead)
        return LATER;
    if (ready || !may_wait)
        return answer(t, q, ready);
    struct poll *copy = waiter_copy(q, t->process->i.uid);
    if (!copy)
        return -ENOMEM;
    /* another thread may have put other files there */
    watch_all(t, copy, before != changes || t->process->threads->next);
    return look_and_wait(t, copy);
}

/* ---- the calls ---- */

/* A time limit in ns from now; -1: for ever. */
static int64_t limit(struct thread *t, caller_t at, int64_t unit, int64_t *ns)
{
    struct timespec64 time;
    *ns = -1;
    if (!at)
        return 0;
    int64_t error = user_read(t, at, &time, sizeof time);
    if (error)
        return error;
    if (time.sec < 0 || time.nsec < 0 || (unit == 1 && time.nsec >= SECOND))
        return -EINVAL;
    *ns = time.sec > 4000000000 ? -1 : time.sec * SECOND + time.nsec * unit;
    return 0;
}

/* The mask for the time of the call. */
static int64_t mask_for_now(struct thread *t, caller_t at, uint64_t size)
{
    uint64_t set;
    if (!at)
        return 0;
    if (size != 8)
        return -EINVAL;
    int64_t error = user_read(t, at, &set, sizeof set);
    if (error)
        return error;
    uint64_t before = t->blocked;
    signal_mask(t, set);
    t->saved_mask = before;
    t->restore_mask = t->attention = true;
    return 0;
}

static void set_limit(struct poll *q, int64_t ns) { q->until = ns > 0 ? time_now() + ns : 0; }

/* A thrown back call begins anew, so its mask is put back at once. */
static int64_t done(struct thread *t, int64_t result)
{
    if (result == LATER && t->place == THREAD_AWAY && !t->dead && t->restore_mask) {
        t->restore_mask = false;
        signal_mask(t, t->saved_mask);
    }
    return result;
}

static int64_t poll(struct thread *t, caller_t at, unsigned n, int64_t ns, caller_t mask,
                    uint64_t mask_size)
{
    struct {
        struct poll q;
        struct pollfd fds[FEW];
    } few;
    if (n > MIN(t->process->limits[RLIMIT_NOFILE].soft, (uint64_t)DESCRIPTORS_MAX))
        return -EINVAL;
    struct poll *q = n <= FEW ? &few.q : memory_alloc(sizeof *q + n * sizeof q->fds[0]);
    if (!q)
        return -ENOMEM;
    memset(q, 0, sizeof *q);
    q->at = at;
    q->count = n;
    set_limit(q, ns);
    int64_t result = n ? user_read(t, at, q->fds, n * sizeof q->fds[0]) : 0;
    if (!result)
        result = mask_for_now(t, mask, mask_size);
    if (!result)
        result = run(t, q, ns != 0);
    if (q != &few.q)
        memory_free(q);
    return done(t, result);
}

int64_t linux_poll(struct thread *t, struct message *m)
{
    int ms = (int)m->w[2];
    return poll(t, m->w[0], m->w[1], ms < 0 ? -1 : ms * 1000000l, 0, 0);
}

int64_t linux_ppoll(struct thread *t, struct message *m)
{
    int64_t ns, error = limit(t, m->w[2], 1, &ns);
    return error ? error : poll(t, m->w[0], m->w[1], ns, m->w[3], m->w[4]);
}

/* One entry for each descriptor in any of the sets: how many. fds may be NULL, to count. */
static unsigned gather(uint64_t sets[3][SET_WORDS], int n, struct pollfd *fds)
{
    unsigned count = 0;
    for (int word = 0; word < (n + 63) / 64; word++) {
        uint64_t any = sets[0][word] | sets[1][word] | sets[2][word];
        if (n - word * 64 < 64)
            any &= (1ul << (n - word * 64)) - 1;
        for (; any; any &= any - 1, count++) {
            int bit = __builtin_ctzl(any);
            if (fds)
                fds[count] = (struct pollfd){ word * 64 + bit,
                                              (sets[0][word] >> bit & 1 ? POLLIN | POLLRDNORM : 0) |
                                                  (sets[1][word] >> bit & 1 ? POLLOUT | POLLWRNORM
                                                                            : 0) |
                                                  (sets[2][word] >> bit & 1 ? POLLPRI : 0),
                                              0 };
        }
    }
    return count;
}

static int64_t select(struct thread *t, const uint64_t *w, int64_t ns, caller_t mask,
                      uint64_t mask_size)
{
    uint64_t sets[3][SET_WORDS] = { 0 };
    int n = (int)w[0];
    if (n < 0)
        return -EINVAL;
    n = MIN(n, DESCRIPTORS_MAX);
    int64_t result;
    for (int k = 0; k < 3; k++)
        if (w[1 + k] && n && (result = user_read(t, w[1 + k], sets[k], (n + 63) / 64 * 8)))
            return result;
    unsigned count = gather(sets, n, NULL);
    struct {
        struct poll q;
        struct pollfd fds[FEW];
    } few;
    struct poll *q = count <= FEW ? &few.q : memory_alloc(sizeof *q + count * sizeof q->fds[0]);
    if (!q)
        return -ENOMEM;
    memset(q, 0, sizeof *q);
    q->count = gather(sets, n, q->fds);
    q->select = true;
    q->select_size = n;
    memcpy(q->sets, w + 1, sizeof q->sets);
    set_limit(q, ns);
    result = mask_for_now(t, mask, mask_size);
    if (!result)
        result = run(t, q, ns != 0);
    if (q != &few.q)
        memory_free(q);
    return done(t, result);
}

int64_t linux_select(struct thread *t, struct message *m)
{
    int64_t ns, error = limit(t, m->w[4], 1000, &ns);
    return error ? error : select(t, m->w, ns, 0, 0);
}

int64_t linux_pselect6(struct thread *t, struct message *m)
{
    uint64_t mask[2] = { 0, 0 };
    int64_t ns, error = limit(t, m->w[4], 1, &ns);
    if (!error && m->w[5])
        error = user_read(t, m->w[5], mask, sizeof mask);
    return error ? error : select(t, m->w, ns, mask[0], mask[1]);
}
