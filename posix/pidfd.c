/* pidfd: a file that stands for one process, and for no other that may have its number later. It is
 * readable, for poll, when the process has ended. (Linux: kernel/pid.c) */
#include "pidfd.h"

#include "anon.h"
#include "handlers.h"
#include "syscalls.h"
#include "trace.h"
#include <minnow/file.h>

struct pidfd {
    struct anon a;
    struct process_watch watch;
};

static uint64_t events(struct anon *a, struct thread *asker)
{
    (void)asker;
    const struct process *p = ((const struct pidfd *)a)->watch.process;
    return !p || p->zombie ? POLLIN | POLLRDNORM : 0;
}

static void changed(struct process_watch *w)
{
    anon_changed(&CONTAINER(w, struct pidfd, watch)->a, POLLIN | POLLRDNORM);
}

static void end(struct anon *a) { process_watch_end(&((struct pidfd *)a)->watch); }

static const struct anon_ops ops = { .events = events, .end = end };

int64_t pidfd_make(struct thread *t, struct message *m, struct process *p, uint64_t flags)
{
    int64_t descriptor;
    struct pidfd *f = anon_make(m, ANON_PID, &ops, sizeof *f, t->process->i.uid,
                                O_RDWR | O_CLOEXEC | flags, &descriptor);
    if (f) {
        f->watch.changed = changed;
        process_watch_set(&f->watch, p);
    }
    return descriptor;
}

struct process *pidfd_process(struct thread *t, uint32_t descriptor, int64_t *error)
{
    const struct pidfd *f = anon_behind(t, descriptor, ANON_PID, error);
    *error = f ? -ESRCH : -EBADF;
    return f ? f->watch.process : NULL;
}

bool pidfd_nonblocking(struct thread *t, uint32_t descriptor)
{
    struct conn_info c;
    return ask_conn_get(t->call, descriptor, &c) >= 0 && c.flags & O_NONBLOCK;
}

struct process *pidfd_or_directory(struct thread *t, uint32_t descriptor, int64_t *error)
{
    struct conn_info c;
    struct process *p = pidfd_process(t, descriptor, error);
    if (*error != -EBADF || ask_conn_get(t->call, descriptor, &c) < 0 || c.flags & O_PATH ||
        c.service != service_find("procfs"))
        return p;
    uint32_t pid = proc_directory_pid(c.object);
    if (pid)
        *error = -ESRCH;
    return pid ? process_find(pid) : NULL;
}

/* A descriptor of another process's open file, for whom may trace that process. */
int64_t linux_pidfd_getfd(struct thread *t, struct message *m)
{
    int64_t error;
    if ((uint32_t)m->w[2])
        return -EINVAL;
    struct process *p = pidfd_process(t, m->w[0], &error);
    if (!p)
        return error;
    if (!trace_allowed(t->process, p))
        return -EPERM;
    return p->i.task ? sys_conn_copy(p->i.task, (uint32_t)m->w[1], t->call, O_CLOEXEC) : -EBADF;
}

int64_t linux_pidfd_open(struct thread *t, struct message *m)
{
    int32_t pid = m->w[0];
    uint32_t flags = m->w[1];
    if (flags & ~(uint32_t)O_NONBLOCK || pid <= 0)
        return -EINVAL;
    struct process *p = process_find(pid);
    if (!p)
        return thread_find(pid) ? -EINVAL : -ESRCH;
    return pidfd_make(t, m, p, flags);
}
