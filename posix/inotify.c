/* inotify: a file from which programs read what happens to other files (Linux: fs/notify/inotify).
 *
 *     program                  posix                              file server
 *       | inotify_add_watch --->| VFS_RESOLVE: which object          |
 *       |                       | subject, mark -- FS_WATCH -------->| watches the object
 *       |                       |                                    | ... a program writes to it
 *       |                       |<------------- notifies: BIT_FILES--| keeps the event
 *       | read ---------------->| fetch() -- FS_EVENTS ------------->|
 *       |<- struct inotify_event| queue()                            |
 *
 * A `subject` is an object of a file server that is watched, and has a mark for each inotify that
 * watches it; the file server knows the events that all its marks want together. A notification
 * comes before the call in which it was sent is answered. So whoever looks for events fetches first
 * (fetch()), and finds all those that have happened before.
 *
 * A file server keeps its watches in its memory, which outlives its death. If one is given up, or
 * has no room for an event, the inotifies concerned get IN_Q_OVERFLOW. */
#include "inotify.h"

#include "anon.h"
#include "handlers.h"
#include "list.h"
#include "readiness.h"
#include "share.h"
#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>
#include <minnow/watch.h>

enum {
    IN_NONBLOCK = O_NONBLOCK,
    IN_CLOEXEC = O_CLOEXEC,
    IN_ONLYDIR = 0x1000000,
    IN_DONT_FOLLOW = 0x2000000,
    IN_EXCL_UNLINK = 0x4000000,
    IN_MASK_CREATE = 0x10000000,
    IN_MASK_ADD = 0x20000000,
    IN_KEPT = IN_ALL_EVENTS | IN_EXCL_UNLINK,
};
#define IN_ONESHOT 0x80000000u
/* what inotify_add_watch knows */
#define IN_KNOWN                                                                             \
    (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | \
     IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)

enum {
    WATCHES = 2 * INOTIFY_WATCHES, /* marks of all users */
    UNIT = 64,                     /* bytes, by which events are charged */
    UNITS = 4096,
    MAY_READ = 4, /* R_OK */
    CHAINS = 256,
};

/* struct inotify_event, as programs read it */
struct record {
    int32_t wd;
    uint32_t mask, cookie, length;
};

struct event {
    struct event *next;
    uint32_t user;
    struct record head; /* `length` bytes of the name follow, padded with NULs */
    char name[];
};

struct inotify {
    struct anon a;
    struct list marks;
    int32_t last; /* the number given last to a mark */
    struct event *first, *newest;
    unsigned count;        /* events that wait to be read, without `overflow` */
    uint64_t bytes;        /* that reading all of them brings */
    struct event overflow; /* IN_Q_OVERFLOW, which always has room */
    bool overflowed;       /* it is in the queue */
};

struct subject {
    struct subject *next; /* in its chain */
    struct link stale;    /* in `stales`: the file server does not know yet what the marks want */
    struct list marks;
    struct list others; /* struct file_watch */
    uint64_t object;
    endpoint_t service;
    uint32_t told;  /* what the file server knows; IN_IGNORED among it if it is to watch at all */
    bool kept;      /* the file server watches it */
    bool ended;     /* the object is no more: not in its chain */
    uint16_t using; /* handlers that need the memory across a wait */
};

struct mark {
    struct link of_subject, of_inotify;
    struct subject *subject;
    struct inotify *inotify;
    int32_t wd;
    uint32_t mask, user;
};

static struct subject *chains[CHAINS];
static struct list stales;
static unsigned kept_at[MAX_SERVICE]; /* subjects that each file server watches */
static bool due;                      /* a file server has notified since the last fetch() */
static struct lock fetching;
static struct share instance_share = SHARE(4 * INOTIFY_INSTANCES, INOTIFY_INSTANCES / 2,
                                           INOTIFY_INSTANCES);
static struct share mark_share = SHARE(WATCHES, WATCHES / 8, INOTIFY_WATCHES);
static struct share event_share = SHARE(UNITS, UNITS / 8, UNITS / 2);

/* ---- the queue ---- */

static unsigned units(const struct event *e) { return (sizeof *e + e->head.length) / UNIT + 1; }

static void append(struct inotify *i, struct event *e)
{
    e->next = NULL;
    *(i->first ? &i->newest->next : &i->first) = e;
    i->newest = e;
    i->bytes += sizeof e->head + e->head.length;
}

static void first_drop(struct inotify *i)
{
    struct event *e = i->first;
    i->first = e->next;
    i->bytes -= sizeof e->head + e->head.length;
    if (e == &i->overflow) {
        i->overflowed = false;
        return;
    }
    i->count--;
    share_give(&event_share, e->user, units(e));
    memory_free(e);
}

static void overflow(struct inotify *i)
{
    if (i->overflowed)
        return;
    i->overflowed = true;
    i->overflow.head = (struct record){ .wd = -1, .mask = IN_Q_OVERFLOW };
    append(i, &i->overflow);
    anon_changed(&i->a, POLLIN | POLLRDNORM);
}

/* A new event for i, which is charged for it. NULL: there is no room. */
static struct event *event_make(const struct inotify *i, unsigned length)
{
    struct event *e, size = { .head.length = length };
    if (i->count >= INOTIFY_EVENTS || share_take(&event_share, i->a.user, units(&size), -ENOMEM))
        return NULL;
    if (!(e = memory_zalloc(sizeof *e + length)))
        share_give(&event_share, i->a.user, units(&size));
    else
        e->user = i->a.user;
    return e;
}

/* Whether the queue's last event is the same: then it stands for both. */
static bool merges(const struct inotify *i, const struct record *r, const char *name)
{
    const struct event *e = i->first ? i->newest : NULL;
    return e && e->head.wd == r->wd && e->head.mask == r->mask && !(r->mask & IN_IGNORED) &&
           e->head.length == r->length && (!r->length || strcmp(e->name, name) == 0);
}

/* Puts an event into i's queue. name: terminated; of no length if the event has none. */
static void queue(struct inotify *i, const struct record *what, const char *name)
{
    enum { ALIGN = 16 };
    struct record r = *what;
    size_t length = strlen(name);
    r.length = length ? (length + ALIGN) & ~(size_t)(ALIGN - 1) : 0;
    if (merges(i, &r, name))
        return;
    struct event *e = event_make(i, r.length);
    if (!e) {
        overflow(i);
        return;
    }
    e->head = r;
    memcpy(e->name, name, length);
    i->count++;
    append(i, e);
    anon_changed(&i->a, POLLIN | POLLRDNORM);
}

/* ---- subjects and marks ---- */

static struct subject **chain(endpoint_t service, uint64_t object)
{
    return &chains[(object ^ object >> 10 ^ service << 5) % CHAINS];
}

static struct subject *subject_find(endpoint_t service, uint64_t object)
{
    struct subject *s = *chain(service, object);
    while (s && (s->object != object || s->service != service))
        s = s->next;
    return s;
}

static struct subject *subject_of(endpoint_t service, uint64_t object)
{
    struct subject *s = subject_find(service, object), **first = chain(service, object);
    if (s || !(s = memory_zalloc(sizeof *s)))
        return s;
    s->object = object;
    s->service = service;
    s->next = *first;
    *first = s;
    return s;
}

static void unkeep(struct subject *s)
{
    kept_at[s->service] -= s->kept;
    s->kept = false;
}

static void unchain(struct subject *s)
{
    struct subject **at = chain(s->service, s->object);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
}

/* Frees s if nothing needs it any more. */
static void subject_done(struct subject *s)
{
    if (s->using || s->marks.first || s->others.first || s->told)
        return;
    list_remove(&stales, &s->stale);
    if (!s->ended)
        unchain(s);
    memory_free(s);
}

/* The object has ended: its file server watches nothing any more. */
static void subject_end(struct subject *s)
{
    unkeep(s);
    unchain(s);
    s->ended = true;
    s->told = 0;
}

static uint32_t wanted(const struct subject *s)
{
    uint32_t all = 0;
    if (s->ended)
        return 0;
    for (const struct link *l = s->marks.first; l; l = l->next)
        all |= (CONTAINER(l, struct mark, of_subject)->mask & IN_ALL_EVENTS) | IN_IGNORED;
    for (const struct link *l = s->others.first; l; l = l->next)
        all |= CONTAINER(l, struct file_watch, of_subject)->mask | IN_IGNORED;
    return all;
}

/* Tells the file server what the marks of s want now, for `user`. 0, or its error. May wait; s is
 * in use. */
static int64_t subject_tell(struct subject *s, uint32_t user)
{
    int64_t error = 0;
    list_remove(&stales, &s->stale);
    while (!error && s->told != wanted(s)) {
        uint32_t before = s->told, mask = wanted(s);
        s->told = mask;
        error = call_object(s->service, FS_WATCH, s->object, mask, user, 0);
        if (error && s->told == mask)
            s->told = before;
        else if (!s->ended && s->kept != (s->told != 0)) {
            s->kept = !s->kept;
            kept_at[s->service] += s->kept ? 1 : -1;
        }
        if (!mask) /* a file server that knows nothing of s any more says so */
            error = s->told = 0;
    }
    return error;
}

/* One that has watched s does not any more: the file server will be told at the next fetch(). */
static void wants_less(struct subject *s)
{
    if (s->ended)
        return;
    list_append(&stales, &s->stale);
    inotify_notified();
    ask_notify(service_self(), 1ul << BIT_FILES);
}

/* Takes a mark away. */
static void mark_drop(struct mark *k)
{
    struct subject *s = k->subject;
    list_remove(&s->marks, &k->of_subject);
    list_remove(&k->inotify->marks, &k->of_inotify);
    share_give(&mark_share, k->user, 1);
    memory_free(k);
    wants_less(s);
}

/* The same, and the program reads of it. */
static void mark_ignored(struct mark *k)
{
    struct inotify *i = k->inotify;
    struct record r = { .wd = k->wd, .mask = IN_IGNORED };
    mark_drop(k);
    queue(i, &r, "");
}

static struct mark *mark_make(struct inotify *i, struct subject *s, uint32_t mask, uint32_t user)
{
    struct mark *k;
    if (share_take(&mark_share, user, 1, -ENOSPC))
        return NULL;
    if (!(k = memory_zalloc(sizeof *k))) {
        share_give(&mark_share, user, 1);
        return NULL;
    }
    i->last = i->last == INT32_MAX ? 1 : i->last + 1;
    k->subject = s;
    k->inotify = i;
    k->wd = i->last;
    k->mask = mask;
    k->user = user;
    list_append(&s->marks, &k->of_subject);
    list_append(&i->marks, &k->of_inotify);
    return k;
}

/* ---- events of file servers ---- */

/* Gives the event to a mark that wants it. */
static void mark_event(struct mark *k, const struct file_event *e, const char *name)
{
    uint32_t event = e->mask & ~(uint32_t)IN_ISDIR;
    bool ends = event == IN_UNMOUNT || event == IN_DELETE_SELF;
    bool hidden = e->nameless && k->mask & IN_EXCL_UNLINK && event != IN_ATTRIB;
    bool once = k->mask & IN_ONESHOT;
    struct record r = { .wd = k->wd, .mask = e->mask, .cookie = e->cookie };
    if ((k->mask & event || event == IN_UNMOUNT) && !hidden) {
        queue(k->inotify, &r, name);
        if (once && !ends)
            mark_ignored(k);
    }
    if (ends)
        mark_ignored(k);
}

/* Tells those of s that are no inotify's, or, when s has ended, that it has. */
static void others_tell(struct subject *s, const struct file_event *e)
{
    for (struct link *l = s->others.first, *next; l; l = next) {
        struct file_watch *w = CONTAINER(l, struct file_watch, of_subject);
        next = l->next;
        if (s->ended) {
            list_remove(&s->others, &w->of_subject);
            w->subject = NULL;
        }
        if (s->ended || w->mask & e->mask)
            w->told(w, s->ended ? NULL : e);
    }
}

static void deliver(endpoint_t service, const struct file_event *e)
{
    char name[NAME_MAX + 1];
    struct subject *s = subject_find(service, e->object);
    uint32_t event = e->mask & ~(uint32_t)IN_ISDIR;
    if (!s)
        return;
    memcpy(name, e->name, e->length);
    name[e->length] = 0;
    s->using ++;
    if (event == IN_UNMOUNT || event == IN_DELETE_SELF)
        subject_end(s);
    for (struct link *l = s->marks.first, *next; l; l = next) {
        next = l->next;
        mark_event(CONTAINER(l, struct mark, of_subject), e, name);
    }
    others_tell(s, e);
    s->using --;
    subject_done(s);
}

/* Events of this file server are lost. */
static void service_lost(endpoint_t service)
{
    for (unsigned k = 0; k < CHAINS; k++)
        for (const struct subject *s = chains[k]; s; s = s->next)
            for (const struct link *l = s->service == service ? s->marks.first : NULL; l;
                 l = l->next)
                overflow(CONTAINER(l, struct mark, of_subject)->inotify);
}

static void service_fetch(endpoint_t service)
{
    static _Alignas(8) char events[FILE_EVENTS_BYTES]; /* under `fetching` */
    int64_t n = call_window(service, &(struct call_args){ .op = FS_EVENTS }, WINDOW_OUT, events,
                            sizeof events, NULL);
    if (n < 0)
        service_lost(service);
    n = MIN(n, (int64_t)sizeof events);
    for (int64_t at = 0; at + (int64_t)file_event_size(0) <= n;) {
        const struct file_event *e = (const struct file_event *)(events + at);
        at += file_event_size(e->length);
        if (at > n)
            return;
        if (e->mask == IN_Q_OVERFLOW)
            service_lost(service);
        else
            deliver(service, e);
    }
}

/* Brings all that has happened up to now into the queues, and tells file servers of what is not
 * watched any more. May wait. */
static void fetch(void)
{
    lock_take(&fetching);
    while (due) {
        due = false;
        for (endpoint_t service = 0; service < MAX_SERVICE; service++)
            if (kept_at[service])
                service_fetch(service);
        for (struct link *l; (l = stales.first);) {
            struct subject *s = CONTAINER(l, struct subject, stale);
            s->using ++;
            subject_tell(s, 0);
            s->using --;
            subject_done(s);
        }
    }
    lock_give(&fetching);
}

void inotify_notified(void)
{
    due = true;
    readiness_notified();
}

void inotify_start(void) { readiness_own_fetch(fetch); }

/* ---- the file ---- */

static void before_read(struct anon *a)
{
    (void)a;
    fetch();
}

static uint64_t events(struct anon *a, struct thread *asker)
{
    (void)asker;
    anon_hold(a);
    fetch();
    uint64_t now = ((const struct inotify *)a)->first ? POLLIN | POLLRDNORM : 0;
    anon_drop(a);
    return now;
}

static uint64_t readable(const struct anon *a) { return ((const struct inotify *)a)->bytes; }

/* As many whole events as have room. */
static int64_t read(struct anon *a, call_t call, uint64_t length)
{
    struct inotify *i = (struct inotify *)a;
    uint64_t done = 0;
    unsigned taken = 0;
    if (!i->first)
        return -EAGAIN;
    for (const struct event *e = i->first; e; e = e->next, taken++) {
        uint64_t size = sizeof e->head + e->head.length;
        if (size > length - done)
            break;
        int error = copy_out_call(call, done, &e->head, size);
        if (error)
            return anon_copy_failed(error);
        done += size;
    }
    if (!taken)
        return -EINVAL;
    while (taken--)
        first_drop(i);
    return (int64_t)done;
}

static void end(struct anon *a)
{
    struct inotify *i = (struct inotify *)a;
    while (i->marks.first)
        mark_drop(CONTAINER(i->marks.first, struct mark, of_inotify));
    while (i->first)
        first_drop(i);
    share_give(&instance_share, a->user, 1);
}

static const struct anon_ops ops = {
    .fetch = before_read, .events = events, .read = read, .readable = readable, .end = end
};

static int64_t make(struct thread *t, struct message *m, uint32_t flags)
{
    int64_t descriptor;
    uint32_t user = t->process->i.uid;
    if (flags & ~(uint32_t)(IN_NONBLOCK | IN_CLOEXEC))
        return -EINVAL;
    if (share_take_limited(&instance_share, user, 1, table->head.inotify_instances, -EMFILE))
        return -EMFILE;
    if (!anon_make(m, ANON_INOTIFY, &ops, sizeof(struct inotify), user, O_RDONLY | flags,
                   &descriptor))
        share_give(&instance_share, user, 1);
    return descriptor;
}

/* ---- the calls ---- */

int64_t linux_inotify_init(struct thread *t, struct message *m) { return make(t, m, 0); }
int64_t linux_inotify_init1(struct thread *t, struct message *m) { return make(t, m, m->w[0]); }

/* The object that t's program means by the path at `at`; t may read it. 0 or an error. May wait. */
static int64_t resolve(struct thread *t, caller_t at, uint32_t mask, endpoint_t *service,
                       uint64_t *object)
{
    struct call_result r;
    char *path = memory_alloc(PATH_MAX);
    if (!path)
        return -ENOMEM;
    int64_t length = user_string(t, at, path, PATH_MAX);
    int64_t error = length == LATER || length < 0 ? length : 0;
    if (!error)
        error = call_window(
            service_find("vfs"),
            &(struct call_args){ .op = VFS_RESOLVE,
                                 .w0 = t->process->i.task,
                                 .w3 = MAY_READ | (mask & IN_DONT_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0),
                                 .w5 = (uint64_t)AT_FDCWD },
            WINDOW_IN, path, length + 1, &r);
    memory_free(path);
    if (error)
        return error;
    if (mask & IN_ONLYDIR && !S_ISDIR(resolved_mode(r.r1)))
        return -ENOTDIR;
    *service = resolved_service(r.r1);
    *object = r.r2;
    return 0;
}

/* i's mark on s; NULL: there is none. */
static struct mark *mark_of(const struct inotify *i, const struct subject *s)
{
    for (struct link *l = s->marks.first; l; l = l->next)
        if (CONTAINER(l, struct mark, of_subject)->inotify == i)
            return CONTAINER(l, struct mark, of_subject);
    return NULL;
}

/* i is to watch s, which is in use, as `mask` says: the mark's number, or an error. May wait. */
static int64_t watch(struct inotify *i, struct subject *s, uint32_t mask, uint32_t user)
{
    struct mark *k = mark_of(i, s);
    uint32_t kept = mask & (IN_KEPT | IN_ONESHOT);
    bool fresh = !k;
    if (k && mask & IN_MASK_CREATE)
        return -EEXIST;
    if (k)
        k->mask = mask & IN_MASK_ADD ? k->mask | kept : kept;
    else if (!(k = mark_make(i, s, kept, user)))
        return -ENOSPC;
    int32_t wd = k->wd;
    int64_t error = subject_tell(s, user);
    if (error == -EOPNOTSUPP ||
        error == -ENOSYS) /* its files can be watched, but nothing is told */
        error = 0;
    if (error && fresh && (k = mark_of(i, s)))
        mark_drop(k);
    return error ? (error == -ESTALE ? -ENOENT : error) : wd;
}

int64_t linux_inotify_add_watch(struct thread *t, struct message *m)
{
    uint32_t mask = m->w[2], user = t->process->i.uid;
    endpoint_t service;
    uint64_t object;
    int64_t result;
    if (!mask || mask & ~(uint32_t)IN_KNOWN)
        return -EINVAL;
    struct inotify *i = anon_behind(t, m->w[0], ANON_INOTIFY, &result);
    if (!i)
        return result;
    if ((mask & (IN_MASK_ADD | IN_MASK_CREATE)) == (IN_MASK_ADD | IN_MASK_CREATE))
        return -EINVAL;
    anon_hold(&i->a);
    result = resolve(t, m->w[1], mask, &service, &object);
    if (!result)
        fetch(); /* what has happened before is not for the new mark */
    struct subject *s = result || i->a.gone ? NULL : subject_of(service, object);
    if (s) {
        s->using ++;
        result = watch(i, s, mask, user);
        s->using --;
        subject_done(s);
    } else if (!result) {
        result = i->a.gone ? -EBADF : -ENOMEM;
    }
    anon_drop(&i->a);
    return result;
}

int64_t linux_inotify_rm_watch(struct thread *t, struct message *m)
{
    int32_t wd = m->w[1];
    int64_t result;
    struct inotify *i = anon_behind(t, m->w[0], ANON_INOTIFY, &result);
    if (!i)
        return result;
    anon_hold(&i->a);
    fetch(); /* what has happened before is told before the end */
    struct link *l = i->marks.first;
    while (l && CONTAINER(l, struct mark, of_inotify)->wd != wd)
        l = l->next;
    if (l)
        mark_ignored(CONTAINER(l, struct mark, of_inotify));
    anon_drop(&i->a);
    return l ? 0 : -EINVAL;
}

/* ---- others ---- */

void file_watch_end(struct file_watch *w)
{
    struct subject *s = w->subject;
    if (!s)
        return;
    list_remove(&s->others, &w->of_subject);
    w->subject = NULL;
    wants_less(s);
}

int64_t file_watch_set(struct file_watch *w, endpoint_t service, uint64_t object, uint32_t mask,
                       uint32_t user)
{
    fetch(); /* what has happened before is not for w */
    struct subject *s = w->subject ? w->subject : subject_of(service, object);
    if (!s)
        return -ENOMEM;
    w->mask = mask;
    if (!w->subject)
        list_append(&s->others, &w->of_subject);
    w->subject = s;
    s->using ++;
    int64_t error = subject_tell(s, user);
    s->using --;
    subject_done(s);
    return error == -EOPNOTSUPP || error == -ENOSYS ? 0 : error == -ESTALE ? -ENOENT : error;
}
