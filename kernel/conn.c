/* Connections: see conn.h. */
#include "conn.h"

#include "mailbox.h"
#include "memory.h"
#include "queue.h"
#include <minnow/errno.h>
#include <minnow/file.h>

enum { CLOEXEC = 1, CHUNK_BYTES = CONN_CHUNK * sizeof(uintptr_t) };

static uint32_t last_id;

struct conn_table *conn_table_create(void)
{
    struct conn_table *t = kmalloc(sizeof *t);
    if (t) {
        t->refs = 1;
        t->limit = DESCRIPTORS_FIRST;
    }
    return t;
}

struct conn_table *conn_table_copy(const struct conn_table *from)
{
    struct conn_table *t = kmalloc_for(sizeof *t, from->user);
    if (!t)
        return NULL;
    t->refs = 1;
    t->limit = from->limit;
    t->user = from->user;
    for (unsigned i = 0; i < from->chunks_used; i++) {
        if (!from->chunks[i])
            continue;
        t->chunks_used = i + 1;
        t->chunks[i] = kmalloc_for(CHUNK_BYTES, t->user);
        if (!t->chunks[i]) {
            conn_table_drop(t);
            return NULL;
        }
        for (unsigned k = 0; k < CONN_CHUNK; k++) {
            struct conn *c = conn_get(from, i * CONN_CHUNK + k);
            if (!c)
                continue;
            t->chunks[i][k] = from->chunks[i][k];
            t->used++;
            c->refs++;
        }
    }
    t->lowest = from->lowest;
    return t;
}

void conn_table_drop(struct conn_table *t)
{
    if (--t->refs)
        return;
    for (unsigned i = 0; t->used; i++)
        conn_close(t, i);
    for (unsigned i = 0; i < t->chunks_used; i++)
        kfree(t->chunks[i], CHUNK_BYTES);
    kfree(t, sizeof *t);
}

void conn_table_exec(struct conn_table *t)
{
    for (unsigned i = 0; i < t->chunks_used; i++)
        for (unsigned k = 0; t->chunks[i] && k < CONN_CHUNK; k++)
            if (t->chunks[i][k] & CLOEXEC)
                conn_close(t, i * CONN_CHUNK + k);
}

/* The entry of fd; its chunk is made if there is none. NULL: no memory. */
static uintptr_t *entry_make(struct conn_table *t, unsigned fd)
{
    uintptr_t **chunk = &t->chunks[fd / CONN_CHUNK];
    if (!*chunk && (*chunk = kmalloc_for(CHUNK_BYTES, t->user)) &&
        fd / CONN_CHUNK >= t->chunks_used)
        t->chunks_used = fd / CONN_CHUNK + 1;
    return *chunk ? &(*chunk)[fd % CONN_CHUNK] : NULL;
}

/* The lowest free descriptor at or above `lowest`, its entry made; -EMFILE, -ENOMEM. */
static int64_t table_place(struct conn_table *t, unsigned lowest)
{
    unsigned i = lowest > t->lowest ? lowest : t->lowest;
    while (i < t->limit && conn_get(t, i))
        i++;
    if (i >= t->limit)
        return -EMFILE;
    if (!entry_make(t, i))
        return -ENOMEM;
    if (lowest <= t->lowest)
        t->lowest = i;
    return i;
}

static void table_put(struct conn_table *t, unsigned fd, struct conn *c, bool cloexec)
{
    *conn_entry(t, fd) = (uintptr_t)c | (cloexec ? CLOEXEC : 0);
    t->used++;
    c->refs++;
    if (fd == t->lowest)
        t->lowest++;
}

int64_t conn_install(struct conn_table *t, unsigned lowest, endpoint_t service, uint64_t object,
                     uint64_t position, uint32_t flags)
{
    int64_t fd = table_place(t, lowest);
    if (fd < 0)
        return fd;
    struct conn *c = kmalloc_for(sizeof *c, t->user);
    if (!c)
        return -ENOMEM;
    conns_count++;
    c->mail.kind = MAIL_RELEASE;
    c->service = service;
    c->id = ++last_id;
    c->object = object;
    c->position = position;
    c->flags = flags & ~(uint32_t)O_CLOEXEC;
    table_put(t, fd, c, flags & O_CLOEXEC);
    return fd;
}

int64_t conn_share(struct conn_table *t, unsigned lowest, struct conn *c, bool cloexec)
{
    int64_t fd = table_place(t, lowest);
    if (fd >= 0)
        table_put(t, fd, c, cloexec);
    return fd;
}

int64_t conn_dup(struct conn_table *t, uint32_t fd, unsigned lowest, unsigned how)
{
    struct conn *c = conn_get(t, fd);
    if (!c)
        return -EBADF;
    if (!(how & DUP_EXACT))
        return lowest >= t->limit ? -EINVAL : conn_share(t, lowest, c, how & DUP_CLOEXEC);
    if (lowest >= t->limit)
        return -EBADF;
    if (!entry_make(t, lowest))
        return -ENOMEM;
    c->refs++; /* the open file must outlive the descriptor that is closed here */
    if (conn_get(t, lowest))
        conn_close(t, lowest);
    table_put(t, lowest, c, how & DUP_CLOEXEC);
    c->refs--;
    return lowest;
}

int64_t conn_close(struct conn_table *t, uint32_t fd)
{
    struct conn *c = conn_get(t, fd);
    if (!c)
        return -EBADF;
    *conn_entry(t, fd) = 0;
    t->used--;
    if (fd < t->lowest)
        t->lowest = fd;
    if (--c->refs == 0 && !c->busy)
        mail_release(c);
    return 0;
}

void conn_take_back(struct thread *t)
{
    for (unsigned i = 0; i < GIVEN_MAX && t->connected == t->call; i++) {
        if (t->given[i])
            conn_close(t->task->conns, t->given[i] - 1u);
        t->given[i] = 0;
    }
}

bool conn_position_take(struct conn *c, struct thread *t)
{
    t->conn = c;
    if (!c->busy) {
        c->busy = 1;
        return true;
    }
    queue_append(&c->waiting, t);
    return false;
}

struct thread *conn_position_give(struct thread *t)
{
    struct conn *c = t->conn;
    t->conn = NULL;
    if (c->waiting.first) {
        struct thread *next = queue_take(&c->waiting);
        next->position = c->position;
        return next;
    }
    c->busy = 0;
    if (!c->refs)
        mail_release(c);
    return NULL;
}

void conn_position_leave(struct thread *t)
{
    queue_remove(&t->conn->waiting, t);
    t->conn = NULL;
}
