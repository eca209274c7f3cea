/* poll and select.
 *
 * First a look: each descriptor's service is asked in turn (FS_POLL), but for connections that are
 * always ready. As long as nothing is ready that also arms the service, which then notifies POSIX
 * when its answer may have changed. If nothing is ready and time is left, the poll is copied, with
 * a watch for each descriptor (poll_watch.c), and waits.
 *
 * A wait is rounds: a notification tells watches, so the poll is due; poll_again() takes it out of
 * its wait, asks about the watches that are told, and answers it or lets it wait again. While one
 * handler asks others run, so a change may fall between a service's answer and the watch. `changes`
 * counts what has been said of objects: if it has grown after a look, the poll looks again.
 *
 * That number also saves questions: what was asked under the number that still holds, and was not
 * ready, is not ready now (struct quiet). */
#include "poll.h"

#include "clock.h"
#include "delivery.h"
#include "handlers.h"
#include "poll_watch.h"
#include "syscalls.h"
#include "user_memory.h"

enum { FEW = 32, BATCH = 16, SET_WORDS = DESCRIPTORS_MAX / 64 };
enum { LOOKED_AT_ONCE = 4096 }; /* descriptors, before others go first */
enum { POLLRDBAND = 128, POLLWRBAND = 512 };
enum {
    SELECT_IN = POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
    SELECT_OUT = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR
};

/* ---- looking ---- */

/* What was asked lately and was not ready, with its service armed. As long as no notification has
 * come since, it is not ready now and need not be asked about: an event loop polls the same few
 * descriptors over and over. (An object's number is given to another object only after the end of
 * the first, which is a change and was notified.) */
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

/* Returns which of `events` are ready on connection c. arm: its service is to notify when that may
 * have changed. May wait. */
static inline __attribute__((always_inline)) int ask_service(const struct conn_info *c, int events,
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

/* Fills c with what stands behind the first of n descriptors, BATCH of them at most. false: t has
 * gone. */
static inline __attribute__((always_inline)) bool
list_connections(struct thread *t, const struct pollfd *fds, unsigned n, struct conn_info *c)
{
    return ask_conn_list(t->call, &fds->fd, sizeof *fds, MIN(n, (unsigned)BATCH), c) >= 0;
}

/* Returns how many of the descriptors are ready. As long as none is, services are armed. May wait.
 */
static unsigned look_all(struct thread *t, struct pollfd *fds, unsigned n)
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
        fds[i].revents = !c[at].service ? POLLNVAL
                                        : ask_service(&c[at], (uint16_t)fds[i].events, !ready);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* Watches all descriptors of q, which have just been asked about. The watches are told at once, if
 * something may have changed meanwhile. */
static void watch_all(struct thread *t, struct poll *q, bool changed)
{
    struct conn_info c[BATCH];
    for (unsigned i = 0; i < q->count; i++) {
        if (i % BATCH == 0 && !list_connections(t, &q->fds[i], q->count - i, c))
            return;
        if (q->fds[i].fd < 0)
            continue;
        watch_set(watch_at(q, i), &c[i % BATCH]);
        if (changed)
            watch_tell(watch_at(q, i));
    }
}

/* Asks about those descriptors of q whose watches are told, and watches what stands behind them
 * now. Returns how many are ready; the others are not, and their services are armed. -1: t has
 * gone. May wait. */
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
        watch_set(w, behind);
        f->revents = !behind->service ? POLLNVAL : ask_service(behind, (uint16_t)f->events, !ready);
        ready += f->revents != 0;
    }
    return ready;
}

/* ---- answers ---- */

/* Writes the sets of a select, and returns how many members they have; -EBADF: a descriptor is not
 * open. */
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

/* Writes the answer of q to the program's memory. The result of the call, or as user_write(). */
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
    poll_free(q);
}

/* Ends the wait of q's thread, without an answer. q and its watches stay. */
static void end_wait(struct poll *q)
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
    end_wait(q);
    for (unsigned i = 0; i < q->count; i++)
        q->fds[i].revents = 0;
    int64_t result = answer(t, q, 0);
    poll_free(q);
    if (result != LATER)
        thread_finish(t, result);
}

static int64_t wait(struct thread *t, struct poll *q)
{
    if ((t->pending.set | t->process->pending.set) & ~t->blocked || t->process->doomed) {
        poll_free(q);
        return -ERESTARTNOHAND;
    }
    q->thread = t;
    q->waits = true;
    t->wait.poll = q;
    if (q->until)
        timer_set(&t->timer, q->until, timed_out);
    return thread_wait(t, leave, -ERESTARTNOHAND);
}

/* Looks at a poll, all of whose watches are made, until it is answered or may wait. Returns the
 * answer, or LATER when it waits, or when its thread is dead. Unless it waits, q is freed. May wait
 * itself. */
static int64_t look_and_wait(struct thread *t, struct poll *q)
{
    int ready = 0;
    while (!ready && q->told && !t->dead)
        ready = look_told(t, q);
    if (ready <= 0 && !t->dead)
        return wait(t, q);
    int64_t result = t->dead ? LATER : answer(t, q, ready);
    poll_free(q);
    return result;
}

/* A poll that is due looks again. May wait. */
static void look_again(struct poll *q)
{
    struct thread *t = q->thread;
    end_wait(q);
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

void poll_changed(void) { changes++; }

/* One thread of this server does this at a time; a notification that comes meanwhile (`more`) is
 * left to that thread. Root's polls look first, then services are asked what has changed, then the
 * other polls look. */
void poll_again(void)
{
    static bool running, more;
    unsigned looked = 0;
    more = true;
    if (running)
        return;
    running = true;
    while (more || due_count()) {
        struct poll *q = due_first(true);
        if (!q && more) {
            more = false; /* a notification may come while the services are asked */
            bool rest = watches_ask();
            more |= rest;
            continue;
        }
        q = q ? q : due_first(false);
        looked += q->count;
        look_again(q);
        if (looked > LOOKED_AT_ONCE) {
            looked = 0;
            give_way(due_count());
        }
    }
    running = false;
}

/* Looks, and lets t wait if nothing is ready. q may lie on the stack: a poll that waits is a copy.
 */
static int64_t poll_run(struct thread *t, struct poll *q, bool may_wait)
{
    uint64_t before = changes;
    unsigned ready = look_all(t, q->fds, q->count);
    if (t->dead)
        return LATER;
    if (ready || !may_wait)
        return answer(t, q, ready);
    struct poll *copy = poll_copy(q, t->process->i.uid);
    if (!copy)
        return -ENOMEM;
    /* another thread may have put other files behind the descriptors meanwhile */
    watch_all(t, copy, before != changes || t->process->threads->next);
    return look_and_wait(t, copy);
}

/* ---- the calls ---- */

/* Reads a time limit in seconds and `unit` nanoseconds. 0, and *ns from now, -1: none; or an error.
 */
static int64_t read_limit(struct thread *t, caller_t at, int64_t unit, int64_t *ns)
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

/* Has t block the signals of ppoll's or pselect's mask for the time of the call. 0 or an error. */
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

/* A poll of few descriptors lies on the stack until it waits. */
struct few {
    struct poll q;
    struct pollfd fds[FEW];
};

/* A poll of `count` descriptors, in *few if it fits there. NULL: no memory. (This and poll_go() are
 * inlined, which saves 60 instructions of each call.) */
static inline __attribute__((always_inline)) struct poll *poll_begin(struct few *few,
                                                                     unsigned count, int64_t ns)
{
    struct poll *q = count <= FEW ? &few->q : memory_alloc(sizeof *q + count * sizeof q->fds[0]);
    if (!q)
        return NULL;
    memset(q, 0, sizeof *q);
    q->count = count;
    q->until = ns > 0 ? time_now() + ns : 0;
    return q;
}

/* Runs a poll whose descriptors stand in q, unless `error` says that reading them has failed. Frees
 * q. Returns what the handler is to return. */
static inline __attribute__((always_inline)) int64_t poll_go(struct thread *t, struct poll *q,
                                                             const struct few *few, int64_t error,
                                                             int64_t ns, caller_t mask,
                                                             uint64_t mask_size)
{
    int64_t result = error ? error : mask_for_now(t, mask, mask_size);
    if (!result)
        result = poll_run(t, q, ns != 0);
    if (q != &few->q)
        memory_free(q);
    if (result == LATER && t->place == THREAD_AWAY && !t->dead && t->restore_mask) {
        t->restore_mask = false; /* a call that is thrown back begins anew */
        signal_mask(t, t->saved_mask);
    }
    return result;
}

static int64_t poll(struct thread *t, caller_t at, unsigned n, int64_t ns, caller_t mask,
                    uint64_t mask_size)
{
    struct few few;
    if (n > MIN(t->process->limits[RLIMIT_NOFILE].soft, (uint64_t)DESCRIPTORS_MAX))
        return -EINVAL;
    struct poll *q = poll_begin(&few, n, ns);
    if (!q)
        return -ENOMEM;
    q->at = at;
    int64_t error = n ? user_read(t, at, q->fds, n * sizeof q->fds[0]) : 0;
    return poll_go(t, q, &few, error, ns, mask, mask_size);
}

int64_t linux_poll(struct thread *t, struct message *m)
{
    int ms = (int)m->w[2];
    return poll(t, m->w[0], m->w[1], ms < 0 ? -1 : ms * 1000000l, 0, 0);
}

int64_t linux_ppoll(struct thread *t, struct message *m)
{
    int64_t ns, error = read_limit(t, m->w[2], 1, &ns);
    return error ? error : poll(t, m->w[0], m->w[1], ns, m->w[3], m->w[4]);
}

/* Makes an entry for each descriptor that is in any of the sets, and returns how many. fds may be
 * NULL, to count. */
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
    int64_t error;
    for (int k = 0; k < 3; k++)
        if (w[1 + k] && n && (error = user_read(t, w[1 + k], sets[k], (n + 63) / 64 * 8)))
            return error;
    struct few few;
    struct poll *q = poll_begin(&few, gather(sets, n, NULL), ns);
    if (!q)
        return -ENOMEM;
    gather(sets, n, q->fds);
    q->select = true;
    q->select_size = n;
    memcpy(q->sets, w + 1, sizeof q->sets);
    return poll_go(t, q, &few, 0, ns, mask, mask_size);
}

int64_t linux_select(struct thread *t, struct message *m)
{
    int64_t ns, error = read_limit(t, m->w[4], 1000, &ns);
    return error ? error : select(t, m->w, ns, 0, 0);
}

int64_t linux_pselect6(struct thread *t, struct message *m)
{
    uint64_t mask[2] = { 0, 0 };
    int64_t ns, error = read_limit(t, m->w[4], 1, &ns);
    if (!error && m->w[5])
        error = user_read(t, m->w[5], mask, sizeof mask);
    return error ? error : select(t, m->w, ns, mask[0], mask[1]);
}
