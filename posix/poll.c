/* poll and select.
 *
 * First a look: of each descriptor it is known that it is not ready, or its service is asked
 * (readiness.c). If nothing is ready and time is left, the poll is copied, with a watch for each
 * descriptor (poll_wait.c), and waits.
 *
 * A wait is rounds: a change tells watches, so the poll is due; look_again() takes it out of its
 * wait, looks at the items whose watches were told, and answers it or lets it wait again. */
#include "poll.h"

#include "clock.h"
#include "delivery.h"
#include "handlers.h"
#include "poll_wait.h"
#include "syscalls.h"
#include "user_memory.h"

enum { FEW = 16, PIECE = 4 /* words of a set */ };
enum { POLLRDBAND = 128, POLLWRBAND = 512 };
enum {
    SELECT_IN = POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR | POLLNVAL,
    SELECT_OUT = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR | POLLNVAL,
    SELECT_MORE = POLLPRI | POLLNVAL
};
/* Seconds: a time limit above that is none. */
#define LONGEST 4000000000l

/* ---- looking ---- */

/* Item i of r is to have these events. */
static void item_found(struct poll_request *r, unsigned i, int events)
{
    r->items[i].f.revents = events;
    r->ready += events != 0;
    r->first = r->first == r->end ? i : MIN(r->first, i);
    r->end = MAX(r->end, i + 1);
}

/* Looks at all items. As long as none is ready, each object becomes idle. May wait. */
static void look_all(struct thread *t, struct poll_request *r)
{
    const struct poll_item *end = r->items + r->count;
    for (struct poll_item *item = r->items; item < end; item++) {
        if (__builtin_expect(item_idle(item) && !item->f.revents, 1))
            continue;
        int events = item_idle(item) ? 0
                                     : item_ask(t, item, r->ready ? POLL_ARM_NONE : POLL_ARM_IDLE);
        if (t->dead)
            return;
        if (events | item->f.revents)
            item_found(r, item - r->items, events);
    }
}

/* Looks at those items of q whose watches were told, and watches what stands behind them now. May
 * wait. */
static void look_told(struct thread *t, struct poll *q)
{
    struct poll_item *item;
    while (!t->dead && (item = poll_told(q))) {
        int events = item_idle(item)
                         ? 0
                         : item_ask(t, item, q->request.ready ? POLL_ARM_NONE : POLL_ARM_IDLE);
        if (events)
            item_found(&q->request, item - q->request.items, events);
    }
}

/* ---- answers ---- */

/* Writes the sets of a select, and returns how many members they have; -EBADF: a descriptor is not
 * open. One that is, but has no file to ask (O_PATH), is ready for everything. */
static int64_t write_sets(struct thread *t, const struct poll_request *r)
{
    static const int16_t meaning[3] = { SELECT_IN, SELECT_OUT, SELECT_MORE };
    struct conn_info c;
    unsigned words = (r->select_size + 63) / 64, i = r->first;
    int64_t members = 0, error;
    for (unsigned k = r->first; k < r->end; k++)
        if (r->items[k].f.revents & POLLNVAL && ask_conn_get(t->call, r->items[k].f.fd, &c) < 0)
            return -EBADF;
    /* A write that finds no page has the call made again, and must not come behind another one. */
    for (unsigned k = 0, more = words > PIECE; k < 3; k++)
        if (r->sets[k] && words) {
            if (more && (error = user_probe(t, r->sets[k], words * 8)))
                return error;
            more = 1;
        }
    for (unsigned word = 0, n; word < words; word += n) {
        uint64_t piece[3][PIECE] = { 0 };
        n = MIN(words - word, (unsigned)PIECE);
        for (; i < r->end && r->items[i].f.fd < (int)(word + n) * 64; i++) {
            const struct pollfd *f = &r->items[i].f;
            for (unsigned k = 0; k < 3; k++)
                if ((f->revents & meaning[k]) && (f->events & meaning[k] & ~ALWAYS_EVENTS)) {
                    piece[k][f->fd / 64 - word] |= 1ul << f->fd % 64;
                    members++;
                }
        }
        for (unsigned k = 0; k < 3; k++)
            if (r->sets[k] && (error = user_write(t, r->sets[k] + word * 8, piece[k], n * 8)))
                return error;
    }
    return members;
}

/* Writes the events that the program does not have yet. 0, or as user_write(). */
static int64_t write_events(struct thread *t, const struct poll_request *r)
{
    struct pollfd part[FEW];
    int64_t error = 0;
    for (unsigned i = r->first, n; i < r->end && !error; i += n) {
        n = MIN(r->end - i, (unsigned)FEW);
        for (unsigned k = 0; k < n; k++)
            part[k] = r->items[i + k].f;
        error = user_write(t, r->at + i * sizeof part[0], part, n * sizeof part[0]);
    }
    return error;
}

/* The program's time limit becomes what is left of it. Where it cannot be written, since it is a
 * constant, nothing is said of that. (Linux: poll_select_finish) */
static void write_left(struct thread *t, const struct poll_request *r)
{
    enum { STICKY_TIMEOUTS = 0x4000000 }; /* of personality(2) */
    if (!r->left_at || !r->until || t->process->i.personality & STICKY_TIMEOUTS)
        return;
    uint64_t now = time_now(), left = r->until > now ? r->until - now : 0;
    struct timespec64 time = { left / SECOND, left % SECOND / r->left_unit };
    user_poke(t, r->left_at, &time, sizeof time);
}

/* Writes the answer of a poll to the program's memory. The result of the call, or as user_write():
 * a call that is thrown back begins anew with the time that is left. */
static int64_t answer(struct thread *t, const struct poll_request *r)
{
    if (r->again)
        return -ERESTARTNOINTR;
    write_left(t, r);
    if (r->select)
        return write_sets(t, r);
    int64_t error = write_events(t, r);
    return error ? error : r->ready;
}

/* ---- waiting ---- */

static void leave(struct thread *t)
{
    struct poll *q = t->wait.poll;
    if (!t->process->exiting)
        write_left(t, &q->request);
    due_remove(&q->due);
    poll_free(q);
}

/* Ends the wait of q's thread, without an answer. q and its watches stay. */
static void end_wait(struct poll *q)
{
    due_remove(&q->due);
    q->waits = false;
    q->thread->cancel = NULL;
    thread_unwait(q->thread);
}

static void timed_out(struct timer *timer)
{
    struct thread *t = CONTAINER(timer, struct thread, timer);
    struct poll *q = t->wait.poll;
    end_wait(q);
    int64_t result = answer(t, &q->request);
    poll_free(q);
    if (result != LATER)
        thread_finish(t, result);
}

static int64_t wait(struct thread *t, struct poll *q)
{
    if ((t->pending.set | t->process->pending.set) & ~t->blocked || t->process->doomed) {
        int64_t interrupted = q->request.again ? -ERESTARTSYS : -ERESTARTNOHAND;
        write_left(t, &q->request);
        poll_free(q);
        return interrupted;
    }
    q->waits = true;
    t->wait.poll = q;
    if (q->request.until)
        timer_set(&t->timer, q->request.until, timed_out);
    return thread_wait(t, leave, q->request.again ? -ERESTARTSYS : -ERESTARTNOHAND);
}

/* Looks at a poll until it is answered or may wait. Returns the answer, or LATER when it waits, or
 * when its thread is dead. Unless it waits, q is freed. May wait itself. */
static int64_t look_and_wait(struct thread *t, struct poll *q)
{
    while (!q->request.ready && q->told && !t->dead)
        look_told(t, q);
    if (!q->request.ready && !t->dead)
        return wait(t, q);
    int64_t result = t->dead ? LATER : answer(t, &q->request);
    poll_free(q);
    return result;
}

/* A poll that is due looks again. May wait. */
static void look_again(struct due *d)
{
    struct poll *q = CONTAINER(d, struct poll, due);
    struct thread *t = q->thread;
    end_wait(q);
    thread_work_begin(t);
    thread_work_end(t, look_and_wait(t, q));
}

/* Looks, and lets t wait if nothing is ready. r may lie on the stack: a poll that waits is a copy.
 */
static int64_t poll_run(struct thread *t, struct poll_request *r, bool may_wait)
{
    look_all(t, r);
    if (t->dead)
        return LATER;
    if (r->ready || !may_wait)
        return answer(t, r);
    int64_t error = write_events(t, r); /* a signal that ends the wait leaves no old events */
    if (error)
        return error;
    r->first = r->end = 0;
    struct poll *q = poll_copy(t, r, look_again);
    return q ? look_and_wait(t, q) : -ENOMEM;
}

int64_t poll_again(struct thread *t, unsigned descriptor, int events)
{
    struct poll_item item = { .f = { .fd = descriptor, .events = events } };
    struct poll_request r = { .items = &item, .count = 1, .again = true };
    if (ask_conn_words(t->call, 0, (struct conn_word *)&item, 1) < 0)
        return -EBADF;
    return poll_run(t, &r, true);
}

/* ---- the calls ---- */

int64_t read_limit(struct thread *t, caller_t at, int64_t unit, int64_t *ns)
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
    int64_t a_second = SECOND / unit, more = time.nsec / a_second;
    if (time.sec <= LONGEST && more <= LONGEST)
        *ns = (time.sec + more) * SECOND + time.nsec % a_second * unit;
    return 0;
}

int64_t mask_for_now(struct thread *t, caller_t at, uint64_t size)
{
    uint64_t set;
    if (!at)
        return 0;
    if (size != 8)
        return -EINVAL;
    int64_t error = user_read(t, at, &set, sizeof set);
    if (error)
        return error;
    signal_mask_for_call(t, set);
    t->attention = true; /* the mask has to be put back */
    return 0;
}

int64_t mask_with_result(struct thread *t, int64_t result)
{
    if (result == LATER && t->place == THREAD_AWAY && !t->dead)
        signal_mask_restore(t);
    return result;
}

/* A time limit: how long from now on (-1: for ever), and where the program has it if it is told
 * there what is left, in seconds and units of so many nanoseconds (0: it is not told). */
struct limit {
    int64_t ns;
    caller_t at;
    int64_t unit;
};

/* Runs a poll of descriptors whose words are known, unless `error` says that finding them has
 * failed. Returns what the handler is to return. */
static int64_t poll_go(struct thread *t, struct poll_request *r, int64_t error,
                       const struct limit *limit, caller_t mask, uint64_t mask_size)
{
    int64_t result = error ? error : mask_for_now(t, mask, mask_size);
    if (limit->ns > 0) {
        r->until = time_now() + limit->ns;
        r->left_at = limit->at;
        r->left_unit = limit->unit;
    }
    if (!result)
        result = poll_run(t, r, limit->ns != 0);
    return mask_with_result(t, result);
}

/* Reads the array of a poll, which must be writable too, and the words of its descriptors. 0, or as
 * user_read(). */
static int64_t read_items(struct thread *t, caller_t at, struct poll_item *items, unsigned n)
{
    if (!n || (at && !ask_conn_words(t->call, at, (struct conn_word *)items, n)))
        return 0;
    return user_throw(t, at, n * sizeof items->f, WINDOW_INOUT);
}

/* Few descriptors lie on the stack until the poll waits. */
static int64_t poll(struct thread *t, caller_t at, unsigned n, const struct limit *limit,
                    caller_t mask, uint64_t mask_size)
{
    struct poll_item few[FEW], *items = few;
    if (n > MIN(t->process->i.limits[RLIMIT_NOFILE].soft, (uint64_t)DESCRIPTORS_MAX))
        return -EINVAL;
    if (n > FEW && !(items = memory_alloc(n * sizeof items[0])))
        return -ENOMEM;
    struct poll_request r = { .items = items, .count = n, .at = at };
    int64_t result = poll_go(t, &r, read_items(t, at, items, n), limit, mask, mask_size);
    if (items != few)
        memory_free(items);
    return result;
}

int64_t linux_poll(struct thread *t, struct message *m)
{
    int ms = (int)m->w[2];
    return poll(t, m->w[0], m->w[1], &(struct limit){ .ns = ms < 0 ? -1 : ms * 1000000l }, 0, 0);
}

int64_t linux_ppoll(struct thread *t, struct message *m)
{
    struct limit limit = { .at = m->w[2], .unit = 1 };
    int64_t error = read_limit(t, limit.at, limit.unit, &limit.ns);
    return error ? error : poll(t, m->w[0], m->w[1], &limit, m->w[3], m->w[4]);
}

/* The sets of a select of n descriptors, one after the other as they were read. */
struct ON_STACK sets {
    const uint64_t *bits;
    unsigned n, words; /* words: of each */
    bool given[3];
};

/* The members of set k in a word. */
static inline uint64_t set_word(const struct sets *s, unsigned k, unsigned word)
{
    uint64_t in = word == s->n / 64 ? (1ul << s->n % 64) - 1 : ~0ul;
    return s->given[k] ? s->bits[k * s->words + word] & in : 0;
}

/* Reads the sets of a select into 3 * s->words words. How many descriptors are in any of them, or
 * as user_read(). */
static inline int64_t read_sets(struct thread *t, const uint64_t *at, struct sets *s,
                                uint64_t *bits)
{
    int64_t count = 0, error;
    s->bits = bits;
    for (unsigned k = 0; k < 3; k++) {
        s->given[k] = at[k] && s->n;
        if (s->given[k] && (error = user_read(t, at[k], bits + k * s->words, s->words * 8)))
            return error;
    }
    for (unsigned word = 0; word < s->words; word++)
        count += __builtin_popcountl(set_word(s, 0, word) | set_word(s, 1, word) |
                                     set_word(s, 2, word));
    return count;
}

/* Makes an item for each descriptor that is in any of the sets. */
static inline __attribute__((always_inline)) void gather(const struct sets *s,
                                                         struct poll_item *items)
{
    static const uint16_t wanted[3] = { POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM, POLLPRI };
    for (unsigned word = 0; word < s->words; word++) {
        uint64_t set[3] = { set_word(s, 0, word), set_word(s, 1, word), set_word(s, 2, word) };
        for (uint64_t any = set[0] | set[1] | set[2]; any; any &= any - 1, items++) {
            unsigned bit = __builtin_ctzl(any);
            uint16_t events = 0;
            for (unsigned k = 0; k < 3; k++)
                events |= set[k] >> bit & 1 ? wanted[k] : 0;
            items->whole = word * 64 + bit + ((uint64_t)events << 32);
        }
    }
}

static int64_t select(struct thread *t, const uint64_t *w, const struct limit *limit, caller_t mask,
                      uint64_t mask_size)
{
    uint64_t few_bits[3 * PIECE], *bits = few_bits;
    struct poll_item few[FEW], *items = few;
    int n = MIN((int)w[0], DESCRIPTORS_MAX);
    if (n < 0)
        return -EINVAL;
    struct sets sets = { .n = n, .words = (n + 63) / 64 };
    if (sets.words > PIECE && !(bits = memory_alloc(3 * sets.words * sizeof bits[0])))
        return -ENOMEM;
    int64_t count = read_sets(t, w + 1, &sets, bits);
    if (count > FEW && !(items = memory_alloc(count * sizeof items[0])))
        count = -ENOMEM;
    if (count > 0 && items == few)
        gather(&sets, few); /* apart, so that the compiler sees stores to the stack */
    else if (count > 0)
        gather(&sets, items);
    if (bits != few_bits)
        memory_free(bits);
    if (count < 0)
        return count;
    struct poll_request r = { .items = items,
                              .count = count,
                              .sets = { w[1], w[2], w[3] },
                              .select = true,
                              .select_size = n };
    ask_conn_words(t->call, 0, (struct conn_word *)items, count);
    int64_t result = poll_go(t, &r, 0, limit, mask, mask_size);
    if (items != few)
        memory_free(items);
    return result;
}

int64_t linux_select(struct thread *t, struct message *m)
{
    struct limit limit = { .at = m->w[4], .unit = 1000 };
    int64_t error = read_limit(t, limit.at, limit.unit, &limit.ns);
    return error ? error : select(t, m->w, &limit, 0, 0);
}

int64_t linux_pselect6(struct thread *t, struct message *m)
{
    uint64_t mask[2] = { 0, 0 };
    struct limit limit = { .at = m->w[4], .unit = 1 };
    int64_t error = read_limit(t, limit.at, limit.unit, &limit.ns);
    if (!error && m->w[5])
        error = user_read(t, m->w[5], mask, sizeof mask);
    return error ? error : select(t, m->w, &limit, mask[0], mask[1]);
}
