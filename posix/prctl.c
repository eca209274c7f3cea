/* What a process says of itself: prctl, arch_prctl, personality. */
#include "handlers.h"

#include "syscalls.h"
#include "user_memory.h"

int64_t linux_arch_prctl(struct thread *t, struct message *m)
{
    enum { ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003 };
    struct regs r;
    switch (m->w[0]) {
    case ARCH_SET_FS: return m->w[1] >> 47 ? -EPERM : ask_thread_set(t->index, THREAD_TLS, m->w[1]);
    case ARCH_GET_FS:
        ask_regs_get(t->index, &r, NULL);
        return user_write(t, m->w[1], &r.fs_base, sizeof r.fs_base);
    default: return -EINVAL;
    }
}

int64_t linux_prctl(struct thread *t, struct message *m)
{
    enum {
        SET_PDEATHSIG = 1,
        GET_PDEATHSIG,
        GET_DUMPABLE,
        SET_DUMPABLE,
        GET_KEEPCAPS = 7,
        SET_KEEPCAPS,
        SET_NAME = 15,
        GET_NAME,
        GET_SECCOMP = 21,
        CAPBSET_READ = 23,
        GET_SECUREBITS = 27,
        SET_TIMERSLACK = 29,
        GET_TIMERSLACK,
        SET_SUBREAPER = 36,
        GET_SUBREAPER,
        SET_NO_NEW_PRIVS,
        GET_NO_NEW_PRIVS,
        SLACK = 50000
    };
    struct process *p = t->process;
    uint64_t a = m->w[1];
    char name[16];
    int32_t value;
    int64_t error;
    switch ((int)m->w[0]) {
    case SET_PDEATHSIG:
        if (a > SIGNALS)
            return -EINVAL;
        p->death_signal = a;
        return 0;
    case GET_PDEATHSIG: return user_write(t, a, &p->death_signal, sizeof p->death_signal);
    case GET_DUMPABLE: return p->i.dumpable;
    case SET_DUMPABLE:
        if (a > 1)
            return -EINVAL;
        p->i.dumpable = a;
        return 0;
    case SET_NAME:
        error = user_string(t, a, name, sizeof name);
        if (error < 0 && error != -ENAMETOOLONG)
            return error;
        name[sizeof name - 1] = 0;
        memcpy(p->i.name, name, sizeof name);
        return 0;
    case GET_NAME: return user_write(t, a, p->i.name, sizeof p->i.name);
    case SET_SUBREAPER: p->subreaper = a != 0; return 0;
    case GET_SUBREAPER: value = p->subreaper; return user_write(t, a, &value, sizeof value);
    case SET_NO_NEW_PRIVS:
        if (a != 1)
            return -EINVAL;
        p->no_new_privs = true;
        return 0;
    case GET_NO_NEW_PRIVS: return p->no_new_privs;
    case CAPBSET_READ: return a < PROC_CAPABILITIES ? 1 : -EINVAL;
    case GET_TIMERSLACK: return SLACK;
    case GET_KEEPCAPS:
    case SET_KEEPCAPS:
    case GET_SECCOMP:
    case GET_SECUREBITS:
    case SET_TIMERSLACK: return 0;
    default: return -EINVAL;
    }
}

int64_t linux_personality(struct thread *t, struct message *m)
{
    uint32_t before = t->process->personality;
    if ((uint32_t)m->w[0] != 0xffffffff)
        t->process->personality = m->w[0];
    return before;
}
