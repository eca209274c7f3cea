/* dnotify (F_NOTIFY): a signal for what happens to the files of a directory that is open (Linux:
 * fs/notify/dnotify). The object is watched as an inotify watches it; the signal goes to the owner
 * of the open file, as with O_ASYNC. Each event is one signal; without DN_MULTISHOT the first is
 * the last. Events come in file_watch.told(), which must not wait, so signals are sent from the
 * list of those that are due. */
#include "dnotify.h"

#include "async.h"
#include "due.h"
#include "inotify.h"
#include "share.h"
#include "syscalls.h"
#include <minnow/file.h>

enum {
    DN_ACCESS = 1,
    DN_MODIFY = 2,
    DN_CREATE = 4,
    DN_DELETE = 8,
    DN_RENAME = 16,
    DN_ATTRIB = 32,
};
#define DN_MULTISHOT (1u << 31)
enum { DNOTIFIES = 512, NEWS_MOST = 64 /* signals that wait to be sent */ };

struct dnotify {
    struct dnotify *next;
    struct file_watch watch;
    struct due due;
    uint32_t file, what; /* the kernel's number of the open file; DN_... */
    uint32_t moved;      /* the cookie of the last name that has gone to another place */
    uint32_t news;
    int32_t fd;
    bool over, gone; /* nothing more is told; the open file has gone */
    uint16_t holds;  /* handlers that need the memory across a wait */
};

static struct dnotify *all;
static struct share dnotify_share = SHARE(DNOTIFIES, DNOTIFIES / 8, DNOTIFIES / 4);

static struct dnotify *find(uint32_t file)
{
    struct dnotify *d = all;
    while (d && d->file != file)
        d = d->next;
    return d;
}

static void drop(struct dnotify *d)
{
    struct dnotify **at = &all;
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    file_watch_end(&d->watch);
    due_remove(&d->due);
    share_give(&dnotify_share, d->due.user, 1);
    memory_free(d);
}

/* A handler needs d no more. */
static void let_go(struct dnotify *d)
{
    if (!--d->holds && (d->gone || d->over))
        drop(d);
}

/* Sends the signals that are due. May wait. */
static void look(struct due *due)
{
    struct dnotify *d = CONTAINER(due, struct dnotify, due);
    d->holds++;
    for (; d->news && !d->gone; d->news--)
        async_tell(d->file, d->fd);
    let_go(d);
}

/* What the event is for a program. */
static uint32_t meaning(struct dnotify *d, const struct file_event *e)
{
    switch (e->mask & IN_ALL_EVENTS) {
    case IN_ACCESS: return DN_ACCESS;
    case IN_MODIFY: return DN_MODIFY;
    case IN_ATTRIB: return DN_ATTRIB;
    case IN_CREATE: return DN_CREATE;
    case IN_DELETE: return DN_DELETE;
    case IN_MOVED_FROM: d->moved = e->cookie; return DN_DELETE;
    case IN_MOVED_TO: return DN_CREATE | (d->moved == e->cookie ? DN_RENAME : 0);
    default: return 0;
    }
}

static void told(struct file_watch *w, const struct file_event *e)
{
    struct dnotify *d = CONTAINER(w, struct dnotify, watch);
    if (d->over || !e || !(meaning(d, e) & d->what))
        return;
    d->news = MIN(d->news + 1, (uint32_t)NEWS_MOST);
    d->over = !(d->what & DN_MULTISHOT);
    due_add(&d->due);
}

static uint32_t events(uint32_t what)
{
    return (what & DN_ACCESS ? IN_ACCESS : 0) | (what & DN_MODIFY ? IN_MODIFY : 0) |
           (what & DN_ATTRIB ? IN_ATTRIB : 0) | (what & DN_CREATE ? IN_CREATE | IN_MOVED_TO : 0) |
           (what & DN_DELETE ? IN_DELETE | IN_MOVED_FROM : 0) |
           (what & DN_RENAME ? IN_MOVED_FROM | IN_MOVED_TO : 0);
}

void dnotify_release(uint32_t file)
{
    struct dnotify *d = find(file);
    if (!d)
        return;
    d->gone = true;
    d->holds++;
    let_go(d);
}

static struct dnotify *make(struct thread *t, const struct conn_info *c)
{
    uint32_t user = t->process->i.uid;
    if (share_take(&dnotify_share, user, 1, -ENOMEM))
        return NULL;
    struct dnotify *d = memory_zalloc(sizeof *d);
    if (!d) {
        share_give(&dnotify_share, user, 1);
        return NULL;
    }
    d->file = c->id;
    d->watch.told = told;
    d->due.user = user;
    d->due.count = 1;
    d->due.settled = true;
    d->due.look = look;
    d->next = all;
    all = d;
    return d;
}

int64_t dnotify_set(struct thread *t, unsigned fd, const struct conn_info *c, uint32_t what)
{
    struct stat s;
    struct conn_info now;
    if (!(what & ~DN_MULTISHOT)) {
        dnotify_release(c->id);
        return 0;
    }
    if (c->service == service_self() ||
        call_window(c->service,
                    &(struct call_args){ .op = FS_STAT, .object = c->object, .flags = c->flags },
                    WINDOW_OUT, &s, sizeof s, NULL) < 0 ||
        !S_ISDIR(s.mode))
        return -ENOTDIR;
    if (t->dead)
        return LATER;
    if (ask_conn_get(t->call, fd, &now) < 0 || now.id != c->id)
        return -EBADF; /* another thread has closed it */
    int64_t error = async_own(t, fd, c);
    struct dnotify *d = error ? NULL : find(c->id);
    if (!error && !d && !(d = make(t, c)))
        error = -ENOMEM;
    if (error)
        return error;
    d->fd = (int32_t)fd;
    d->what = (d->over ? 0 : d->what) | what;
    d->over = false;
    d->holds++;
    error = file_watch_set(&d->watch, c->service, c->object, events(d->what), d->due.user);
    d->gone |= error != 0;
    let_go(d);
    return error;
}
