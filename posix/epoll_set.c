/* What epolls are interested in.
 *
 * An interest belongs to an epoll, and names an open file by its number and by the descriptor that
 * the program had for it. (So does Linux: the interest outlives the descriptor as long as the open
 * file lives.) The kernel tells of the end of an open file in which there is an interest, for
 * CONN_WATCH is set; then all interests in it go.
 *
 * Each interest watches the object behind its file (readiness.c), and stands in its epoll's list
 * `ready` when it may have events: when it is new, when the object has changed, and, unless it is
 * edge-triggered, when it had events at the last look. A look (epoll.c) asks only about those. So
 * what does not change costs nothing, however much of it there is. */
#include "epoll_set.h"

#include "share.h"
#include "syscalls.h"

enum { INTERESTS = 16384, CHAINS = 4096 };

static struct interest *by_key[CHAINS], *by_file[CHAINS];
static struct share interest_share = SHARE(INTERESTS, INTERESTS / 8, INTERESTS / 2);

static struct interest **key_chain(const struct epoll *e, uint32_t file, uint32_t fd)
{
    return &by_key[(anon_number(e->a.object) * 31 + file * 7 + fd) % CHAINS];
}

struct interest *interest_find(const struct epoll *e, uint32_t file, uint32_t fd)
{
    struct interest *i = *key_chain(e, file, fd);
    while (i && !(i->epoll == e && i->file == file && i->fd == fd))
        i = i->key_next;
    return i;
}

/* ---- those that may have events ---- */

static void ready_remove(struct interest *i)
{
    i->epoll->ready_count -= i->ready.listed;
    list_remove(&i->epoll->ready, &i->ready);
}

struct interest *interest_take(struct epoll *e)
{
    if (!e->ready.first)
        return NULL;
    struct interest *i = CONTAINER(e->ready.first, struct interest, ready);
    ready_remove(i);
    i->modified = false;
    return i;
}

void interest_behind(struct interest *i)
{
    i->epoll->ready_count += !i->ready.listed;
    list_append(&i->epoll->ready, &i->ready);
}

void interest_before(struct interest *i)
{
    i->epoll->ready_count += !i->ready.listed;
    list_prepend(&i->epoll->ready, &i->ready);
}

bool interest_ready(struct interest *i)
{
    struct epoll *e = i->epoll;
    interest_behind(i);
    readiness_own_changed(e->a.object, POLLIN | POLLRDNORM, true);
    return epoll_wake(e);
}

static bool tell(struct watch *w)
{
    struct interest *i = CONTAINER(w, struct interest, watch);
    return interest_events(i) && interest_ready(i);
}

/* ---- making and dropping ---- */

struct epoll *epoll_behind_object(const struct object *o)
{
    return anon_of(o->service, o->object, ANON_EPOLL);
}

static void link_all(struct interest *i)
{
    struct epoll *e = i->epoll;
    struct interest **key = key_chain(e, i->file, i->fd), **file = &by_file[i->file % CHAINS];
    i->key_next = *key;
    *key = i;
    i->file_next = *file;
    i->file_before = file;
    if (*file)
        (*file)->file_before = &i->file_next;
    *file = i;
    i->next = e->all;
    i->before = &e->all;
    if (e->all)
        e->all->before = &i->next;
    e->all = i;
}

static void unlink_all(struct interest *i)
{
    struct interest **at = key_chain(i->epoll, i->file, i->fd);
    while (*at != i)
        at = &(*at)->key_next;
    *at = i->key_next;
    *i->file_before = i->file_next;
    if (i->file_next)
        i->file_next->file_before = i->file_before;
    *i->before = i->next;
    if (i->next)
        i->next->before = i->before;
}

int interest_add(struct epoll *e, const struct conn_info *c, uint32_t fd, uint32_t events,
                 uint64_t data)
{
    uint32_t user = e->a.user;
    int error = share_take(&interest_share, user, 1, -ENOSPC);
    if (error)
        return error;
    struct interest *i = memory_zalloc(sizeof *i);
    struct object *o = object_of(c);
    if (i) {
        i->watch = (struct watch){ .tell = tell, .exclusive = events & EPOLLEXCLUSIVE };
        error = watch_set(&i->watch, o, user);
    }
    if (!i || error) {
        share_give(&interest_share, user, 1);
        memory_free(i);
        return i ? error : -ENOMEM;
    }
    i->epoll = e;
    i->events = events;
    i->data = data;
    i->file = c->id;
    i->fd = fd;
    link_all(i);
    i->nested = epoll_behind_object(o) != NULL;
    e->nested += i->nested;
    interest_ready(i);
    return 0;
}

void interest_release(struct interest *i)
{
    if (!--i->holds && i->gone)
        memory_free(i);
}

void interest_drop(struct interest *i)
{
    i->epoll->nested -= i->nested;
    ready_remove(i);
    unlink_all(i);
    watch_end(&i->watch);
    share_give(&interest_share, i->epoll->a.user, 1);
    i->gone = true;
    i->epoll = NULL;
    if (!i->holds)
        memory_free(i);
}

void interests_drop_file(uint32_t file)
{
    for (struct interest *i = by_file[file % CHAINS], *next; i; i = next) {
        next = i->file_next;
        if (i->file == file)
            interest_drop(i);
    }
}

void interests_in_file(uint32_t file, void (*visit)(struct epoll *e, void *context), void *context)
{
    for (struct interest *i = by_file[file % CHAINS]; i; i = i->file_next)
        if (i->file == file)
            visit(i->epoll, context);
}

/* ---- waits ---- */

void wait_add(struct epoll_wait *w) { list_append(&w->epoll->waits, &w->link); }

void wait_remove(struct epoll_wait *w) { list_remove(&w->epoll->waits, &w->link); }

bool epoll_wake(struct epoll *e)
{
    if (!e->waits.first)
        return false;
    struct epoll_wait *w = CONTAINER(e->waits.first, struct epoll_wait, link);
    wait_remove(w);
    due_add(&w->due);
    return true;
}
