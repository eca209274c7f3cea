/* The readiness of objects.
 *
 * A service is asked about an object once (FS_POLL); as long as nothing has changed, that answer
 * holds, and no poll asks again. It ends like this:
 *
 *     the service    notifies: something has changed, for the first time since it was asked
 *     `unsure`       from now on no answer is trusted
 *     FS_CHANGED     the service says which objects, 64 at a time (readiness_pull)
 *     object_told    of these nothing is known any more; who watches them is told
 *     all is heard   the answers about all others hold again
 *
 * So a change costs what the watches of that object cost, however many others there are.
 *
 * A program's descriptors become other files by dup2, close and open without a call to this server.
 * Hence the way from a descriptor to its object goes by way of the open file, on which the kernel
 * keeps a word for us: the object's place in `objects`, and how often that was used before. One
 * kernel call brings the words of all descriptors of a poll, and they are always right: a new file
 * has 0, and a place that was used anew has another serial number. The call that puts a word on a
 * file commits: were the place taken back, the next file to get it would have the same word.
 *
 * Lost wake-ups: a handler that asks a service waits, and a change may be told before the handler
 * has the answer. `changes` tells it so, and the object does not become idle. Who wants to sleep
 * until something changes sets its watches, and then looks whether each object is idle. If so, any
 * change from then on is still to be heard, for it is heard in this server only while no other
 * handler runs. */
#include "readiness.h"

#include "syscalls.h"

enum { CHANGED_MAX = 64, CHAINS = 1024, WATCHED_MAX = OBJECTS - 256 };

struct object objects[OBJECTS];
bool unsure;

static struct object *chains[CHAINS];
/* of each service: idle objects, and handlers that ask: whether it matters what has changed */
static unsigned concerns[MAX_SERVICE];
static endpoint_t self; /* this service */
static int64_t (*own_events)(uint64_t object, struct thread *asker);
static void (*own_fetch)(void);
static struct share watched_share = SHARE(WATCHED_MAX, WATCHED_MAX / 8, WATCHED_MAX / 2);

/* ---- the table ---- */

void readiness_start(void) { objects[0].serial = 1; /* its word is not 0 */ }

/* A service names an object by its low 32 bits, so its chain goes by these. */
static struct object **chain(endpoint_t service, uint32_t object)
{
    return &chains[(object ^ object >> 10 ^ service << 5) % CHAINS];
}

static void not_idle(struct object *o)
{
    if (o->idle | o->edge)
        concerns[o->service]--;
    o->idle = o->edge = 0;
}

/* o's service will tell of these events: when one holds, or when one happens. */
static void told_of(struct object *o, uint16_t idle, uint16_t edge)
{
    if (!(idle & ~o->idle) && !(edge & ~o->edge))
        return;
    concerns[o->service] += !(o->idle | o->edge) && (idle | edge);
    o->idle |= idle;
    o->edge |= edge;
}

/* A place for an object, out of its chain. The places are used in turn; more are there than may be
 * watched or asked about. */
static struct object *place_take(void)
{
    static unsigned hand;
    for (;;) {
        hand = hand % (OBJECTS - 1) + 1;
        struct object *o = &objects[hand];
        if (o->watches || o->asking)
            continue;
        if (!o->serial++)
            return o;
        not_idle(o);
        struct object **at = chain(o->service, o->object);
        while (*at != o)
            at = &(*at)->next;
        *at = o->next;
        return o;
    }
}

struct object *object_of(const struct conn_info *c)
{
    struct object **first = chain(c->service, c->object), *o = *first;
    uint8_t access = c->flags & O_ACCMODE;
    while (o && !(o->object == c->object && o->service == c->service && o->access == access))
        o = o->next;
    if (o)
        return o;
    o = place_take();
    *o = (struct object){ .object = c->object,
                          .next = *first,
                          .service = c->service,
                          .serial = o->serial,
                          .access = access };
    *first = o;
    return o;
}

struct object *object_find(struct thread *t, struct poll_item *i)
{
    struct conn_info c;
    if (i->f.fd < 0 || ask_conn_get(t->call, i->f.fd, &c) < 0 || c.flags & O_PATH)
        return NULL;
    struct object *o = c.flags & CONN_READY ? &objects[0] : object_of(&c);
    i->word = (uint64_t)o->serial << 32 | (uint64_t)(o - objects);
    sys_conn_set(t->call, i->f.fd, CONN_SET_WORD, i->word);
    return o;
}

/* ---- asking ---- */

void readiness_own(endpoint_t me, int64_t (*events)(uint64_t object, struct thread *asker))
{
    self = me;
    own_events = events;
}

void readiness_own_fetch(void (*fetch)(void)) { own_fetch = fetch; }

static int64_t events_of(struct thread *t, const struct object *o, uint16_t events,
                         enum poll_arm arm)
{
    if (o->service == self)
        return own_events(o->object, t);
    return call_window(
        o->service, &(struct call_args){ .op = FS_POLL, .object = o->object, .flags = o->access },
        WINDOW_NONE, (void *)(uint64_t)events, arm, NULL);
}

/* Whether what holds depends on the thread that asks: then no answer is kept. */
static bool personal(const struct object *o)
{
    return o->service == self && anon_kind(o->object) == ANON_SIGNAL;
}

bool object_instant(const struct object *o)
{
    return o->service == self && anon_kind(o->object) != ANON_EPOLL &&
           anon_kind(o->object) != ANON_INOTIFY;
}

int object_ask(struct thread *t, struct object *o, uint16_t events, enum poll_arm arm)
{
    uint32_t before = o->changes;
    int64_t now;
    events |= ALWAYS_EVENTS;
    if (object_instant(o)) {
        now = own_events(o->object, t);
    } else {
        o->asking++;
        concerns[o->service]++;
        now = events_of(t, o, events, arm);
        o->asking--;
        concerns[o->service]--;
    }
    now = now < 0 ? POLLERR : now & events;
    if (arm && o->changes == before)
        told_of(o, now || personal(o) ? 0 : events,
                arm == POLL_ARM_EDGE || personal(o) ? events : 0);
    return (int)now;
}

int item_ask(struct thread *t, struct poll_item *i, enum poll_arm arm)
{
    struct object *o = object_known(i->word);
    if (i->f.fd < 0)
        return 0;
    if (i->word == CONN_CLOSED || (!o && !(o = object_find(t, i))))
        return POLLNVAL;
    if (o == &objects[0])
        return i->f.events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
    return object_ask(t, o, i->f.events, arm);
}

/* ---- watches ---- */

int watch_set(struct watch *w, struct object *o, uint32_t user)
{
    if (w->object == o)
        return 0;
    watch_end(w);
    if (!o->watches) {
        int error = share_take(&watched_share, user, 1, -ENOMEM);
        if (error)
            return error;
        o->user = user;
    }
    w->object = o;
    w->next = o->watches;
    w->before = &o->watches;
    if (w->next)
        w->next->before = &w->next;
    o->watches = w;
    return 0;
}

void watch_end(struct watch *w)
{
    if (!w->object)
        return;
    *w->before = w->next;
    if (w->next)
        w->next->before = w->before;
    if (!w->object->watches)
        share_give(&watched_share, w->object->user, 1);
    w->object = NULL;
}

/* ---- hearing of changes ---- */

static void object_told(struct object *o)
{
    bool taken = false;
    o->changes++;
    not_idle(o);
    for (struct watch *w = o->watches; w; w = w->next)
        if (!(w->exclusive && taken) && w->tell(w))
            taken |= w->exclusive;
}

static void service_told(endpoint_t service)
{
    for (struct object *o = objects + 1; o < objects + OBJECTS; o++)
        if (o->service == service)
            object_told(o);
}

/* Asks one service which objects have changed; one that cannot say may have changed all of its.
 * true: there may be more. */
static bool service_ask(endpoint_t service)
{
    uint64_t told[CHANGED_MAX];
    int64_t n = call_window(service, &(struct call_args){ .op = FS_CHANGED }, WINDOW_OUT, told,
                            sizeof told, NULL);
    if (n < 0)
        service_told(service);
    for (int64_t i = 0; i < n && i < CHANGED_MAX; i++)
        for (struct object *o = *chain(service, told[i]); o; o = o->next)
            if (o->service == service && (uint32_t)o->object == (uint32_t)told[i])
                object_told(o);
    return n == CHANGED_MAX;
}

void readiness_own_changed(uint64_t object, uint16_t events, bool edge)
{
    for (struct object *o = *chain(self, object); o; o = o->next)
        if (o->service == self && o->object == object &&
            (o->asking || (o->idle | (edge ? o->edge : 0)) & events))
            object_told(o);
}

bool readiness_pull(void)
{
    bool more = false;
    own_fetch();
    for (endpoint_t service = 0; service < MAX_SERVICE; service++)
        if (concerns[service] && service != self)
            more |= service_ask(service);
    return more;
}
