/* Lists of locks that a thread holds, in the program's memory, which say what others wait for when
 * it ends (set_robust_list(2)). */
#include "robust_list.h"

#include "futex_lock.h"
#include "futex_queue.h"
#include "handlers.h"
#include "syscalls.h"
#include "trace.h"
#include "user_memory.h"

/* Reads from the memory of t's process, wherever t is. If a page has to be brought for that, the
 * buffer is filled after the wait. 0, -EFAULT. May wait. */
static int peek(const struct thread *t, caller_t at, void *to, size_t length)
{
    char byte;
    endpoint_t task = t->process->i.task;
    if (ask_peek(task, at, to, length) >= 0)
        return 0;
    bool there = trace_memory(task, at, &byte, 1, 0) == 1;
    return there && ask_peek(task, at, to, length) >= 0 ? 0 : -EFAULT;
}

/* Writes a word that has been read: in a step that commits, since who reads it again would take it
 * for another's. 0, -EFAULT. May wait. */
static int poke_word(const struct thread *t, caller_t at, uint32_t word)
{
    endpoint_t task = t->process->i.task;
    return sys_poke(task, at, &word, sizeof word) >= 0 ||
                   trace_memory(task, at, &word, sizeof word, MEMORY_WRITE) == sizeof word
               ? 0
               : -EFAULT;
}

/* Marks the word of a lock that t holds (FUTEX_OWNER_DIED), and wakes one sleeper on it. let_go: t
 * was about to lock or unlock it; if it is free, t may have died before waking one itself. May
 * wait. */
static void mark_dead(struct thread *t, caller_t at, bool let_go)
{
    uint32_t word;
    if ((at & 3) || peek(t, at, &word, sizeof word))
        return;
    if (let_go && !(word & FUTEX_TID))
        futex_wake_address(t, at, 1);
    if ((word & FUTEX_TID) != (unsigned)t->tid)
        return;
    bool waiters = word & FUTEX_WAITERS;
    word = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    if (!poke_word(t, at, word) && waiters)
        futex_wake_address(t, at, 1);
}

void robust_list_ends(struct thread *t, unsigned *places)
{
    enum { AT_ONCE = 256 };
    struct {
        caller_t next;
        int64_t offset;
        caller_t pending;
    } head;
    caller_t list = t->robust_list, at;
    t->robust_list = 0;
    if (!list || peek(t, list, &head, sizeof head))
        return;
    at = head.next & ~1ul;
    for (unsigned n = 0; at != list && n < ROBUST_MAX && *places && !t->dead; n++) {
        caller_t next;
        if (--*places % AT_ONCE == 0)
            give_way(*places / AT_ONCE);
        if (peek(t, at, &next, sizeof next))
            break;
        if (at != (head.pending & ~1ul))
            mark_dead(t, at + head.offset, false);
        at = next & ~1ul;
    }
    if (head.pending && !t->dead) /* bit 0: a lock that names its owner is handed over */
        mark_dead(t, (head.pending & ~1ul) + head.offset, !(head.pending & 1));
}

enum { ROBUST_HEAD_SIZE = 24 };

int64_t linux_set_robust_list(struct thread *t, struct message *m)
{
    if (m->w[1] != ROBUST_HEAD_SIZE)
        return -EINVAL;
    t->robust_list = m->w[0];
    return 0;
}

int64_t linux_get_robust_list(struct thread *t, struct message *m)
{
    struct thread *of = m->w[0] ? thread_find(m->w[0]) : t;
    if (!of)
        return -ESRCH;
    if (!trace_allowed(t->process, of->process))
        return -EPERM;
    uint64_t size = ROBUST_HEAD_SIZE;
    int64_t error = user_write(t, m->w[2], &size, sizeof size);
    return error ? error : user_write(t, m->w[1], &of->robust_list, sizeof of->robust_list);
}
