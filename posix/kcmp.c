/* kcmp: whether two processes have the same open file, memory, descriptors and so on. Beside equal
 * and different the answer tells an order, by numbers that mean nothing else (Linux:
 * kernel/kcmp.c).
 */
#include "epoll_set.h"
#include "handlers.h"
#include "syscalls.h"
#include "trace.h"
#include "user_memory.h"

enum {
    KCMP_FILE,
    KCMP_VM,
    KCMP_FILES,
    KCMP_FS,
    KCMP_SIGHAND,
    KCMP_IO,
    KCMP_SYSVSEM,
    KCMP_EPOLL_TFD
};
enum { EQUAL, LESS, GREATER };

static int64_t order(uint64_t a, uint64_t b) { return a == b ? EQUAL : a < b ? LESS : GREATER; }

/* The number of p's open file behind a descriptor. false: there is none. */
static bool file_number(const struct process *p, uint32_t descriptor, uint32_t *number)
{
    struct conn_info c;
    if (!p->i.task || ask_conn_get(p->i.task, descriptor, &c) < 0)
        return false;
    *number = c.id;
    return true;
}

static int64_t compare_files(const struct process *a, const struct process *b, uint32_t first,
                             uint32_t second)
{
    uint32_t x, y;
    return file_number(a, first, &x) && file_number(b, second, &y) ? order(x, y) : -EBADF;
}

/* a's open file `first`, and one that an epoll of b is interested in: which, stands at `at`. */
static int64_t compare_target(struct thread *t, const struct process *a, const struct process *b,
                              uint32_t first, caller_t at)
{
    struct {
        uint32_t epoll, descriptor, which;
    } slot;
    struct conn_info c;
    uint32_t x;
    int64_t error = user_read(t, at, &slot, sizeof slot);
    if (error)
        return error;
    if (!file_number(a, first, &x) || !b->i.task || ask_conn_get(b->i.task, slot.epoll, &c) < 0)
        return -EBADF;
    const struct object o = { .service = c.service, .object = c.object };
    struct epoll *e = epoll_behind_object(&o);
    if (!e)
        return -EINVAL;
    const struct interest *i = e->all;
    while (i && (i->fd != slot.descriptor || slot.which--))
        i = i->next;
    return i ? order(x, i->file) : -ENOENT;
}

/* Two processes, which share something by these numbers (process.h), or not. */
static int64_t compare_shared(const struct process *a, const struct process *b, uint32_t first,
                              uint32_t second)
{
    return first && first == second ? EQUAL : order(a->i.pid, b->i.pid);
}

int64_t linux_kcmp(struct thread *t, struct message *m)
{
    const struct process *a = process_of_thread((int)m->w[0]), *b = process_of_thread((int)m->w[1]);
    if (!a || !b)
        return -ESRCH;
    if (!trace_allowed(t->process, a) || !trace_allowed(t->process, b))
        return -EPERM;
    switch ((uint32_t)m->w[2]) {
    case KCMP_FILE: return compare_files(a, b, m->w[3], m->w[4]);
    case KCMP_VM: return order(a->space, b->space);
    case KCMP_FILES: return compare_shared(a, b, a->files, b->files);
    case KCMP_FS: return compare_shared(a, b, a->directories, b->directories);
    case KCMP_SIGHAND: return compare_shared(a, b, a->sighand, b->sighand);
    case KCMP_IO: return EQUAL; /* neither has any */
    case KCMP_SYSVSEM: return order((uint64_t)a->sem_undos, (uint64_t)b->sem_undos);
    case KCMP_EPOLL_TFD: return compare_target(t, a, b, m->w[3], m->w[4]);
    default: return -EINVAL;
    }
}
