/* What a process says of itself: prctl, arch_prctl, personality. */
#include "capability.h"
#include "handlers.h"

#include "syscalls.h"
#include "user_memory.h"

int64_t linux_arch_prctl(struct thread *t, struct message *m)
{
    enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };
    struct regs r;
    switch ((int)m->w[0]) {
    case ARCH_SET_GS:
        if (m->w[1] >> 47)
            return -EPERM;
        ask_regs_get(t->index, &r, NULL);
        r.gs_base = m->w[1];
        return sys_regs_set(t->index, &r, 0);
    case ARCH_GET_GS:
        ask_regs_get(t->index, &r, NULL);
        return user_write(t, m->w[1], &r.gs_base, sizeof r.gs_base);
    case ARCH_SET_FS: return m->w[1] >> 47 ? -EPERM : ask_thread_set(t->index, THREAD_TLS, m->w[1]);
    case ARCH_GET_FS:
        ask_regs_get(t->index, &r, NULL);
        return user_write(t, m->w[1], &r.fs_base, sizeof r.fs_base);
    default: return -EINVAL;
    }
}

enum {
    SET_PDEATHSIG = 1,
    GET_PDEATHSIG,
    GET_DUMPABLE,
    SET_DUMPABLE,
    GET_TIMING = 13,
    SET_TIMING,
    SET_NAME,
    GET_NAME,
    GET_SECCOMP = 21,
    SET_TIMERSLACK = 29,
    GET_TIMERSLACK,
    SET_MM = 35,
    SET_SUBREAPER = 36,
    GET_SUBREAPER,
    SET_NO_NEW_PRIVS,
    GET_NO_NEW_PRIVS,
    SET_THP_DISABLE = 41,
    GET_THP_DISABLE
};
/* of SET_MM */
enum { MM_ARG_START = 8, MM_ARG_END, MM_ENV_START, MM_ENV_END };

/* Whether one of the words is not 0 that these options do not use: Linux refuses that for the
 * younger options only. */
static bool stray_words(const uint64_t *w)
{
    switch ((int)w[0]) {
    case SET_NO_NEW_PRIVS:
    case SET_THP_DISABLE: return w[2] || w[3] || w[4];
    case GET_NO_NEW_PRIVS:
    case GET_THP_DISABLE: return w[1] || w[2] || w[3] || w[4];
    case SET_MM: return w[3] || w[4];
    default: return false;
    }
}

/* PR_SET_NAME: longer names are cut. */
static int64_t set_name(struct thread *t, caller_t at)
{
    char name[PROC_THREAD_NAME];
    int64_t length = user_string(t, at, name, sizeof name);
    if (length < 0 && length != -ENAMETOOLONG)
        return length;
    name[sizeof name - 1] = 0;
    thread_name(t, name);
    return 0;
}

/* PR_SET_MM: where /proc says that the arguments and the environment stand. */
static int64_t set_strings(struct process *p, uint64_t what, caller_t at)
{
    struct proc_strings arguments = p->i.arguments, environment = p->i.environment;
    if (!capable(p, CAP_SYS_RESOURCE))
        return -EPERM;
    switch (what) {
    case MM_ARG_START: arguments.at = at; break;
    case MM_ARG_END: arguments.end = at; break;
    case MM_ENV_START: environment.at = at; break;
    case MM_ENV_END: environment.end = at; break;
    default: return -EINVAL;
    }
    if (at < PROC_LOWEST || at >= USER_TOP || arguments.at > arguments.end ||
        environment.at > environment.end)
        return -EINVAL;
    p->i.arguments = arguments;
    p->i.environment = environment;
    return 0;
}

static int64_t prctl_set(struct thread *t, int option, uint64_t value)
{
    struct process *p = t->process;
    switch (option) {
    case SET_PDEATHSIG:
        if (value > SIGNALS)
            return -EINVAL;
        p->death_signal = value;
        return 0;
    case SET_DUMPABLE:
        if (value > 1)
            return -EINVAL;
        p->i.dumpable = value;
        return 0;
    case SET_TIMING: return value ? -EINVAL : 0; /* 0: by samples, which all are content with */
    case SET_NAME: return set_name(t, value);
    case SET_SUBREAPER: p->subreaper = value != 0; return 0;
    case SET_NO_NEW_PRIVS:
        if (value != 1)
            return -EINVAL;
        p->i.no_new_privs = true;
        return 0;
    case SET_THP_DISABLE: p->no_huge_pages = value != 0; return 0; /* there are none in any case */
    case SET_TIMERSLACK: t->slack = value ? value : t->slack_default; return 0;
    default: return -EINVAL;
    }
}

int64_t linux_prctl(struct thread *t, struct message *m)
{
    const struct process *p = t->process;
    int option = (int)m->w[0];
    caller_t to = m->w[1];
    int32_t value;
    int64_t result = capability_prctl(t->process, m->w);
    if (result != -ENOSYS)
        return result;
    if (stray_words(m->w))
        return -EINVAL;
    switch (option) {
    case GET_PDEATHSIG: return user_write(t, to, &p->death_signal, sizeof p->death_signal);
    case GET_DUMPABLE: return p->i.dumpable;
    case GET_NAME: return user_write(t, to, thread_record(t)->name, PROC_THREAD_NAME);
    case GET_SUBREAPER: value = p->subreaper; return user_write(t, to, &value, sizeof value);
    case GET_NO_NEW_PRIVS: return p->i.no_new_privs;
    case GET_TIMERSLACK: return MIN(t->slack, (uint64_t)INT64_MAX);
    case GET_TIMING:
    case GET_SECCOMP: return 0;
    case GET_THP_DISABLE: return p->no_huge_pages;
    case SET_MM: return set_strings(t->process, m->w[1], m->w[2]);
    default: return prctl_set(t, option, m->w[1]);
    }
}

int64_t linux_personality(struct thread *t, struct message *m)
{
    uint32_t before = t->process->i.personality;
    if ((uint32_t)m->w[0] != 0xffffffff)
        t->process->i.personality = m->w[0];
    return before;
}
