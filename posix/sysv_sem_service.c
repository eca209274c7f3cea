/* Semaphores of System V where a service of the name `sem` does them (lab/09-sem): the calls are
 * handed on to it, together with who makes them. A call that waits there is withdrawn by the kernel
 * when its program is killed or a signal comes. The end of a process is told by a call from here,
 * which no program can make, and which is answered before anybody learns of that end. */
#include "sysv_sem.h"

#include "delivery.h"
#include "sysv.h"

static endpoint_t service; /* 0: there is none, and sysv_sem.c does all */

void sem_service_start(void) { service = service_find("sem"); }
bool sem_service_there(void) { return service; }

static int64_t hand_on(struct thread *t, struct message *m, uint64_t op, uint32_t id,
                       enum window window)
{
    const struct process *p = t->process;
    m->op = op;
    m->object = id;
    m->position = m->flags = 0;
    m->w[4] = p->i.pid;
    m->w[5] = (uint64_t)p->i.euid << 32 | p->i.egid;
    thread_gone(t);
    return hand_over(m, service, window);
}

int64_t sem_service_get(struct thread *t, struct message *m)
{
    m->w[3] = 0;
    return hand_on(t, m, SEM_GET, 0, WINDOW_NONE);
}

int64_t sem_service_operate(struct thread *t, struct message *m, size_t bytes, uint64_t until)
{
    uint32_t id = m->w[0];
    t->process->sem_service = true;
    m->w[0] = 0;
    m->w[2] = bytes;
    m->w[3] = until;
    return hand_on(t, m, SEM_OPERATE, id, WINDOW_IN);
}

int64_t sem_service_control(struct thread *t, struct message *m, enum window window, size_t bytes)
{
    uint32_t id = m->w[0], number = m->w[1], command = m->w[2];
    m->w[0] = number;
    m->w[1] = m->w[3];
    m->w[2] = bytes;
    m->w[3] = command;
    return hand_on(t, m, SEM_CONTROL, id, window);
}

void sem_service_exit(const struct process *p)
{
    if (p->sem_service)
        call(service, SEM_EXIT, p->i.pid, 0, 0, 0);
}
