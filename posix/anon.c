/* The table of the files that POSIX itself serves, and what all of them do alike. */
#include "anon.h"

#include "readiness.h"
#include "share.h"
#include "statfs.h"
#include "syscalls.h"
#include <minnow/file.h>
#include <minnow/protocol.h>

enum {
    FILES = 2048,
    GENERATIONS = 1 << 24,
    ANON_DEV = 12,
    ANON_MAGIC = 0x09041934,
    FIONREAD = 0x541b
};

static struct anon *files[FILES];
static uint32_t generations[FILES];
static endpoint_t self;
static unsigned hand; /* the place used last: a number comes back late */
static struct share file_share = SHARE(FILES, FILES / 8, FILES / 2);

/* ---- the table ---- */

static struct anon *file_of(uint64_t object)
{
    struct anon *a = files[anon_number(object) % FILES];
    return a && a->object == object ? a : NULL;
}

void *anon_here(uint64_t object, enum anon_kind kind)
{
    return anon_kind(object) == kind ? file_of(object) : NULL;
}

void *anon_of(endpoint_t service, uint64_t object, enum anon_kind kind)
{
    return service == self ? anon_here(object, kind) : NULL;
}

void *anon_behind(struct thread *t, uint32_t descriptor, enum anon_kind kind, int64_t *error)
{
    struct conn_info c;
    *error = -EBADF;
    if (ask_conn_get(t->call, descriptor, &c) < 0 || c.flags & O_PATH)
        return NULL;
    *error = -EINVAL;
    return anon_of(c.service, c.object, kind);
}

/* There is a free place: the share has fewer units than places. */
static unsigned place_take(void)
{
    do
        hand = (hand + 1) % FILES;
    while (files[hand]);
    generations[hand] = (generations[hand] + 1) % GENERATIONS;
    return hand;
}

static void forget(struct anon *a)
{
    a->gone = true;
    if (a->holds)
        return;
    share_give(&file_share, a->user, 1);
    memory_free(a);
}

void anon_drop(struct anon *a)
{
    if (!--a->holds && a->gone)
        forget(a);
}

void *anon_make(struct message *m, enum anon_kind kind, const struct anon_ops *ops, size_t size,
                uint32_t user, uint64_t flags, int64_t *descriptor)
{
    struct anon *a = NULL;
    *descriptor = share_take(&file_share, user, 1, -ENFILE);
    if (*descriptor)
        return NULL;
    if (!(a = memory_zalloc(size))) {
        share_give(&file_share, user, 1);
        *descriptor = -ENOMEM;
        return NULL;
    }
    unsigned place = place_take();
    a->ops = ops;
    a->user = user;
    a->object = anon_object(place, generations[place], kind);
    files[place] = a;
    *descriptor = connect(m, a->object, flags);
    if (*descriptor >= 0)
        return a;
    files[place] = NULL;
    forget(a);
    return NULL;
}

void anon_release(uint64_t object)
{
    struct anon *a = file_of(object);
    if (!a)
        return;
    while (a->reads.first) /* another thread has closed the descriptor */
        pending_remove(&a->reads, a->reads.first);
    while (a->writes.first)
        pending_remove(&a->writes, a->writes.first);
    if (a->ops->end)
        a->ops->end(a);
    files[anon_number(object)] = NULL;
    readiness_own_changed(object, ~0, true);
    forget(a);
}

/* ---- reading and writing ---- */

typedef int64_t (*transfer_t)(struct anon *a, call_t call, uint64_t length);

/* The handler of a read or write m, which waits in the list if it must. after: the events that have
 * happened when it is done. */
static int64_t begin(struct anon *a, struct message *m, transfer_t transfer,
                     struct pending_list *list, uint16_t after)
{
    if (!transfer)
        return -EINVAL;
    int64_t result = transfer(a, m->call, m->w[2]);
    if (result == ANON_MISSING) {
        throw_back(m->call, 0, m->w[2]);
        return LATER;
    }
    if (result == -EAGAIN && !(m->flags & O_NONBLOCK))
        return pending_add(list, m) ? LATER : -ENOMEM;
    if (result >= 0)
        anon_changed(a, after);
    return result;
}

/* Makes the calls of a list again, oldest first, until one has to wait on. true: one was done. */
static bool serve(struct anon *a, transfer_t transfer, struct pending_list *list)
{
    bool done = false;
    for (struct pending *p; (p = list->first);) {
        int64_t result = call_alive(p->m.call) ? transfer(a, p->m.call, p->m.w[2]) : -ESRCH;
        if (result == -EAGAIN)
            return done;
        if (result == ANON_MISSING)
            throw_back(p->m.call, 0, p->m.w[2]);
        else
            reply(p->m.call, result);
        done |= result >= 0;
        pending_remove(list, p);
    }
    return done;
}

void anon_changed(struct anon *a, uint16_t events)
{
    bool read, write;
    do {
        read = serve(a, a->ops->read, &a->reads);
        write = serve(a, a->ops->write, &a->writes);
        events |= (read ? a->ops->after_read : 0) | (write ? a->ops->after_write : 0);
    } while (read || write);
    readiness_own_changed(a->object, events, true);
}

/* The file of a call that wants to know what is in it; NULL: it has gone. May wait. */
static struct anon *fetched(uint64_t object)
{
    struct anon *a = file_of(object);
    if (a && a->ops->fetch) {
        anon_hold(a);
        a->ops->fetch(a);
        anon_drop(a);
        a = file_of(object);
    }
    return a;
}

static int64_t do_read(struct message *m)
{
    struct anon *a = fetched(m->object);
    return a ? begin(a, m, a->ops->read, &a->reads, a->ops->after_read) : -EBADF;
}

static int64_t do_write(struct message *m)
{
    struct anon *a = file_of(m->object);
    return a ? begin(a, m, a->ops->write, &a->writes, a->ops->after_write) : -EBADF;
}

/* ---- the other calls ---- */

static int64_t do_stat(struct message *m)
{
    struct anon *a = file_of(m->object);
    if (!a)
        return -EBADF;
    struct stat s = { .dev = ANON_DEV,
                      .ino = anon_number(a->object) + 1,
                      .nlink = 1,
                      .mode = 0600,
                      .blksize = PAGE_SIZE };
    if (a->ops->stat)
        a->ops->stat(a, &s);
    return copy_out(m, 0, &s, sizeof s) ? -EFAULT : 0;
}

static int64_t do_ioctl(struct message *m)
{
    const struct anon *a = fetched(m->object);
    if (!a || m->w[1] != FIONREAD || !a->ops->readable)
        return a ? -ENOTTY : -EBADF;
    uint32_t bytes = a->ops->readable(a);
    return copy_out(m, 0, &bytes, sizeof bytes);
}

/* As on Linux a file without positions stays where it is, unless it knows of no seeking at all. */
static int64_t do_seek(struct message *m)
{
    enum anon_kind kind = anon_kind(m->object);
    return kind == ANON_PID || kind == ANON_MQUEUE ? -ESPIPE : 0;
}

static int64_t do_statfs(struct message *m) { return statfs_without_disk(m, ANON_MAGIC); }

static int64_t do_poll(struct message *m)
{
    struct anon *a = file_of(m->object);
    return a ? (int64_t)(a->ops->events(a, NULL) & (m->w[1] | ALWAYS_EVENTS)) : POLLERR;
}

static int64_t own_events(uint64_t object, struct thread *asker)
{
    struct anon *a = file_of(object);
    return a ? (int64_t)a->ops->events(a, asker) : POLLERR;
}

static const handler_t handlers[] = {
    [op_number(FS_READ)] = do_read,          [op_number(FS_WRITE)] = do_write,
    [op_number(FS_STAT)] = do_stat,          [op_number(FS_POLL)] = do_poll,
    [op_number(FS_SEEK)] = do_seek,          [op_number(FS_IOCTL)] = do_ioctl,
    [op_number(FS_SYNC)] = answer_einval,    [op_number(FS_TRUNCATE)] = answer_einval,
    [op_number(FS_SETATTR)] = answer_einval, [op_number(FS_STATFS)] = do_statfs,
};
const struct protocol anon_protocol = PROTOCOL_TABLE(FS, handlers);

void anon_start(void)
{
    self = (endpoint_t)ask_self();
    readiness_own(self, own_events);
}
