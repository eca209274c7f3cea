/* process_vm_readv and process_vm_writev: memory of another process, which must be the caller's own
 * kind: of the same user, and dumpable. A page that the other process has not, or shares with
 * others since a fork, PM brings first. Whatever waits, the other process may have become another
 * program meanwhile; then it is asked anew whether its memory may be reached. */
#include "handlers.h"
#include "syscalls.h"
#include "trace.h"
#include "user_memory.h"
#include "vectors.h"
#include <minnow/file.h>

enum { BYTES_AT_ONCE = 1 << 18 };

/* A place in one of the two vectors, which both stand in the caller's memory. */
struct cursor {
    caller_t vector;
    uint64_t count; /* elements that are not begun */
    caller_t at;    /* in the element that is */
    uint64_t left;
};

/* Goes on to an element with bytes in it; left 0: there is none. 0, or as user_read(). */
static int64_t cursor_fill(struct thread *t, struct cursor *c)
{
    while (!c->left && c->count) {
        struct iovec v;
        int64_t error = user_read(t, c->vector, &v, sizeof v);
        if (error)
            return error;
        c->vector += sizeof v;
        c->count--;
        c->at = v.base;
        c->left = v.length;
    }
    return 0;
}

static void cursor_move(struct cursor *c, uint64_t bytes)
{
    c->at += bytes;
    c->left -= bytes;
}

/* The other process, and its memory when the call began. */
struct other {
    int pid;
    uint32_t serial;
    endpoint_t task;
};

static bool still_allowed(const struct thread *t, const struct other *o)
{
    const struct process *p = process_find(o->pid);
    return p && p->i.task == o->task && p->i.memory_serial == o->serial &&
           trace_allowed(t->process, p);
}

/* Reads from the other process. The buffer is filled after the wait, if there is one: PM's answer
 * would be lost if this service were set back to it. 0, -EFAULT. May wait. */
static int64_t fetch(const struct thread *t, const struct other *o, caller_t at, char *buffer,
                     size_t n)
{
    char byte;
    if (ask_peek(o->task, at, buffer, n) >= 0)
        return 0;
    bool there = trace_memory(o->task, at, &byte, 1, 0) == 1;
    return there && !t->dead && still_allowed(t, o) && ask_peek(o->task, at, buffer, n) >= 0
               ? 0
               : -EFAULT;
}

/* Moves one piece between here and there. 0; -EFAULT there: *gone; or as user_read(). May wait. */
static int64_t move(struct thread *t, const struct other *o, struct cursor *here,
                    struct cursor *there, char *buffer, size_t n, bool write, bool *gone)
{
    if (write) {
        int64_t error = user_read(t, here->at, buffer, n);
        *gone = !error && ask_poke(o->task, there->at, buffer, n) < 0 &&
                trace_memory(o->task, there->at, buffer, n, MEMORY_WRITE) != (int64_t)n;
        return error;
    }
    *gone = fetch(t, o, there->at, buffer, n) < 0;
    return *gone || t->dead ? 0 : user_write(t, here->at, buffer, n);
}

/* The bytes moved; -EFAULT: not even one; or as user_read(): then the call begins anew. May wait.
 */
static int64_t move_all(struct thread *t, const struct other *o, struct cursor *here,
                        struct cursor *there, uint64_t bytes, bool write)
{
    char *buffer = memory_alloc(PAGE_SIZE);
    int64_t error = buffer ? 0 : -ENOMEM;
    uint64_t done = 0;
    bool gone = false;
    while (!error && !gone && done < bytes && !t->dead) {
        if ((error = cursor_fill(t, here)) || (error = cursor_fill(t, there)))
            break;
        size_t n = MIN(PAGE_SIZE - there->at % PAGE_SIZE, MIN(here->left, there->left));
        if (!n)
            break;
        gone = there->at >= USER_TOP || !still_allowed(t, o);
        if (!gone)
            error = move(t, o, here, there, buffer, n, write, &gone);
        if (error || gone)
            break;
        cursor_move(here, n);
        cursor_move(there, n);
        done += n;
        GIVE_WAY_EVERY(BYTES_AT_ONCE, n, bytes - done);
    }
    memory_free(buffer);
    if (t->dead || error == LATER)
        return LATER;
    if (done)
        return done;
    return error ? error : gone ? -EFAULT : 0;
}

static int64_t remote(struct thread *t, const struct message *m, bool write)
{
    struct cursor here = { .vector = m->w[1], .count = m->w[2] },
                  there = { .vector = m->w[3], .count = m->w[4] };
    uint64_t bytes, bytes_there = 0;
    if (m->w[5])
        return -EINVAL;
    int64_t error = vector_bytes(t, here.vector, here.count, &bytes);
    if (!error && bytes)
        error = vector_bytes(t, there.vector, there.count, &bytes_there);
    if (error || !bytes || !bytes_there)
        return error;
    const struct process *p = process_of_thread(m->w[0]);
    if (!p || !p->i.task)
        return -ESRCH;
    if (!trace_allowed(t->process, p))
        return -EPERM;
    const struct other o = { p->i.pid, p->i.memory_serial, p->i.task };
    return move_all(t, &o, &here, &there, bytes, write);
}

int64_t linux_process_vm_readv(struct thread *t, struct message *m) { return remote(t, m, false); }
int64_t linux_process_vm_writev(struct thread *t, struct message *m) { return remote(t, m, true); }
