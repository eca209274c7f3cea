/* Windows: see window.h. An iovec stays in the caller's memory and is read anew for each copy:
 * other threads of the caller that change it meanwhile spoil only their own memory. */
#include "window.h"

#include "arch.h"
#include "ipc.h"
#include "kcall.h"
#include "space.h"
#include <minnow/errno.h>
#include <minnow/file.h>
#include <minnow/protocol.h>

enum { DIRECTION = 3 };

int window_total(struct thread *t, uint64_t *total, vaddr_t *missing)
{
    if (t->window.length > IOV_MAX)
        return -EINVAL;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < t->window.length; i++) {
        struct iovec v;
        vaddr_t at = t->window.base + i * sizeof v;
        if (space_read(t->space, at, &v, sizeof v) < 0) {
            space_missing(t->space, &at, sizeof v, false);
            *missing = at;
            return -EFAULT;
        }
        sum += v.length;
        if ((int64_t)v.length < 0 || (int64_t)sum < 0)
            return -EINVAL;
    }
    *total = sum;
    t->window.element = t->window.begins = 0;
    return 0;
}

/* Where in an iovec a copy has got to: the element, and the offset in the window at which it
 * begins. */
struct cursor {
    uint64_t element, begins;
};

/* The cursor for offsets from `offset` on. The window remembers where the last copy got to, so that
 * a call which moves much through an iovec reads each element once, and not once for each of its
 * copies. */
static struct cursor cursor_at(const struct thread *c, uint64_t offset)
{
    if (offset < c->window.begins)
        return (struct cursor){ 0, 0 };
    return (struct cursor){ c->window.element, c->window.begins };
}

/* The contiguous part of the window that starts at offset: its address and its length (at most
 * *run). false: the offset is past the end, or the iovec array is missing. Offsets for the same
 * cursor only grow. */
static bool window_run(struct thread *t, struct cursor *c, uint64_t offset, vaddr_t *at,
                       uint64_t *run)
{
    struct iovec v = { t->window.base, t->window.length };
    if (t->window.kind & WINDOW_IOVEC) {
        for (;; c->element++, c->begins += v.length) {
            if (c->element == t->window.length ||
                space_read(t->space, t->window.base + c->element * sizeof v, &v, sizeof v) < 0)
                return false;
            if (offset - c->begins < v.length)
                break;
        }
        offset -= c->begins;
    }
    if (offset >= v.length)
        return false;
    *at = v.base + offset;
    if (*run > v.length - offset)
        *run = v.length - offset;
    if (*at + *run < *at)
        *run = -*at; /* stops at the highest address; none of these is mapped */
    return true;
}

/* Copies between [mine, mine + length) of the space `own` and [at, at + length) of c's. */
static inline int run_copy(struct thread *c, vaddr_t at, struct space *own, vaddr_t mine,
                           uint64_t length, bool out)
{
    return out ? space_copy(c->space, at, own, mine, length)
               : space_copy(own, mine, c->space, at, length);
}

/* window_copy() for an iovec. */
static __attribute__((noinline)) int64_t iovec_copy(struct thread *c, uint64_t offset,
                                                    struct space *own, vaddr_t mine,
                                                    uint64_t length, bool out)
{
    struct cursor cursor = cursor_at(c, offset);
    for (uint64_t left = length; left;) {
        uint64_t run = left;
        vaddr_t at;
        if (!window_run(c, &cursor, offset, &at, &run))
            return -EFAULT;
        int error = run_copy(c, at, own, mine, run, out);
        if (error)
            return error;
        offset += run, mine += run, left -= run;
    }
    c->window.element = cursor.element;
    c->window.begins = cursor.begins;
    return length;
}

int64_t window_copy(struct thread *c, uint64_t offset, struct space *own, vaddr_t mine,
                    uint64_t length, bool out)
{
    if (__builtin_expect(!(c->window.kind & (out ? WINDOW_OUT : WINDOW_IN)), 0))
        return -EACCES; /* the caller has chosen the window */
    if (__builtin_expect(c->window.kind & WINDOW_IOVEC, 0))
        return iovec_copy(c, offset, own, mine, length, out);
    vaddr_t at = c->window.base + offset;
    if (__builtin_expect(
            offset > c->window.length || length > c->window.length - offset || at < offset, 0))
        return -EFAULT;
    int error = run_copy(c, at, own, mine, length, out);
    return error ? error : (int64_t)length;
}

int64_t sys_copy(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    return c ? window_copy(c, a[1], t->space, a[2], a[3], a[4] == COPY_TO_CALLER) : -ESRCH;
}

/* Makes c's call again when PM has brought [at, at + length), whose first byte is missing (else PM
 * would change nothing, and the call be thrown for ever); `reach` bytes of the window lie before
 * it. */
static void throw_range(struct thread *c, vaddr_t at, uint64_t length, bool write, uint64_t reach)
{
    uint64_t progress = call_flags(c) & CALL_MOVED ? c->words[MOVED_WORD] : 0;
    ipc_fault(c, CALL_THROWN, at, PM_FAULT_CALL | (write ? PM_FAULT_WRITE : 0), length);
    c->reach = reach;
    c->progress = progress;
}

/* The first run of the window in [offset, offset + length) that misses a page: the caller faults
 * over all of it, so that a large buffer is thrown once. When no page is missing (any more) the
 * call is made again; when nothing of the window is in the range, the call ends, for then nothing
 * would change. */
void window_throw(struct thread *c, uint64_t from_offset, uint64_t length)
{
    uint64_t offset = from_offset, left = !length                 ? 1
                                          : length < TRANSFER_MAX ? length
                                                                  : TRANSFER_MAX;
    bool write = c->window.kind & WINDOW_OUT;
    struct cursor cursor = cursor_at(c, offset);
    while (left) {
        uint64_t run = left;
        vaddr_t at;
        if (!window_run(c, &cursor, offset, &at, &run)) {
            vaddr_t array = c->window.base;
            if (c->window.kind & WINDOW_IOVEC &&
                space_missing(c->space, &array, c->window.length * sizeof(struct iovec), false)) {
                throw_range(c, array, sizeof(struct iovec), false, 0);
                return;
            }
            if (offset == from_offset) {
                ipc_finish(c, call_flags(c) & CALL_MOVED ? (int64_t)c->words[MOVED_WORD] : -EFAULT);
                return;
            }
            break; /* the rest is outside the window */
        }
        uint64_t from = at;
        if (space_missing(c->space, &at, run, write)) {
            throw_range(c, at, run - (at - from), write, offset + (at - from));
            return;
        }
        offset += run, left -= run;
    }
    throw_range(c, 0, 0, false, 0);
}

int64_t sys_throw(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    if (!c)
        return -ESRCH;
    window_throw(c, a[1], a[2]);
    return 0;
}

int64_t sys_aim(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    if (!c)
        return -ESRCH;
    if (a[3] & WINDOW_IOVEC && a[2] > IOV_MAX)
        return -EINVAL;
    c->window.base = a[1];
    c->window.length = a[2];
    c->window.kind = a[3] & (DIRECTION | WINDOW_IOVEC);
    c->window.element = c->window.begins = 0;
    return 0;
}
